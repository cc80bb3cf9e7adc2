"""Who boards, and who steps together. Bookkeeping on integers: no torch here."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar


@dataclass(frozen=True, slots=True)
class BatchKey:
    """What rows must share to go through the U-Net in one call.

    height, width: of the latent; length: text states of a row; masked: whether some of them are padding; tiling: the
    directions in which the picture joins itself.
    """

    model: str
    height: int
    width: int
    length: int
    masked: bool = False
    tiling: str = ""
    adapters: tuple[str, ...] = ()


class Stepping(Protocol):
    """A flight, as the batcher sees it."""

    @property
    def key(self) -> BatchKey: ...
    @property
    def rows(self) -> int: ...
    @property
    def age(self) -> int: ...


class Waiting(Protocol):
    """A job with images that have not boarded. rows: of one image; flying: rows it has in the air; age: its turn.

    waiting: images; ticks: how long one flies, at least.
    """

    @property
    def rows(self) -> int: ...
    @property
    def flying(self) -> int: ...
    @property
    def age(self) -> int: ...
    @property
    def waiting(self) -> int: ...
    @property
    def ticks(self) -> int: ...


S = TypeVar("S", bound=Stepping)
W = TypeVar("W", bound=Waiting)


class Batcher:
    """Spends a budget of rows a tick, fairly among jobs, and cuts what steps into batches.

    A job boards at most an eighth of the budget a tick, more only where its flights are so short that the budget
    would not fill: a job of a hundred images then lands a few at a time. Somebody who comes while it fills the budget
    boards at once all the same, and some of its flights pause: every job's first image steps before any job's second.
    """

    def __init__(self, max_rows: int) -> None:
        if max_rows < 2:
            raise ValueError("max_rows must be at least 2: a guided image takes two rows")
        self.max_rows = max_rows
        self._caps: dict[BatchKey, int] = {}

    def board(self, jobs: Iterable[W]) -> list[W]:
        """Whose next image boards now, a job once per image.

        The job with the least in the air goes first, then the oldest. Nobody overtakes: when the first in turn does
        not fit, places are kept for it. A job with nothing in the air may take the places of others' second images.
        """
        jobs = list(jobs)
        free = self.max_rows - sum(job.flying for job in jobs)
        spare = sum(max(0, job.flying - job.rows) for job in jobs)
        taken = {id(job): 0 for job in jobs}
        boarding: list[W] = []
        while True:
            eligible = [
                job
                for job in jobs
                if job.waiting > taken[id(job)]
                and (not taken[id(job)] or (taken[id(job)] + 1) * job.rows <= self._share(job.ticks))
            ]
            if not eligible:
                return boarding
            first = min(eligible, key=lambda job: (job.flying + taken[id(job)] * job.rows, job.age))
            room = free if first.flying or taken[id(first)] else free + spare
            if first.rows > room and free < self.max_rows:  # one that is larger than the budget flies alone
                return boarding
            free -= first.rows
            taken[id(first)] += 1
            boarding.append(first)

    def _share(self, ticks: int) -> int:
        """Rows a job may board in one tick when its images fly for so many."""
        return max(2, math.ceil(self.max_rows / min(8, max(1, ticks))))

    def batches(self, flights: Iterable[S]) -> list[list[S]]:
        """Who steps now, in groups of one key and no more rows than that key can take; the group with the oldest first.

        Flights of one job, in the order they boarded, have one age; whoever finds no place in the budget pauses.
        """
        groups: dict[BatchKey, list[list[S]]] = {}
        for flight in sorted(self._stepping(flights), key=lambda flight: flight.age):
            cap = self._caps.get(flight.key, self.max_rows)
            batches = groups.setdefault(flight.key, [[]])
            if batches[-1] and sum(one.rows for one in batches[-1]) + flight.rows > cap:
                batches.append([])
            batches[-1].append(flight)
        return sorted((batch for group in groups.values() for batch in group), key=lambda batch: batch[0].age)

    def _stepping(self, flights: Iterable[S]) -> list[S]:
        """Every job's first flight, then every job's second, and so on while there are rows in the budget."""
        turns: Counter[int] = Counter()
        ranked: list[tuple[int, int, S]] = []
        for flight in flights:
            ranked.append((turns[flight.age], flight.age, flight))
            turns[flight.age] += 1
        chosen: list[S] = []
        rows = 0
        for _, _, flight in sorted(ranked, key=lambda each: each[:2]):
            if rows + flight.rows <= self.max_rows or not chosen:
                chosen.append(flight)
                rows += flight.rows
        return chosen

    def halve(self, batch: Sequence[S]) -> list[list[S]]:
        """Two halves of a batch that was too large for the device, and smaller batches of its key from now on."""
        middle = (len(batch) + 1) // 2
        halves = [list(batch[:middle]), list(batch[middle:])]
        self._caps[batch[0].key] = sum(one.rows for one in halves[0])
        return halves
