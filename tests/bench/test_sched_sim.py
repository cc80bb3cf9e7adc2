"""The engine's batcher in virtual time: nobody starves, and how long anybody waits."""

from __future__ import annotations

import random

import pytest

from bench.sched_sim import (
    SMALL,
    Device,
    Job,
    by_steps,
    by_window,
    capacity,
    mixed,
    one_at_a_time,
    percentile,
)
from worker.engine.fairness import Lane

GPU = Device(a=5.5, c=1.55, decode=4.65)  # milliseconds, as a datacentre GPU with Stable Diffusion 1.5 has them
ROWS = 32
LARGE: Lane = ("sd15", 1024, 1024)


def test_one_picture_alone_takes_its_steps_and_a_decode() -> None:
    (job,) = by_steps([Job(arrival=100.0, count=1, ticks=20, rows=2)], GPU, ROWS).jobs
    assert job.began == [100.0]
    assert job.ended == [pytest.approx(100 + 20 * (5.5 + 2 * 1.55) + 4.65)]


def test_the_same_work_gives_the_same_times() -> None:
    first, second = (by_steps(mixed(500, 8.0, seed=3), GPU, ROWS) for _ in range(2))
    assert [job.ended for job in first.jobs] == [job.ended for job in second.jobs]


@pytest.mark.parametrize("seed", range(3))
def test_thousands_of_arrivals_all_end(seed: int) -> None:
    """Bulk and single, guided and not, of two sizes, at more than the device can do."""
    rng, now, jobs = random.Random(seed), 0.0, []
    for _ in range(1000):
        now += rng.expovariate(9.0) * 1000
        count = 50 if rng.random() < 0.02 else 1
        lane = LARGE if rng.random() < 0.3 else SMALL
        jobs.append(Job(now, count, rng.choice((8, 20, 50)), rng.choice((1, 2, 3)), lane=lane))
    outcome = by_steps(jobs, GPU, ROWS)
    assert all(len(job.ended) == job.count for job in outcome.jobs)
    assert all(job.began[0] >= job.arrival for job in outcome.jobs)
    # A tick is at most one full call for each of the two sizes and the decodes of what landed in it.
    assert outcome.longest_gap <= 2 * GPU.tick(ROWS) + ROWS * GPU.decode


def test_a_bulk_job_keeps_a_short_one_waiting_for_one_tick_only() -> None:
    """It boards when the tick is over that it came in, and then steps in every tick."""
    tick = GPU.tick(ROWS) + 2 * GPU.decode
    for arrival in range(1000, 9000, 97):
        bulk, short = Job(0.0, 100, 20, 2), Job(float(arrival), 1, 20, 2)
        by_steps([bulk, short], GPU, ROWS)
        assert short.began[0] - arrival <= tick
        assert short.latency <= 21 * tick + GPU.decode


def test_who_pauses_for_others_loses_little() -> None:
    """A hundred pictures while forty single ones come by: the bulk job takes what the device has left, no more."""
    bulk = Job(0.0, 100, 20, 2)
    singles = [Job(200.0 * i, 1, 20, 2) for i in range(40)]
    outcome = by_steps([bulk, *singles], GPU, ROWS)
    alone = by_steps([Job(0.0, 140, 20, 2)], GPU, ROWS)
    assert max(job.ended[-1] for job in outcome.jobs) <= 1.05 * alone.jobs[0].ended[-1]
    assert percentile([job.latency for job in singles], 0.95) <= 21 * (GPU.tick(ROWS) + 3 * GPU.decode)


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_latency_beside_dynamic_batching_of_equal_requests(load: float) -> None:
    """In mixed work few requests are equal: a window makes batches of one or two, and holds the device for each."""
    rate = load * capacity(GPU, ROWS)
    ours = [job.latency for job in by_steps(mixed(2000, rate, 1), GPU, ROWS).jobs]
    theirs = [job.latency for job in by_window(mixed(2000, rate, 1), GPU, ROWS).jobs]
    assert percentile(ours, 0.5) * 4 <= percentile(theirs, 0.5)
    assert percentile(ours, 0.95) * 3 <= percentile(theirs, 0.95)


def test_a_lone_stream_is_no_slower_than_one_at_a_time() -> None:
    sparse = [Job(5000.0 * i, 1, 20, 2) for i in range(20)]
    shared = by_steps([Job(job.arrival, 1, 20, 2) for job in sparse], GPU, ROWS)
    assert [job.latency for job in shared.jobs] == pytest.approx(
        [job.latency for job in one_at_a_time(sparse, GPU).jobs]
    )


def test_capacity_is_what_full_ticks_give() -> None:
    """Beyond it the rate stays: 1.2 times the load ends at the rate of capacity, to a few percent for start and end."""
    most = capacity(GPU, ROWS)
    outcome = by_steps(mixed(3000, 1.2 * most, 1), GPU, ROWS)
    rate = 1000 * 3000 / max(job.ended[-1] for job in outcome.jobs)
    assert rate == pytest.approx(most, rel=0.05)
