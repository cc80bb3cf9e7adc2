"""Estimates: against a plain simulation of turns, and against a paced worker on a real ledger."""

import statistics
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.errors import QueueFull
from contract.estimates import Line, Standing, ahead, cost_of, foresee, would_start
from contract.grid import Axis, Grid
from contract.ids import new_job_id
from contract.requests import Txt2Img
from contract.stock import take_stock
from contract.store import JobStore
from contract.upscale import Upscale
from tests.contract.ledger import REQUEST, read

STEP = 0.1  # seconds that the paced worker takes for one step; what a busy machine adds to each is small beside it


def served_before(place: int, mine: Line, others: list[Line]) -> tuple[int, float]:
    """Take turns one by one until it is that job's: whoever was served least, then whose name is first."""
    lines = {line.owner: line for line in (mine, *others)}
    jobs, work = 0, 0.0
    while True:
        owner = min((line.served, line.owner) for line in lines.values() if line.jobs)[1]
        line = lines[owner]
        if owner == mine.owner and line.jobs == mine.jobs - place:
            return jobs, work
        jobs, work = jobs + 1, work + line.mean
        lines[owner] = replace(
            line, served=line.served + int(line.mean), jobs=line.jobs - 1, work=line.work - int(line.mean)
        )


@st.composite
def lines(draw: st.DrawFn) -> list[Line]:
    owners = draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5, unique=True))
    numbers = [(draw(st.integers(0, 30)), draw(st.integers(1, 8)), draw(st.integers(1, 20))) for _ in owners]
    return [Line(owner, served, jobs, jobs * cost) for owner, (served, jobs, cost) in zip(owners, numbers, strict=True)]


@given(lines(), st.data())
def test_what_goes_before_a_job_is_what_taking_turns_says(found: list[Line], data: st.DataObject) -> None:
    mine, *others = found
    place = data.draw(st.integers(0, mine.jobs - 1))
    before = ahead(place, mine, others)
    assert (before.jobs, before.work) == served_before(place, mine, others)


def test_the_cost_is_pixels_times_steps() -> None:
    asked = Txt2Img(prompt="", width=64, height=128, steps=5, count=3)
    assert cost_of(asked, 15) == 64 * 128 * 15
    grid = Grid(base=asked.model_copy(update={"count": 1}), x=Axis(field="steps", values="2, 3"))
    assert cost_of(grid, 5) == 64 * 128 * 5
    image = f"img_{'a' * 26}"
    assert cost_of(Upscale(image=image, tile=96), 7) == 96 * 96 * 7


def test_start_and_end_follow_from_speed_and_those_that_run() -> None:
    lines = [Line("a", 0, 2, 200), Line("b", 0, 2, 200)]
    standing = Standing(lines, running=2, least=50.0, speed=10.0)
    told = foresee(standing, "b", 1, 100)
    assert told is not None
    assert told.jobs == 3  # a's two and b's first
    assert told.start == 50 * 2 / 10 + 300 / 10
    assert told.end == told.start + 100 * 2 / 10
    assert foresee(standing, "c", 0, 100) is None
    idle = foresee(replace(standing, running=0), "a", 0, 100)
    assert idle is not None
    assert idle.start is None


def test_a_newcomer_would_start_after_as_much_as_he_is_owed() -> None:
    standing = Standing([Line("a", 100, 4, 400)], running=1, least=50.0, speed=10.0)
    assert would_start(standing, "a", 100) == 5 + 40
    assert would_start(standing, "b", 100) == 5 + 10  # at the same point as a, whose name comes first
    assert would_start(replace(standing, lines=[]), "b", 100) is None


def submit(store: JobStore, owner: str = "a", max_queue: int = 100) -> str:
    job_id = new_job_id()
    store.submit(job_id, REQUEST, owner=owner, steps=4, inputs={}, max_queue=max_queue)
    return job_id


def work(store: JobStore) -> tuple[str, float]:
    """Do the next job at the pace given; its id and when it was begun."""
    claim = store.claim("w", 60)
    assert claim is not None
    begun = time.monotonic()
    for step in range(1, 5):
        time.sleep(max(0.0, begun + step * STEP - time.monotonic()))
        store.progress(claim, step)
    store.finish(claim)
    return claim.job_id, begun


@pytest.fixture
def warm(store: JobStore) -> JobStore:
    """A ledger that has seen a paced worker."""
    for _ in range(3):
        submit(store)
    for _ in range(3):
        work(store)
    return store


def test_starts_come_when_they_were_told(warm: JobStore) -> None:
    ids = [submit(warm, owner) for owner in "abab" * 3]
    claim = warm.claim("w", 60)
    assert claim is not None
    told_at = time.monotonic()
    progress = {job_id: read(warm, job_id).progress for job_id in ids[1:]}
    warm.finish(claim)
    begun = dict(work(warm) for _ in ids[1:])
    for job_id in ids[5:]:
        starts, ends = progress[job_id].starts_in_seconds, progress[job_id].eta_seconds
        assert starts is not None
        assert ends is not None
        assert starts == pytest.approx(begun[job_id] - told_at, rel=0.5)
        assert ends > starts


def test_a_full_queue_tells_when_a_place_is_free(warm: JobStore) -> None:
    for _ in range(3):
        submit(warm)
    ratios = []
    for _ in range(8):
        claim = warm.claim("w", 60)
        assert claim is not None
        submit(warm, max_queue=3)
        with pytest.raises(QueueFull) as full:
            submit(warm, max_queue=3)
        begun = time.monotonic()
        for step in range(1, 5):
            time.sleep(max(0.0, begun + step * STEP - time.monotonic()))
            warm.progress(claim, step)
        warm.finish(claim)
        ratios.append(full.value.retry_after / (time.monotonic() - begun))
    assert 0.5 < statistics.median(ratios) < 1.5


def test_how_well_starts_are_told_is_counted(warm: JobStore) -> None:
    first, second = submit(warm), submit(warm)
    warm.told(second, 0.1)
    warm.told("job_unknown", 0.1)
    for _ in range(2):
        work(warm)
    stock = take_stock(warm)
    assert stock.told == 1
    assert 0 < stock.told_error < stock.told_wait + 0.1
    assert not warm.redis.exists("darkroom:job:job_unknown")
    assert read(warm, first).state == "succeeded"
