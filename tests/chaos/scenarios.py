"""The scenarios of docs/reliability.md: each starts a stack, runs traffic and faults, and returns what was found."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from contract.blobs import Blobs
from tests.chaos import checker
from tests.chaos.checker import Limits
from tests.chaos.history import Final, History, View
from tests.chaos.nemesis import Nemesis
from tests.chaos.stack import Stack, eventually
from tests.chaos.traffic import Mix, Traffic, orders

QUIET = 60.0  # seconds after the last fault within which everything has ended


@dataclass
class Run:
    """A scenario under way: the stack, its traffic, its nemesis, and what came of it."""

    stack: Stack
    history: History
    traffic: Traffic
    nemesis: Nemesis
    limits: Limits
    final: Final | None = None

    def settle(self, seconds: float) -> None:
        """Wait for the traffic's end, then stop the faults, let all jobs end, and look at what is left."""
        self.traffic.wait(seconds)
        self.nemesis.stop()
        self.traffic.wait(QUIET)
        self.final = look(self.stack, self.history)

    @property
    def report(self) -> "Report":
        assert self.final is not None, "settle() comes first"
        recovered = sorted(line.seconds for line in self.history.of("recovered"))
        return Report(
            jobs=len(self.history.accepted()),
            faults=Counter(line.key for line in self.history.of("fault")),
            lost=checker.lost(self.history, self.final),
            doubled=checker.doubled(self.history, self.final),
            again=sum(max(0, view.attempts - 1) for view in self.final.jobs.values()),
            recovered=recovered,
            refused=self.traffic.refused,
            failed=self.traffic.failed,
            broken=checker.broken(self.history, self.final, self.limits),
        )


@dataclass(frozen=True)
class Report:
    """What the table of docs/reliability.md shows. recovered: seconds, for each job a killed worker had."""

    jobs: int
    faults: Counter[str]
    lost: int
    doubled: int
    again: int
    recovered: Sequence[float]
    refused: int
    failed: Sequence[str]
    broken: dict[str, Sequence[str]] = field(default_factory=dict)

    def recovery(self, share: float) -> float:
        """Seconds within which that share of jobs ran again."""
        if not self.recovered:
            return 0.0
        return self.recovered[min(len(self.recovered) - 1, int(share * len(self.recovered)))]

    def assert_nothing_lost(self) -> None:
        assert (self.lost, self.doubled) == (0, 0), self.broken
        assert self.broken == {}


@contextmanager
def staged(
    jobs: int, mix: Mix | None = None, limits: Limits | None = None, *, seed: int = 1, window: int = 60, **stack: object
) -> Iterator[Run]:
    """A stack with traffic that has begun."""
    rng, history = random.Random(seed), History()
    with Stack(**stack) as running:  # type: ignore[arg-type]
        traffic = Traffic(running, history, orders(jobs, mix or Mix(), rng), window=window)
        run = Run(running, history, traffic, Nemesis(running, history, rng), limits or Limits())
        traffic.start()
        yield run


def look(stack: Stack, history: History) -> Final:
    """What is left in ledger, disk and logs, after a sweep that forgives nothing."""
    ids = sorted(history.accepted())
    jobs = {job.id: View.of(job.model_dump(mode="json")) for job in eventually(lambda: stack.store.get_many(ids))}
    blobs = Blobs(stack.settings.blobs)
    while old := stack.store.sweep(0):
        for sha in old:
            blobs.delete(sha)
    files = {path.name: path.read_bytes() for path in stack.settings.blobs.rglob("*") if path.is_file()}
    known = stack.store.page(state=None, kind=None, before=None, limit=10**6)[0]
    referenced = frozenset(image.sha256 for job in known for image in job.images)
    return Final(jobs, files, referenced, dead_letters(stack), tuple(complaints(stack.log_files())))


def dead_letters(stack: Stack) -> frozenset[str]:
    """Ids in the dead-letter list."""
    listed: Callable[[], Sequence[object]] | None = getattr(stack.store, "dead_letters", None)
    return frozenset(str(getattr(entry, "id", entry)) for entry in listed()) if listed else frozenset()


_EXPECTED = re.compile(r"(WARNING|ERROR) (celery|kombu)|Connection to broker lost")  # Redis was away, and that is told


def complaints(logs: Sequence[Path]) -> Iterator[str]:
    """Tracebacks that no message announced as expected, and workers that Celery gave up on."""
    for log in logs:
        lines = log.read_text(errors="replace").splitlines()
        announced = ""
        for line in lines:
            if re.match(r"\d{4}-\d\d-\d\d |\[\d{4}-", line):
                announced = line
            if "Unrecoverable error" in line or (line.startswith("Traceback") and not _EXPECTED.search(announced)):
                yield f"{log.name}: {announced[:300]}"


# --- the scenarios --------------------------------------------------------------------------------


def c1(jobs: int) -> Report:
    """Workers are killed with SIGKILL every few seconds."""
    with staged(jobs, step=0.05) as run:
        run.nemesis.every(1.5, 4.0, run.nemesis.kill_worker)
        run.settle(seconds=60 + jobs / 2)
        return run.report


def c2(jobs: int) -> Report:
    """And Redis too."""
    with staged(jobs, step=0.05) as run:
        run.nemesis.every(3.0, 6.0, run.nemesis.kill_worker)
        run.nemesis.every(4.0, 8.0, run.nemesis.kill_redis)
        run.settle(seconds=60 + jobs / 2)
        return run.report


SCENARIOS: dict[str, Callable[[int], Report]] = {"C1": c1, "C2": c2}
