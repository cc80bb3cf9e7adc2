"""What the engine is meant to reach, measured: overhead, joining and leaving, and what the simulator says of it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from bench.peers import Bare, Call, Stepper, median_time, synchronize
from bench.pipelines import line
from bench.sched_sim import Device, Job, by_steps, by_window, capacity, mixed
from bench.workloads import Ask, Scale, percentile, plain, rows_of, steps_run
from worker.engine.runner import Runner
from worker.engine.ticket import Event, Progress, Ticket
from worker.models.loader import Components

DATACENTRE = Device(a=5.5, c=1.55, decode=3 * 1.55)  # milliseconds: a GPU with Stable Diffusion 1.5


@dataclass(frozen=True, slots=True)
class Aim:
    """A number with its aim and floor; None: not measured, or no floor. at_most: smaller is better."""

    name: str
    measured: float | None
    aim: float
    floor: float | None = None
    at_most: bool = False

    @property
    def verdict(self) -> str:
        if self.measured is None:
            return "not measured"
        sign = -1 if self.at_most else 1
        if sign * self.measured >= sign * self.aim:
            return "reached"
        return "missed" if self.floor is None or sign * self.measured < sign * self.floor else "above the floor"


@dataclass(frozen=True, slots=True)
class Overhead:
    """Milliseconds of a tick and of its U-Net call alone, medians of ticks and calls in turn.

    share: what a tick takes beside its call, as a part of the call; the median of neighbours, since a machine's pace
    changes in between.
    """

    rows: int
    tick: float
    call: float
    share: float


def overhead(components: Components, scale: Scale, rows: int, times: int = 24) -> Overhead:
    """Full ticks of guided pictures that are previewed, beside raw calls of the same rows."""
    stepper, bare = Stepper(components, rows), Bare(components)
    flying = [stepper.engine.submit(plain(scale, i, steps=times + rows + 2, previews=True)) for i in range(rows // 2)]
    while len(stepper.engine._flights) < rows // 2:
        stepper.tick()
    flight = stepper.engine._flights[0]
    call = Call(rows, tuple(flight.x.shape), tuple(flight.stage.texts.shape[1:]))
    bare.run(call)
    ticks, calls = [], []
    for _ in range(times):
        ticks.append(_milliseconds(stepper.tick, components))
        calls.append(_milliseconds(lambda: bare.run(call), components))
    for ticket in flying:
        ticket.cancel()
    stepper.tick()
    shares = [tick / call - 1 for tick, call in zip(ticks, calls, strict=True)]
    return Overhead(rows, *map(statistics.median, (ticks, calls, shares)))


def _milliseconds(work: Callable[[], object], components: Components) -> float:
    begin = time.perf_counter()
    work()
    synchronize(components.device)
    return 1e3 * (time.perf_counter() - begin)


def join_and_cancel(components: Components, scale: Scale) -> tuple[int, int]:
    """Ticks until a newcomer among others has made a step, and until one that was cancelled is gone."""
    stepper = Stepper(components, 16)
    others = [stepper.engine.submit(plain(scale, i, steps=20)) for i in range(4)]
    stepper.tick()
    newcomer = stepper.engine.submit(plain(scale, 4, steps=20))
    joined = 0
    while not any(isinstance(event, Progress) and event.step for event in _events(newcomer)):
        stepper.tick()
        joined += 1
    newcomer.cancel()
    left = 0
    while not newcomer.ended:
        stepper.tick()
        left += 1
    for ticket in others:
        ticket.cancel()
    stepper.tick()
    return joined, left


def _events(ticket: Ticket) -> list[Event]:
    found = []
    while (event := ticket.get(timeout=0)) is not None:
        found.append(event)
    return found


@dataclass(frozen=True, slots=True)
class Curve:
    """Milliseconds of one U-Net call by rows, and the line a + c * rows through them; of one decode."""

    calls: dict[int, float]
    a: float
    c: float
    decode: float

    @property
    def device(self) -> Device:
        """For the simulator."""
        return Device(self.a, self.c, self.decode)


@torch.inference_mode()
def curve(components: Components, scale: Scale, rows: Sequence[int]) -> Curve:
    """Medians of five."""
    runner, bare = Runner(components), Bare(components)
    side = scale.side // components.vae_scale
    shape = (components.unet.config.in_channels, side, side)
    text = (77, components.unet.config.cross_attention_dim)
    calls = {}
    for count in rows:
        call = Call(count, shape, text)
        calls[count] = 1e3 * median_time(lambda call=call: bare.run(call), components.device)  # type: ignore[misc]
    latent = torch.randn(components.latent_channels, side, side, device=components.device)
    decode = 1e3 * median_time(lambda: runner.decode(latent).wait(), components.device)
    return Curve(calls, *line(list(calls), list(calls.values())), decode)


def predicted(served: Sequence[tuple[Sequence[Ask], Device]], max_rows: int) -> tuple[float, float]:
    """How many times lower p50 and p95 should be by steps than with a 50 ms window: medians over these servings.

    Each comes with what the device could do in its own minutes: cores that others share are not the same all day.
    """
    ratios = [_ratios(lambda asks=asks: [_job(ask) for ask in asks], device, max_rows) for asks, device in served]  # type: ignore[misc]
    return statistics.median(p50 for p50, _ in ratios), statistics.median(p95 for _, p95 in ratios)


def datacentre(max_rows: int = 32) -> tuple[float, float]:
    """The same on mixed work at 0.8 of what a datacentre GPU can do."""
    rate = 0.8 * capacity(DATACENTRE, max_rows)
    return _ratios(lambda: mixed(2000, rate, 1), DATACENTRE, max_rows)


def _ratios(jobs: Callable[[], list[Job]], device: Device, max_rows: int) -> tuple[float, float]:
    ours, theirs = ([job.latency for job in policy(jobs(), device, max_rows).jobs] for policy in (by_steps, by_window))
    return percentile(theirs, 0.5) / percentile(ours, 0.5), percentile(theirs, 0.95) / percentile(ours, 0.95)


def _job(ask: Ask) -> Job:
    request = ask.request
    steps, rows = steps_run(request), rows_of(request)
    return Job(1000 * ask.arrival, count=1, ticks=steps, rows=rows, sampler=request.sampler)
