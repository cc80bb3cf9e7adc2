"""Boarding and batching, on integers."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.engine.batcher import Batcher, BatchKey


def key(width: int = 16, chunks: int = 1) -> BatchKey:
    return BatchKey("mini", 16, width, chunks)


@dataclass(eq=False)
class Job:
    age: int
    rows: int = 2
    waiting: int = 1
    flying: int = 0
    ticks: int = 20


@dataclass(frozen=True)
class Flight:
    age: int
    rows: int = 2
    key: BatchKey = field(default_factory=key)


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
    assert batcher.board([Job(9, waiting=0, flying=7), guided, plain]) == []
    assert batcher.board([Job(9, waiting=0, flying=6), guided, plain]) == [guided]


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
    assert not boarding or before + sum(job.rows for job in boarding) <= budget
    if before == 0 and any(job.waiting for job in queue):
        assert boarding, "an empty sky and a full queue"


@given(st.lists(st.tuples(st.integers(1, 2), st.sampled_from([8, 16, 24])), max_size=30), st.integers(2, 16))
def test_batches_hold_every_flight_once(flights: list[tuple[int, int]], budget: int) -> None:
    flying = [Flight(age, rows, key(width)) for age, (rows, width) in enumerate(flights)]
    batches = Batcher(budget).batches(flying)
    assert sorted(flight.age for batch in batches for flight in batch) == list(range(len(flying)))
    for batch in batches:
        assert len({flight.key for flight in batch}) == 1
        assert sum(flight.rows for flight in batch) <= budget
