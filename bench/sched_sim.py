"""Policies in virtual time: the engine's own batcher, with a device that takes `a + c * rows` for a tick.

    python -m bench.sched_sim                     # this machine's curve, see bench/results
    python -m bench.sched_sim --a 5.5 --c 1.55    # a datacentre GPU

Deterministic: the same seed gives the same table. Times are milliseconds.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from worker.engine.batcher import Batcher, BatchKey

SMALL = BatchKey("mini", 16, 16, 77)
STEPS = (20, 30, 50)
SAMPLERS = ("euler", "euler_a", "ddim", "dpmpp_2m", "lms", "unipc")  # of one evaluation a step


@dataclass(frozen=True, slots=True)
class Device:
    """A tick of so many rows takes a + c * rows; a finished picture is decoded for as long as `decode`."""

    a: float
    c: float
    decode: float

    def tick(self, rows: int) -> float:
        return self.a + self.c * rows


@dataclass(eq=False, slots=True)
class Job:
    """A request, as the batcher sees it (`batcher.Waiting`), and when its pictures came."""

    arrival: float
    count: int
    ticks: int
    rows: int
    sampler: str = "euler"
    key: BatchKey = SMALL
    age: int = 0
    boarded: int = 0
    landed: int = 0
    began: list[float] = field(default_factory=list)  # each picture's first tick
    ended: list[float] = field(default_factory=list)  # each picture's decode

    @property
    def waiting(self) -> int:
        return self.count - self.boarded

    @property
    def flying(self) -> int:
        return (self.boarded - self.landed) * self.rows

    @property
    def latency(self) -> float:
        """From arrival to the last picture."""
        return self.ended[-1] - self.arrival


@dataclass(eq=False, slots=True)
class Flight:
    """One picture of a job on its way (`batcher.Stepping`)."""

    job: Job
    left: int

    @property
    def key(self) -> BatchKey:
        return self.job.key

    @property
    def rows(self) -> int:
        return self.job.rows

    @property
    def age(self) -> int:
        return self.job.age


@dataclass(frozen=True, slots=True)
class Outcome:
    """All jobs, ended, how many ticks it took and the longest time between two ticks of one picture."""

    jobs: list[Job]
    ticks: int
    longest_gap: float


def by_steps(jobs: Sequence[Job], device: Device, max_rows: int) -> Outcome:
    """The engine: whoever fits joins at the next tick, whoever is done leaves."""
    batcher, coming = Batcher(max_rows), sorted(jobs, key=lambda job: job.arrival)
    for age, job in enumerate(coming):
        job.age = age
    now, ticks, longest = 0.0, 0, 0.0
    there: list[Job] = []
    flights: list[Flight] = []
    while coming or there:
        if not there:
            now = max(now, coming[0].arrival)
        while coming and coming[0].arrival <= now:
            there.append(coming.pop(0))
        for job in batcher.board(there):
            job.boarded += 1
            job.began.append(now)
            flights.append(Flight(job, job.ticks))
        start = now
        for batch in batcher.batches(flights):
            now += device.tick(sum(flight.rows for flight in batch))
            for flight in batch:
                flight.left -= 1
        for flight in [flight for flight in flights if flight.left == 0]:
            now += device.decode
            flight.job.landed += 1
            flight.job.ended.append(now)
        flights = [flight for flight in flights if flight.left]
        there = [job for job in there if job.landed < job.count]
        ticks, longest = ticks + 1, max(longest, now - start)
    return Outcome(list(jobs), ticks, longest)


def one_at_a_time(jobs: Sequence[Job], device: Device) -> Outcome:
    """A pipeline behind a lock: picture after picture, in order of arrival."""
    now, ticks = 0.0, 0
    for job in sorted(jobs, key=lambda job: job.arrival):
        now = max(now, job.arrival)
        for _ in range(job.count):
            job.began.append(now)
            now += job.ticks * device.tick(job.rows) + device.decode
            job.ended.append(now)
            ticks += job.ticks
    return Outcome(list(jobs), ticks, 0.0)


def by_window(jobs: Sequence[Job], device: Device, max_rows: int, window: float = 50.0) -> Outcome:
    """Dynamic batching as elsewhere: equal requests that come within a window run together, to their end."""
    waiting, now, ticks = sorted(jobs, key=lambda job: job.arrival), 0.0, 0
    while waiting:
        first = waiting[0]
        now = max(now, first.arrival + window)
        alike = [job for job in waiting if job.arrival <= now and _settings(job) == _settings(first)]
        group = alike[: max(1, max_rows // first.rows)]
        for job in group:
            job.began.append(now)
        now += first.ticks * device.tick(len(group) * first.rows)
        for job in group:
            now += device.decode
            job.ended.append(now)
            waiting.remove(job)
        ticks += first.ticks
    return Outcome(list(jobs), ticks, 0.0)


def _settings(job: Job) -> tuple[object, ...]:
    return job.ticks, job.rows, job.sampler, job.key


def mixed(count: int, per_second: float, seed: int) -> list[Job]:
    """Single pictures of 20, 30 and 50 steps and six samplers, one in five without guidance, as a Poisson process."""
    rng, now, jobs = random.Random(seed), 0.0, []
    for _ in range(count):
        now += rng.expovariate(per_second) * 1000
        jobs.append(Job(now, 1, rng.choice(STEPS), 1 if rng.random() < 0.2 else 2, rng.choice(SAMPLERS)))
    return jobs


def capacity(device: Device, max_rows: int) -> float:
    """Pictures a second of `mixed` when every tick is full: the most that any policy can do."""
    rows, ticks = 0.2 * 1 + 0.8 * 2, sum(STEPS) / len(STEPS)
    row_ticks = rows * ticks  # of a picture
    return 1000 / (row_ticks * device.tick(max_rows) / max_rows + device.decode)


def percentile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--a", type=float, default=18.0, help="milliseconds of a tick without rows")
    parser.add_argument("--c", type=float, default=5.3, help="milliseconds of a row")
    parser.add_argument(
        "--decode", type=float, default=None, help="milliseconds of a decode; three rows when not given"
    )
    parser.add_argument("--rows", type=int, default=32, help="most rows in a tick")
    parser.add_argument("--jobs", type=int, default=2000)
    arguments = parser.parse_args()
    device = Device(arguments.a, arguments.c, 3 * arguments.c if arguments.decode is None else arguments.decode)
    most = capacity(device, arguments.rows)
    print(
        f"a tick takes {device.a} + {device.c} ms a row, a decode {device.decode:.1f} ms; at most {most:.2f} images/s\n"
    )
    print("| load | policy | p50 s | p95 s | images/s |\n|---|---|---|---|---|")
    for load in (0.5, 0.8, 1.2):
        for name, outcome in {
            "by steps (Darkroom)": by_steps(mixed(arguments.jobs, load * most, 1), device, arguments.rows),
            "50 ms window": by_window(mixed(arguments.jobs, load * most, 1), device, arguments.rows),
            "one at a time": one_at_a_time(mixed(arguments.jobs, load * most, 1), device),
        }.items():
            latencies = [job.latency / 1000 for job in outcome.jobs]
            rate = 1000 * len(outcome.jobs) / max(job.ended[-1] for job in outcome.jobs)
            p50, p95 = percentile(latencies, 0.5), percentile(latencies, 0.95)
            print(f"| {load} | {name} | {p50:.2f} | {p95:.2f} | {rate:.2f} |")


if __name__ == "__main__":
    main()
