"""Boarding and batching, on integers."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.engine.batcher import Batcher, BatchKey
from worker.engine.fairness import Lane

LANE: Lane = ("mini", 128, 128)


def key(width: int = 16, chunks: int = 1) -> BatchKey:
    return BatchKey("mini", 16, width, chunks)


@dataclass(eq=False)
class Job:
    age: int
    rows: int = 2
    waiting: int = 1
    flying: int = 0
    ticks: int = 20
    owner: str = "local"
    priority: int = 1
    lane: Lane = LANE


@dataclass(frozen=True)
class Flight:
    age: int
    rows: int = 2
    key: BatchKey = field(default_factory=key)
    owner: str = "local"
    priority: int = 1
    lane: Lane = LANE


def ages(batches: list[list[Flight]]) -> list[list[int]]:
    return [[flight.age for flight in batch] for batch in batches]


def test_boards_oldest_first_within_the_budget() -> None:
    jobs = [Job(age) for age in (3, 1, 2, 0)]
    assert [job.age for job in Batcher(6).board(jobs)] == [0, 1, 2]


def test_a_large_job_boards_an_eighth_of_the_budget_a_tick() -> None:
    big = Job(0, waiting=100)
    assert Batcher(32).board([big]) == [big, big]
    assert Batcher(4).board([big]) == [big]


@pytest.mark.parametrize(("ticks", "images"), [(1, 16), (4, 4), (5, 3), (8, 2), (50, 2), (0, 16)])
def test_short_flights_board_faster_so_that_the_budget_fills(ticks: int, images: int) -> None:
    assert len(Batcher(32).board([Job(0, waiting=100, ticks=ticks)])) == images


def test_who_has_least_in_the_air_goes_first() -> None:
    big, small = Job(0, waiting=90, flying=28), Job(7)
    assert Batcher(32).board([big, small]) == [small, big]


def test_nobody_overtakes_the_first_in_turn() -> None:
    guided, plain = Job(0, rows=2), Job(1, rows=1)
    batcher = Batcher(8)
    assert batcher.board([Job(9, rows=7, waiting=0, flying=7), guided, plain]) == []
    assert batcher.board([Job(9, rows=6, waiting=0, flying=6), guided, plain]) == [guided]


def test_a_newcomer_takes_the_place_of_a_second_image() -> None:
    bulk, first, second = Job(0, waiting=80, flying=8), Job(1), Job(2, waiting=5)
    batcher = Batcher(8)
    assert batcher.board([bulk]) == []
    assert batcher.board([bulk, first, second]) == [first, second], "one image each, for nothing of theirs flies yet"
    newcomers = [Job(age) for age in range(1, 9)]
    assert batcher.board([bulk, *newcomers]) == newcomers[:3], "and one place is left to the bulk job's first"


def test_every_job_s_first_image_steps_before_any_job_s_second() -> None:
    bulk, other = [Flight(0) for _ in range(4)], Flight(7)
    (batch,) = Batcher(8).batches([*bulk, other])
    assert [flight for flight in batch if flight.age == 0] == bulk[:3], "the youngest of the bulk job pauses"
    assert batch[-1] is other
    (batch,) = Batcher(8).batches([*bulk[1:], other])
    assert len(batch) == 4, "and goes on when there is room"


def test_an_image_larger_than_the_budget_flies_alone() -> None:
    large, plain = Job(0, rows=9, waiting=2), Job(1)
    batcher = Batcher(8)
    assert batcher.board([large, plain]) == [large]
    assert batcher.board([Job(0, rows=9, waiting=1, flying=9), plain]) == []
    assert ages(batcher.batches([Flight(0, rows=9), Flight(1)])) == [[0]]


def test_a_budget_without_room_for_a_guided_image_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        Batcher(1)


def test_flights_of_one_key_step_together() -> None:
    wide, long = key(width=24), key(chunks=2)
    flights = [Flight(3), Flight(1, key=wide), Flight(0), Flight(2, key=long), Flight(4, key=wide)]
    assert ages(Batcher(32).batches(flights)) == [[0, 3], [1, 4], [2]]


def test_halving_caps_that_key_alone() -> None:
    batcher = Batcher(32)
    flights = [Flight(age) for age in range(5)]
    assert ages(batcher.halve(flights)) == [[0, 1, 2], [3, 4]]
    other = [Flight(age, key=key(width=24)) for age in range(10, 15)]
    assert ages(batcher.batches(flights + other)) == [[0, 1, 2], [3, 4], [10, 11, 12, 13, 14]]


@given(st.lists(st.tuples(st.integers(1, 2), st.integers(0, 5), st.integers(0, 6)), max_size=12), st.integers(2, 40))
def test_boarding_keeps_the_budget_and_never_stalls(jobs: list[tuple[int, int, int]], budget: int) -> None:
    queue = [Job(age, rows, waiting, rows * images) for age, (rows, waiting, images) in enumerate(jobs)]
    before = sum(job.flying for job in queue)
    boarding = Batcher(budget).board(queue)
    assert all(boarding.count(job) <= job.waiting for job in queue)
    firsts = sum(job.rows for job in queue if job.flying or job in boarding)
    whole = before + sum(job.rows for job in boarding) <= budget
    newcomers = firsts <= budget and all(not job.flying for job in boarding)
    assert not boarding or whole or newcomers
    if before == 0 and any(job.waiting for job in queue):
        assert boarding, "an empty sky and a full queue"


@given(
    st.lists(st.tuples(st.integers(1, 2), st.sampled_from([8, 16, 24]), st.integers(0, 9)), max_size=30),
    st.integers(2, 16),
)
def test_what_steps_keeps_the_budget_and_is_the_most_that_is_due(
    flights: list[tuple[int, int, int]], budget: int
) -> None:
    flying = [Flight(age, rows, key(width)) for rows, width, age in flights]
    batches = Batcher(budget).batches(flying)
    stepping = [flight for batch in batches for flight in batch]
    rows = sum(flight.rows for flight in stepping)
    assert rows <= budget
    assert sorted(map(id, stepping)) == sorted({id(flight) for flight in stepping}), "each at most once"
    pausing = [flight for flight in flying if not any(flight is other for other in stepping)]
    assert all(rows + flight.rows > budget for flight in pausing), "none pauses for whom there is room"
    if flying:
        assert any(flight.age == min(each.age for each in flying) for flight in stepping)
    for batch in batches:
        assert len({flight.key for flight in batch}) == 1
