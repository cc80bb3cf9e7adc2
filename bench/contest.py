"""All peers on one model, in turn: round after round, workload after workload, within a budget of minutes."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bench.aims import curve
from bench.peers import Bare, Picky, Stepping
from bench.pipelines import BehindALock, Ceiling, Clock, Ideal, OneAtATime, Pipelines, Windowed
from bench.sched_sim import Device
from bench.workloads import (
    Ask,
    Scale,
    Summary,
    Workload,
    middle,
    poisson,
    requests,
    row_steps,
    summary,
    together,
)
from worker.models.loader import Components

PEERS = {
    "P0": "raw U-Net calls of P6's rows (floor of time)",
    "P1": "diffusers, one at a time",
    "P2": "diffusers behind a lock, a thread each",
    "P3": "full static batches of equal requests (ceiling)",
    "P4": "dynamic batches of same settings, 50 ms window",
    "P5": "step batching, equal guidance and sampler",
    "P6": "Darkroom",
}
NAN = float("nan")


class Peer(Protocol):
    """A way of serving."""

    def serve(self, asks: Sequence[Ask]) -> list[float]:
        """When each picture was there, in seconds from the start."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What is served. load: arrivals, as a part of P6's capacity; None: all at once."""

    workload: Workload
    load: float | None = None


@dataclass(frozen=True)
class Plan:
    """Everything that flags set. main: the workload that gets all its rounds first; others get what time is left."""

    scale: Scale
    max_rows: int = 32
    rounds: int = 3
    minutes: float = 22.0
    peers: tuple[str, ...] = tuple(PEERS)
    workloads: tuple[Workload, ...] = ("mixed", "uniform", "pictures", "sizes")
    loads: tuple[float, ...] = (0.5, 0.8, 1.2)
    main: Workload = "mixed"

    @property
    def sizes(self) -> list[int]:
        """Rows of the calls that the step-time curve is measured at."""
        return [rows for rows in (2, 4, 6, 8, 12, 16, 24, 32) if rows <= self.max_rows]

    def cells(self) -> Iterator[tuple[int, Cell]]:
        """Rounds, counted from 0, and what is served in them, the most telling first."""
        others = [workload for workload in self.workloads if workload != self.main]
        if self.main in self.workloads:
            for number in range(self.rounds):
                yield from ((number, cell) for cell in self._cells(self.main, self.loads))
        middling = [load for load in self.loads if load == 0.8] or list(self.loads[:1])
        rest = [load for load in self.loads if load not in middling]
        for number in range(self.rounds):
            for workload in others:
                yield from ((number, cell) for cell in self._cells(workload, middling))
            for workload, load in itertools.product(others, rest):
                yield number, Cell(workload, load)

    @staticmethod
    def _cells(workload: Workload, loads: Sequence[float]) -> Iterator[Cell]:
        yield Cell(workload)
        yield from (Cell(workload, load) for load in loads)


@dataclass
class Contest:
    """The measurements. `shares`: P6's steady work over P3's, by workload; `served`: what came at a load, and what the
    device could do just then, by round."""

    components: Components
    plan: Plan
    results: defaultdict[tuple[Cell, str], list[Summary]] = field(default_factory=lambda: defaultdict(list))
    shares: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    served: defaultdict[Cell, list[tuple[list[Ask], Device]]] = field(default_factory=lambda: defaultdict(list))
    skipped: list[tuple[int, Cell]] = field(default_factory=list)

    def __post_init__(self) -> None:
        plan, pipelines = self.plan, Pipelines(self.components)
        self._bare, self._ceiling = Bare(self.components), Ceiling(pipelines, plan.scale, plan.max_rows)
        self._ours, self._picky = (kind(self.components, plan.max_rows) for kind in (Stepping, Picky))
        self._peers: dict[str, Peer] = {
            "P1": OneAtATime(pipelines), "P2": BehindALock(pipelines), "P4": Windowed(pipelines, plan.max_rows),
            "P5": self._picky, "P6": self._ours,
        }  # fmt: skip
        self._capacity: dict[Workload, float] = {}  # of P6, pictures a second, in the newest round
        self._warm: set[Workload] = set()

    def run(self) -> None:
        """Cells in the plan's order while its minutes last."""
        clock = Clock()
        for number, cell in self.plan.cells():
            if clock() >= 60 * self.plan.minutes:
                self.skipped.append((number, cell))
                continue
            print(f"{clock():6.0f} s  round {number + 1}: {describe(cell)}", flush=True)
            self._warm_up(cell.workload)
            if cell.load is None:
                self._all_at_once(cell, number)
            else:
                self._one_by_one(cell, number, cell.load)

    def stop(self) -> None:
        self._ours.stop()
        self._picky.stop()

    def _warm_up(self, workload: Workload) -> None:
        """Once a workload: buckets are tried, kernels chosen, prompts remembered."""
        if workload not in self._warm:
            self._warm.add(workload)
            few = together(requests(workload, self.plan.scale.requests, self.plan.scale, seed=0))
            for peer in (self._ours, self._picky):
                peer.serve(few)
            self._peers["P1"].serve(few[:1])

    def _all_at_once(self, cell: Cell, number: int) -> None:
        scale = self.plan.scale
        count = scale.burst if cell.workload == self.plan.main else scale.burst // 2
        asks = together(requests(cell.workload, count, scale, seed=number))
        asked = [ask.request for ask in asks]
        for peer in self._in_turn(number):
            self.results[cell, peer].append(summary(asks, self._peers[peer].serve(asks)))
        steady = self._ours.steady()
        rate = self.results[cell, "P6"][-1].images_per_second
        if steady:  # else nobody waited: a rate with start and end in it
            rate = steady.row_steps / steady.seconds / (row_steps(asked) / count)
        self._capacity[cell.workload] = rate
        if "P0" in self.plan.peers:
            bare = self._bare.seconds([call for call, _ in self._ours.trace])
            self.results[cell, "P0"].append(Summary(count / bare, NAN, NAN))
        if "P3" in self.plan.peers:
            ideal: Ideal = self._ceiling.measure(asked)
            took = ideal.seconds(row_steps(asked), count)
            self.results[cell, "P3"].append(Summary(count / took, NAN, NAN))
            if steady:
                self.shares[cell.workload].append(ideal.seconds(steady.row_steps, steady.images) / steady.seconds)

    def _one_by_one(self, cell: Cell, number: int, load: float) -> None:
        scale = self.plan.scale
        if cell.workload not in self._capacity:  # its burst found no time
            self.skipped.append((number, cell))
            return
        rate = load * self._capacity[cell.workload]
        asks = poisson(requests(cell.workload, scale.requests, scale, seed=number), rate, seed=number)
        self.served[cell].append((asks, curve(self.components, scale, self.plan.sizes).device))
        for peer in self._in_turn(number):
            alone = self.results.get((Cell(cell.workload), peer))
            slow = peer in ("P1", "P2") and alone and middle(alone).images_per_second < rate
            if not slow:
                self.results[cell, peer].append(summary(asks, self._peers[peer].serve(asks)))

    def _in_turn(self, number: int) -> list[str]:
        """Who serves in this round: P1 and P2 take long and vary little, so once is enough; P6 is never left out."""
        once = ("P1", "P2") if number else ()
        return [peer for peer in self._peers if peer == "P6" or (peer in self.plan.peers and peer not in once)]


def describe(cell: Cell) -> str:
    return f"{cell.workload}, " + ("all at once" if cell.load is None else f"load {cell.load}")
