"""Who boards, and who steps together. Bookkeeping on integers: no torch here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Protocol, TypeVar

from worker.engine.fairness import Claim, Fairness, Lane


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


class Stepping(Claim, Protocol):
    """A flight, as the batcher sees it. rows: at this step."""

    @property
    def key(self) -> BatchKey: ...
    @property
    def rows(self) -> int: ...


class Waiting(Claim, Protocol):
    """A job with images that have not boarded. rows: of one image; flying: rows it has in the air; lane: of its first.

    waiting: images; ticks: how long one flies, at least.
    """

    @property
    def rows(self) -> int: ...
    @property
    def flying(self) -> int: ...
    @property
    def waiting(self) -> int: ...
    @property
    def ticks(self) -> int: ...


S = TypeVar("S", bound=Stepping)
W = TypeVar("W", bound=Waiting)


class Batcher:
    """Spends a budget a tick, fairly (`fairness`), and cuts what steps into batches.

    The budget is counted in rows of pictures of so many `pixels`, the model's own size: a larger one costs more, a
    smaller one no less. Without `pixels` a row is a row.

    A job boards at most an eighth of the budget a tick, more only where its flights are so short that the budget
    would not fill: a job of a hundred images then lands a few at a time. Somebody who comes while others fill the
    budget boards at once all the same, and some of their flights pause.
    """

    def __init__(self, max_rows: int, pixels: int | None = None) -> None:
        if max_rows < 2:
            raise ValueError("max_rows must be at least 2: a guided image takes two rows")
        self.max_rows = max_rows
        self._pixels = pixels
        self._row = pixels or 1
        self.budget = max_rows * self._row
        self._fairness = Fairness()
        self._caps: dict[BatchKey, int] = {}

    def cost(self, rows: int, lane: Lane) -> int:
        """What so many rows of pictures of this size take of the budget."""
        return rows * (max(self._pixels, lane[1] * lane[2]) if self._pixels else 1)

    def board(self, jobs: Iterable[W]) -> list[W]:
        """Whose next image boards now, a job once per image.

        Each owner's jobs of one priority and lane board as if there were no others, up to the budget: it is at every
        step that owners, priorities and lanes share it.
        """
        groups: dict[tuple[str, int, Lane], list[W]] = {}
        for job in jobs:
            groups.setdefault((job.owner, job.priority, job.lane), []).append(job)
        return [job for group in groups.values() for job in self._board(group)]

    def _board(self, jobs: list[W]) -> list[W]:
        """Whose next image boards of jobs that are alike.

        The job with the least in the air goes first, then the oldest. Nobody overtakes: when the first in turn does
        not fit, places are kept for it. A job with nothing in the air may take the places of others' second images.
        """
        budget = self.budget // self.cost(1, jobs[0].lane)  # in rows of this lane
        aloft = [(job.flying, job.rows) for job in jobs]
        free = budget - sum(flying for flying, _ in aloft)
        spare = sum(max(0, flying - rows) for flying, rows in aloft)
        if free + spare < 1 and free < budget:
            return []
        turns = [(job.flying, job.age, 0, job) for job in jobs if job.waiting]
        heapify(turns)
        boarding: list[W] = []
        while turns:
            flying, age, taken, first = heappop(turns)
            room = free if flying else free + spare
            if first.rows > room and free < budget:  # one that is larger than the budget flies alone
                break
            free -= first.rows
            taken += 1
            boarding.append(first)
            if first.waiting > taken and (taken + 1) * first.rows <= _share(budget, first.ticks):
                heappush(turns, (flying + first.rows, age, taken, first))
        return boarding

    def batches(self, flights: Iterable[S]) -> list[list[S]]:
        """Who steps now, in groups of one key and no more rows than that key can take; the group with the oldest first.

        Flights of one job, in the order they boarded, have one age; whoever finds no place in the budget pauses.
        """
        groups: dict[BatchKey, list[list[S]]] = {}
        stepping = self._fairness.choose(flights, lambda flight: self.cost(flight.rows, flight.lane), self.budget)
        for flight in sorted(stepping, key=lambda flight: flight.age):
            cap = self._caps.get(flight.key, self.max_rows)
            batches = groups.setdefault(flight.key, [[]])
            if batches[-1] and sum(one.rows for one in batches[-1]) + flight.rows > cap:
                batches.append([])
            batches[-1].append(flight)
        return sorted((batch for group in groups.values() for batch in group), key=lambda batch: batch[0].age)

    def charge(self, owner: str, cost: int) -> None:
        """A picture of an owner's was encoded or decoded, at such a cost."""
        self._fairness.charge(owner, cost)

    def cap(self, key: BatchKey, rows: int) -> None:
        """No more than so many rows of this key in one batch from now on."""
        self._caps[key] = min(rows, self._caps.get(key, self.max_rows))

    def halve(self, batch: Sequence[S]) -> list[list[S]]:
        """Two halves of a batch that was too large for the device, and smaller batches of its key from now on."""
        middle = (len(batch) + 1) // 2
        halves = [list(batch[:middle]), list(batch[middle:])]
        self.cap(batch[0].key, sum(one.rows for one in halves[0]))
        return halves


def _share(budget: int, ticks: int) -> int:
    """Rows a job may board in one tick when its images fly for so many."""
    return max(2, math.ceil(budget / min(8, max(1, ticks))))
