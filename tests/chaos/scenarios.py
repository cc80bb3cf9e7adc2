"""The scenarios of docs/reliability.md: each starts a stack, runs traffic and faults, and returns what was found."""

import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract.blobs import open_blobs
from contract.dead_letters import DeadLetters
from contract.jobs import Job
from contract.library import Wanted, open_library
from tests.bucket import STORE, moody, running_s3, well
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
            dead=len(self.final.dead),
            deaths=self.stack.keeper.deaths,
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
    dead: int
    deaths: Sequence[str]
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
    jobs: int, mix: Mix | None = None, limits: Limits | None = None, *, seed: int = 1, window: int = 60, **stack: Any
) -> Iterator[Run]:
    """A stack with traffic that has begun."""
    rng, history = random.Random(seed), History()
    with Stack(**stack) as running:
        traffic = Traffic(running, history, orders(jobs, mix or Mix(), rng), window=window)
        run = Run(running, history, traffic, Nemesis(running, history, rng), limits or Limits())
        traffic.start()
        try:
            yield run
        finally:
            run.nemesis.stop()
            traffic.close()


def look(stack: Stack, history: History) -> Final:
    """What is left in ledger, disk and logs, after a sweep that forgives nothing."""
    ids = sorted(history.accepted())
    jobs = {job.id: View.of(job.model_dump(mode="json")) for job in eventually(lambda: stack.store.get_many(ids))}
    blobs = open_blobs(stack.settings)
    for shelf in range(256):
        stack.store.found(blobs.stored(shelf, -60.0))
        blobs.tidy(shelf, -60.0)
    library = open_library(stack.settings)
    for hashes in library.purge(-1.0):
        stack.store.found(hashes)
    while old := stack.store.sweep(0):
        for sha in set(old) - library.held(old):
            blobs.delete(sha)
    if stack.settings.store:
        files = {sha: blobs.get(sha) for shelf in range(256) for sha in blobs.stored(shelf, -60.0)}
    else:
        files = {path.name: path.read_bytes() for path in stack.settings.blobs.rglob("*") if path.is_file()}
    referenced = {image.sha256 for job in everything(stack) for image in job.images}
    referenced |= {file.sha256 for file in library.files(Wanted(), None, 10**6)}
    library.close()
    return Final(jobs, files, frozenset(referenced), dead_letters(stack), tuple(complaints(stack.log_files())))


def everything(stack: Stack) -> Iterator[Job]:
    """All jobs, page by page."""
    page, rest = stack.store.page(state=None, kind=None, before=None, limit=1000)
    yield from page
    while rest is not None:
        page, rest = stack.store.page(state=None, kind=None, before=rest, limit=1000)
        yield from page


def dead_letters(stack: Stack) -> frozenset[str]:
    """Ids in the dead-letter list."""
    letters, _ = DeadLetters(stack.store).page("local", before=None, limit=10**6)
    return frozenset(letter.id for letter in letters)


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


def c1(jobs: int, every: tuple[float, float] = (3.0, 8.0)) -> Report:
    """Workers are killed with SIGKILL every few seconds; much more often, and a job is killed alone six times."""
    with staged(jobs, step=0.05) as run:
        run.nemesis.every(*every, run.nemesis.kill_worker)
        run.settle(seconds=60 + jobs / 2)
        return run.report


def c2(jobs: int) -> Report:
    """And Redis too."""
    with staged(jobs, step=0.05) as run:
        run.nemesis.every(3.0, 6.0, run.nemesis.kill_worker)
        run.nemesis.every(4.0, 8.0, run.nemesis.kill_redis)
        run.settle(seconds=60 + jobs / 2)
        return run.report


def c3(jobs: int) -> Report:
    """Redis is frozen, its clients cut and paused, and every connection to it left half-open."""
    with staged(jobs, step=0.05) as run:
        for seconds in (5.0, 12.0, 40.0):
            run.nemesis.freeze("redis", seconds)
            run.nemesis.kill_clients()
            run.nemesis.pause_clients(3.0)
        run.nemesis.half_open(12.0)
        run.settle(seconds=120 + jobs / 2)
        return run.report


