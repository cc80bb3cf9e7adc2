"""Fairness in virtual time, over thousands of random arrivals: how long anybody pauses, and for whom."""

from __future__ import annotations

import itertools
import random

import pytest

from bench.sched_sim import HIGH, LOW, NORMAL, SMALL, Device, Job, by_steps
from worker.engine.fairness import Lane, patience

GPU = Device(a=5.5, c=1.55, decode=4.65)  # milliseconds
ROWS = 32
FULL = GPU.tick(ROWS)  # a tick of one call
LARGE: Lane = ("sd15", 1024, 1024)
LANES: tuple[Lane, ...] = (SMALL, ("sd15", 768, 512), LARGE, ("anime", 512, 512))


def arrivals(count: int, seed: int, per_second: float) -> list[Job]:
    """Short ones and bulk, of three owners, four lanes and three priorities."""
    rng, now, jobs = random.Random(seed), 0.0, list[Job]()
    for _ in range(count):
        now += rng.expovariate(per_second) * 1000
        jobs.append(
            Job(
                now,
                count=rng.choice((10, 40)) if rng.random() < 0.03 else 1,
                ticks=rng.choice((2, 4, 8, 20, 30)),
                rows=rng.choice((1, 2, 2, 3)),
                lane=rng.choices(LANES, (6, 2, 1, 2))[0],
                owner=rng.choices(("a", "b", "c"), (6, 2, 1))[0],
                priority=rng.choices((LOW, NORMAL, HIGH), (2, 5, 2))[0],
            )
        )
    return jobs


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("per_second", [6.0, 40.0])  # 40: far beyond what the device can do
def test_nobody_starves(seed: int, per_second: float) -> None:
    """3,000 arrivals. A job pauses for its patience in rounds and a tick for every other job, at most."""
    outcome = by_steps(arrivals(250, seed, per_second), GPU, ROWS)
    for job in outcome.jobs:
        assert len(job.ended) == job.count
        assert job.longest_pause <= patience(job.priority) * outcome.longest_round + outcome.most_jobs


@pytest.mark.parametrize("seed", range(4))
def test_alike_jobs_begin_in_the_order_they_came(seed: int) -> None:
    """So who waits to board waits for those before him, and no longer than they take."""
    groups: dict[tuple[str, int, Lane], list[Job]] = {}
    for job in by_steps(arrivals(300, seed, 20.0), GPU, ROWS).jobs:
        groups.setdefault((job.owner, job.priority, job.lane), []).append(job)
    for group in groups.values():
        begun = [min(job.began) for job in group]
        overtaken = [max(earlier - later, 0) for earlier, later in itertools.pairwise(begun)]
        # At the moment of boarding they are in order; who boarded may pause before his first step.
        assert max(overtaken, default=0) <= len(LANES) * FULL * max(job.longest_pause for job in group)


def test_a_short_job_waits_for_two_ticks_at_most_beside_a_long_bulk_one() -> None:
    """Of any size and owner, at any moment: the tick that is under way, and one more."""
    rng = random.Random(1)
    tick = 2 * GPU.a + GPU.c * ROWS + GPU.c * ROWS / 2  # two calls, all rows, and the decoding after it
    for _ in range(150):
        bulk = Job(0.0, 200, rng.choice((20, 50)), rng.choice((1, 2, 3)), lane=rng.choice(LANES))
        short = Job(
            rng.uniform(500, 1500), 1, 4, rng.choice((1, 2)), lane=rng.choice(LANES), owner=rng.choice(("local", "b"))
        )
        by_steps([bulk, short], GPU, ROWS, until=[short])
        assert short.began[0] - short.arrival <= 2 * tick
        assert short.longest_pause <= 2


