"""Policies in virtual time: the engine's own batcher, with a device that takes `a + c * rows` for a tick.

    python -m bench.sched_sim                     # this machine's curve, see bench/results
    python -m bench.sched_sim --a 5.5 --c 1.55    # a datacentre GPU

Deterministic: the same seed gives the same table. Times are milliseconds.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from worker.engine.batcher import Batcher, BatchKey
from worker.engine.capacity import Allowance
from worker.engine.fairness import Lane, in_turns

SIDE = 512  # pixels of the model's own size: a row of it costs one row
SCALE = 8  # pixels a latent pixel
SMALL: Lane = ("sd15", SIDE, SIDE)
LOW, NORMAL, HIGH = range(3)
STEPS = (20, 30, 50)
SAMPLERS = ("euler", "euler_a", "ddim", "dpmpp_2m", "lms", "unipc")  # of one evaluation a step


@dataclass(frozen=True, slots=True)
class Device:
    """A call of so many rows takes a + c * rows, a row of a larger picture as many as its pixels make of `SIDE`^2.

    A finished picture is decoded for as long as `decode`, a larger one in proportion.
    """

    a: float
    c: float
    decode: float

    def tick(self, rows: float) -> float:
        return self.a + self.c * rows

    @property
    def decode_rows(self) -> int:
        """What the batcher counts a decode as."""
        return max(1, round(self.decode / self.c))


@dataclass(eq=False, slots=True)
class Job:
    """A request, as the batcher sees it (`batcher.Waiting`), and when its pictures came."""

    arrival: float
    count: int
    ticks: int
    rows: int
    sampler: str = "euler"
    lane: Lane = SMALL
    owner: str = "local"
    priority: int = NORMAL
    age: int = 0
    boarded: int = 0
    landed: int = 0
    began: list[float] = field(default_factory=list)  # the tick in which each picture stepped first
    ended: list[float] = field(default_factory=list)  # each picture's decode
    stepped: int = 0  # the tick it stepped in last, or came before
    longest_pause: int = 0  # ticks between two steps

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

    @property
    def scale(self) -> float:
        """Pixels of its pictures, in those of the model's own size."""
        return self.lane[1] * self.lane[2] / SIDE**2


@dataclass(eq=False, slots=True)
class Flight:
    """One picture of a job on its way (`batcher.Stepping`)."""

    job: Job
    left: int
    key: BatchKey

    @property
    def rows(self) -> int:
        return self.job.rows

    @property
    def age(self) -> int:
        return self.job.age

    @property
    def owner(self) -> str:
        return self.job.owner

    @property
    def priority(self) -> int:
        return self.job.priority

    @property
    def lane(self) -> Lane:
        return self.job.lane


@dataclass(frozen=True, slots=True)
class Outcome:
    """All jobs, ended, how many ticks it took and the longest time between two ticks of one picture.

    longest_decoding: milliseconds between two ticks. longest_round: ticks that it took to step everybody once.
    most_jobs: in the air at one time.
    """

    jobs: list[Job]
    ticks: int
    longest_gap: float
    longest_decoding: float = 0.0
    longest_round: int = 0
    most_jobs: int = 0


class Engine:
    """The engine without its models: whoever fits joins at the next tick, whoever is done leaves."""

    def __init__(self, device: Device, max_rows: int) -> None:
        self.device, self.batcher = device, Batcher(max_rows, SIDE**2)
        self.now, self.ticks = 0.0, 0
        self.there: list[Job] = []
        self.flights: list[Flight] = []
        self.exposed: list[Flight] = []
        self.longest_gap = self.longest_decoding = 0.0
        self.longest_round = self.most_jobs = 0

    def run(self, jobs: Sequence[Job], until: Collection[Job] = ()) -> Outcome:
        """To the end of all jobs, or of those of `until`."""
        coming = sorted(jobs, key=lambda job: job.arrival)
        for age, job in enumerate(coming):
            job.age = age
        coming.reverse()
        while coming or self.there:
            if not self.there:
                self.now = max(self.now, coming[-1].arrival)
            while coming and coming[-1].arrival <= self.now:
                self.there.append(coming.pop())
            start = self.now
            self._board()
            self._denoise()
            self._develop()
            self.there = [job for job in self.there if job.landed < job.count]
            self.longest_gap = max(self.longest_gap, self.now - start)
            if until and all(job.landed == job.count for job in until):
                break
        return Outcome(
            list(jobs), self.ticks, self.longest_gap, self.longest_decoding, self.longest_round, self.most_jobs
        )

    def _board(self) -> None:
        for job in self.batcher.board(self.there):
            if all(flight.job is not job for flight in self.flights):
                job.stepped = self.ticks
            job.boarded += 1
            model, height, width = job.lane
            self.flights.append(Flight(job, job.ticks, BatchKey(model, height // SCALE, width // SCALE, 77)))

    def _denoise(self) -> None:
        if not self.flights:
            return
        self.ticks += 1
        cost = sum(self.batcher.cost(flight.rows, flight.lane) for flight in self.flights)
        self.longest_round = max(self.longest_round, -(-cost // self.batcher.budget))
        self.most_jobs = max(self.most_jobs, len({flight.age for flight in self.flights}))
        begin = self.now
        for batch in self.batcher.batches(self.flights):
            self.now += self.device.tick(sum(flight.rows * flight.job.scale for flight in batch))
            for flight in batch:
                if flight.left == flight.job.ticks:
                    flight.job.began.append(begin)
                flight.left -= 1
                flight.job.longest_pause = max(flight.job.longest_pause, self.ticks - flight.job.stepped)
                flight.job.stepped = self.ticks
        self.exposed += [flight for flight in self.flights if flight.left == 0]
        self.flights = [flight for flight in self.flights if flight.left]

    def _develop(self) -> None:
        """Decode what has landed, for half a tick at most; what is left over keeps its place in the budget."""
        allowance, begin, rest = Allowance(self.batcher.budget // 2), self.now, list[Flight]()
        for flight in in_turns(self.exposed):
            cost = self.batcher.cost(self.device.decode_rows, flight.lane)
            if allowance.take(cost):
                self.batcher.charge(flight.owner, cost)
                self.now += self.device.decode * flight.job.scale
                flight.job.landed += 1
                flight.job.ended.append(self.now)
            else:
                rest.append(flight)
        self.exposed = rest
        self.longest_decoding = max(self.longest_decoding, self.now - begin)


def by_steps(jobs: Sequence[Job], device: Device, max_rows: int, until: Collection[Job] = ()) -> Outcome:
    """Ours, to the end of all jobs or of those of `until`."""
    return Engine(device, max_rows).run(jobs, until)


def one_at_a_time(jobs: Sequence[Job], device: Device) -> Outcome:
    """A pipeline behind a lock: picture after picture, in order of arrival."""
    now, ticks = 0.0, 0
    for job in sorted(jobs, key=lambda job: job.arrival):
        now = max(now, job.arrival)
        for _ in range(job.count):
            job.began.append(now)
            now += job.ticks * device.tick(job.rows * job.scale) + device.decode * job.scale
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
        now += first.ticks * device.tick(len(group) * first.rows * first.scale)
        for job in group:
            now += device.decode * job.scale
            job.ended.append(now)
            waiting.remove(job)
        ticks += first.ticks
    return Outcome(list(jobs), ticks, 0.0)


def _settings(job: Job) -> tuple[object, ...]:
    return job.ticks, job.rows, job.sampler, job.lane


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