def c4(jobs: int) -> Report:
    """A worker is frozen beyond its leases and comes back: a zombie."""
    with staged(jobs, step=0.1, lease_seconds=2.0, beat_seconds=0.5) as run:
        eventually(run.nemesis.held, lambda held: "worker-0" in held)
        run.nemesis.freeze("worker-0", 6.0)
        run.settle(seconds=120 + jobs / 2)
        return run.report


def c5(jobs: int, rounds: int = 20) -> Report:
    """Rolling deploys: every api and every worker replaced in turn, so many rounds, while clients work."""
    with staged(jobs, Mix(long=0.0), step=0.02, apis=2, drain_seconds=10.0) as run:
        for _ in range(rounds):
            for name in (*run.stack.names("worker"), *run.stack.names("api")):
                seconds = run.nemesis.replace(name, run.stack.ready)
                assert seconds <= 30, f"{name} took {seconds:.1f} s to drain"
        run.settle(seconds=60 + jobs / 2)
        return run.report


def c6(jobs: int) -> Report:
    """Redis' memory is full for a while."""
    with staged(jobs, step=0.05) as run:
        eventually(run.nemesis.held)
        lift = run.nemesis.fill_memory()
        eventually(lambda: run.traffic.refused)
        time.sleep(5)
        lift()
        run.settle(seconds=120 + jobs / 2)
        return run.report


def c7(jobs: int) -> Report:
    """The disk is full for a while: first for the workers' pictures, then for Redis' log."""
    with staged(jobs, step=0.05) as run:
        eventually(run.nemesis.held)
        for names in (run.stack.names("worker"), ["redis"]):
            lifts = [run.nemesis.fill_disk(name) for name in names]
            time.sleep(5)
            for lift in lifts:
                lift()
            time.sleep(3)
        run.settle(seconds=120 + jobs / 2)
        return run.report


def c8(jobs: int) -> Report:
    """Pictures go to S3, of whose answers three in ten are wrong, late or never come; then it is away for a while."""
    with running_s3() as s3, staged(jobs, step=0.05, store=STORE, store_http=True) as run:
        eventually(run.nemesis.held)
        s3.mood = moody(random.Random(8), share=0.3, hang=15.0)
        run.nemesis.note("3 in 10 answers of S3 wrong", 20.0)
        time.sleep(20)
        s3.stop()
        run.nemesis.note("S3 away", 8.0)
        time.sleep(8)
        s3.mood = well
        s3.start()
        run.settle(seconds=120 + jobs / 2)
        assert s3.failures, "nobody noticed"
        return run.report


def poisoned(jobs: int, *poison: tuple[str, int], **stack: Any) -> Report:
    """Jobs that carry faults among others. C9, C10, C11, C12, C13."""
    with staged(jobs, Mix(long=0.0, cancelled=0.0, invalid=0.0, poison=poison), step=0.03, **stack) as run:
        run.settle(seconds=180 + jobs / 2)
        return run.report


def c14(jobs: int) -> Report:
    """Clocks an hour slow and an hour fast at the workers, ten minutes fast at the api."""
    with staged(jobs, step=0.05, clocks={"worker-0": -3600.0, "worker-1": 3600.0, "api-0": 600.0}) as run:
        run.settle(seconds=60 + jobs / 2)
        return run.report


SCENARIOS: dict[str, Callable[[int], Report]] = {
    "C1": c1,
    "C2": c2,
    "C3": c3,
    "C4": c4,
    "C5": c5,
    "C6": c6,
    "C7": c7,
    "C8": c8,
    "C9": lambda jobs: poisoned(jobs, ("OOM", jobs // 10)),
    "C10": lambda jobs: poisoned(jobs, ("BROKEN", 3)),
    "C11": lambda jobs: poisoned(jobs, ("SEGFAULT", 5)),
    "C12": lambda jobs: poisoned(jobs, ("HANG", 1), watchdog_seconds=3.0),
    "C13": lambda jobs: poisoned(jobs, ("NAN", 5)),
    "C14": c14,
}