def test_decoding_holds_others_up_for_less_than_a_tick() -> None:
    """Even where pictures of two steps land by the dozen: half a tick goes into it, or one large picture."""
    for seed in range(3):
        jobs = arrivals(200, seed, 30.0) + [Job(50.0 * i, 16, 2, 1) for i in range(20)]
        outcome = by_steps(jobs, GPU, ROWS)
        assert outcome.longest_decoding <= GPU.c * ROWS / 2 + 1e-9
        assert outcome.longest_decoding < FULL
        assert all(len(job.ended) == job.count for job in jobs)
    huge = Job(0.0, 4, 8, 2, lane=("sd15", 2048, 2048))
    assert by_steps([huge], GPU, ROWS).longest_decoding == pytest.approx(16 * GPU.decode)


def test_ten_jobs_beside_a_thousand_of_somebody_else_take_twice_their_time_alone_at_most() -> None:
    """And the two ticks in which they come and go. Alone all of them step in every tick and fill two thirds of it.

    (Of shorter or fewer ones no tick is lost, but each is as long as a full one: the next test.)
    """
    rng = random.Random(2)
    for _ in range(20):
        ticks = rng.choice((20, 30, 50))
        shapes = [(ticks, rng.choice((2, 2, 3))) for _ in range(10)]
        at = rng.uniform(500, 3000)
        alone, beside = ([Job(at, 1, *shape, owner="b") for shape in shapes] for _ in range(2))
        by_steps(alone, GPU, ROWS)
        others = [Job(0.0, 1, rng.choice((20, 30, 50)), 2, owner="a") for _ in range(1000)]
        by_steps([*others, *beside], GPU, ROWS, until=beside)
        tick = FULL + 2 * GPU.decode
        assert max(job.latency for job in beside) <= 2 * max(job.latency for job in alone) + 2 * tick


def test_a_few_rows_beside_a_thousand_jobs_lose_no_tick() -> None:
    """Less than half of a tick is had in every one of them: what is lost is the length of full ticks alone."""
    for rows in range(1, 8):
        few = [Job(1000.0, 1, 20, 2, owner="b") for _ in range(rows)]
        by_steps([*(Job(0.0, 1, 20, 2, owner="a") for _ in range(1000)), *few], GPU, ROWS, until=few)
        assert max(job.longest_pause for job in few) == 1
        assert max(job.latency for job in few) <= 22 * (FULL + GPU.c * ROWS / 2)


def test_an_urgent_job_overtakes_a_bulk_one_which_loses_nothing() -> None:
    bulk, urgent = Job(0.0, 100, 20, 2), Job(3000.0, 16, 20, 2, priority=HIGH)
    outcome = by_steps([bulk, urgent], GPU, ROWS)
    # Two of its pictures board a tick, and from the next tick on each steps in every one.
    assert urgent.longest_pause == 1
    assert urgent.latency <= (1 + 7 + 20 + 3) * (FULL + 2 * GPU.decode)
    assert bulk.longest_pause > 1, "it gave way"
    row_ticks = (100 + 16) * 20 * 2
    assert outcome.ticks <= row_ticks / ROWS + 8 + 20, "as many as the work fills, and the ends"


def test_a_low_priority_ages() -> None:
    """Beside normal work that never lets up, of the same owner, a low job goes on step by step, and comes to an end."""
    stream = [Job(20.0 * i, 1, 20, 2) for i in range(1000)]  # five times what the device can do
    low = Job(2000.0, 1, 10, 2, priority=LOW)
    outcome = by_steps([*stream, low], GPU, ROWS, until=[low])
    bound = patience(LOW) * outcome.longest_round + outcome.most_jobs
    assert patience(LOW) < low.longest_pause <= bound, "it waited as long as it may, and no longer"
    assert low.latency <= 10 * (bound + 1) * (FULL + GPU.c * ROWS / 2)
    assert (patience(LOW), patience(NORMAL), patience(HIGH)) == (32, 16, 8)


def test_sizes_share_by_pixels() -> None:
    """Bulk of two sizes side by side: in any while both do as many pixels, so one does four times the pictures."""
    small, large = Job(0.0, 400, 20, 2), Job(0.0, 1000, 20, 2, lane=LARGE)
    by_steps([small, large], GPU, ROWS, until=[small])
    done = [len(job.ended) for job in (small, large)]
    assert done[0] / done[1] == pytest.approx(4, rel=0.1)
