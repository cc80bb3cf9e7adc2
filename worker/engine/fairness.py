"""Who steps when not all can: deficit round robin among owners, lanes and jobs. Integers only.

Shreedhar and Varghese, "Efficient fair queuing using deficit round robin" (1995), with its books kept as what everybody
was served beyond the one who is furthest behind, which is the same difference and needs no quantum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import Generic, Protocol, TypeVar

PATIENCE = 8  # rounds without a step that the most urgent put up with; twice as many for each priority below
HIGHEST = 2  # priority; 0 is the lowest

Lane = tuple[str, int, int]  # model, height and width of a picture in pixels


class Claim(Protocol):
    """One who wants to step. owner: of the job; priority: 0 to HIGHEST; age: of the job, its name at the same time."""

    @property
    def owner(self) -> str: ...
    @property
    def priority(self) -> int: ...
    @property
    def lane(self) -> Lane: ...
    @property
    def age(self) -> int: ...


C = TypeVar("C", bound=Claim)
Account = tuple[object, ...]  # a way down the tree; accounts are compared among those with the same parent


class _Queue(Generic[C]):
    """A job's claims in one lane, the first in turn first, each with its cost."""

    def __init__(self, claim: C) -> None:
        self.age, self.priority, self.lane = claim.age, claim.priority, claim.lane
        lane = claim.owner, claim.priority, claim.lane
        self.accounts: tuple[Account, Account, Account] = (claim.owner,), lane, (*lane, claim.age)
        self.claims: list[tuple[int, C]] = []

    @property
    def cheapest(self) -> float:
        return min((price for price, _ in self.claims), default=math.inf)

    def take(self, left: int) -> tuple[int, C]:
        """The first in turn that still fits; the very first where none does."""
        return self.claims.pop(next((i for i, (price, _) in enumerate(self.claims) if price <= left), 0))


class Fairness:
    """Divides a budget a tick by what was served before.

    Between owners by cost alone, whatever their priorities; within an owner the higher priority goes first; within
    that by cost between lanes, then by turns between jobs, then by age. Who pauses keeps what he is owed; who need not
    pause is owed nothing. A job that has not stepped for `patience` rounds is overdue and goes before everybody,
    where a round is as many ticks as it takes to step everybody once. So no job pauses for longer than

        patience(priority) * ceil(sum of costs / budget) + jobs    ticks:

    from then on at least one of the overdue steps in each tick, the one that waited longest, and none of them twice.
    """

    def __init__(self) -> None:
        self._served: dict[Account, int] = {}  # beyond the one furthest behind; 0 is not kept
        self._stepped: dict[int, int] = {}  # job → the tick it stepped in last, or came before
        self._tick = 0

    def choose(self, claims: Iterable[C], cost: Callable[[C], int], budget: int) -> list[C]:
        """Who steps in this tick, for `budget` at most, or one alone that costs more."""
        self._tick += 1
        priced = [(cost(claim), claim) for claim in claims]
        total = sum(price for price, _ in priced)
        self._stepped = {claim.age: self._stepped.get(claim.age, self._tick - 1) for _, claim in priced}
        if total <= budget:
            self._served.clear()
            chosen = [claim for _, claim in priced]
        else:
            chosen = self._divide(_queues(priced), budget, math.ceil(total / budget))
        self._stepped.update((claim.age, self._tick) for claim in chosen)
        return chosen

    def _divide(self, queues: list[_Queue[C]], budget: int, ticks: int) -> list[C]:
        """ticks: of a round."""
        here = {account for queue in queues for account in queue.accounts}
        left, chosen = budget, list[C]()
        turns = [(self._turn(queue, ticks), queue) for queue in queues]
        heapify(turns)
        while turns and (left > 0 or not chosen):
            turn, queue = heappop(turns)
            if chosen and queue.cheapest > left:
                continue
            if turn == (now := self._turn(queue, ticks)):
                left -= self._take(queue, left, chosen)
                now = self._turn(queue, ticks)
            if queue.claims:  # turns only ever come later, so whoever is still first in the heap is first
                heappush(turns, (now, queue))
        self._settle([queue for queue in queues if queue.claims], here)
        return chosen

    def _take(self, queue: _Queue[C], left: int, chosen: list[C]) -> int:
        """The first of a queue steps: what it costs."""
        price, claim = queue.take(left)
        chosen.append(claim)
        self._stepped[claim.age] = self._tick
        owner, lane, job = queue.accounts
        for account, amount in ((owner, price), (lane, price), (job, 1)):
            self._add(account, amount)
        return price

    def charge(self, owner: str, cost: int) -> None:
        """Something else was done for an owner that took so much of the device's time."""
        if self._served:
            self._add((owner,), cost)

    def _add(self, account: Account, amount: int) -> None:
        self._served[account] = self._served.get(account, 0) + amount

    def _turn(self, queue: _Queue[C], ticks: int) -> tuple[float, int, int, int, int, int, Lane]:
        owner, lane, job = (self._served.get(account, 0) for account in queue.accounts)
        since = self._stepped[queue.age]
        overdue = self._tick - since > patience(queue.priority) * ticks
        return since if overdue else math.inf, owner, -queue.priority, lane, job, queue.age, queue.lane

    def _settle(self, pausing: list[_Queue[C]], here: set[Account]) -> None:
        """Count anew from the one furthest behind among those who pause; nobody else is owed anything."""
        least: dict[Account, int] = {}
        for queue in pausing:
            for account in queue.accounts:
                served = self._served.get(account, 0)
                least[account[:-1]] = min(served, least.get(account[:-1], served))
        self._served = {
            account: served - least[account[:-1]]
            for account, served in self._served.items()
            if account in here and served > least.get(account[:-1], served)
        }


def patience(priority: int) -> int:
    """Rounds that a job of this priority may be passed over."""
    return PATIENCE << (HIGHEST - priority)


def in_turns(items: Iterable[C]) -> Iterator[C]:
    """Every job's first, then every job's second, and so on; in a turn in the order they came."""
    jobs: dict[int, list[C]] = {}
    ranked: list[tuple[int, C]] = []
    for item in items:
        job = jobs.setdefault(item.age, [])
        ranked.append((len(job), item))
        job.append(item)
    return (item for _, item in sorted(ranked, key=lambda each: each[0]))


def _queues(priced: Sequence[tuple[int, C]]) -> list[_Queue[C]]:
    queues: dict[tuple[int, Lane], _Queue[C]] = {}
    for price, claim in priced:
        name = claim.age, claim.lane
        if name not in queues:
            queues[name] = _Queue(claim)
        queues[name].claims.append((price, claim))
    return list(queues.values())
