"""The peers made of this engine: P6 as it is, P5 that wants equal guidance and sampler, P0, its U-Net calls alone."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bench.pipelines import Clock
from bench.workloads import Ask
from worker.engine.batcher import Batcher
from worker.engine.engine import Engine
from worker.engine.flight import Flight
from worker.engine.request import EngineRequest
from worker.engine.ticket import Done, Failed, Picture
from worker.models.loader import Components


@dataclass(frozen=True, slots=True)
class Call:
    """One U-Net call. rows: without padding; shape: of a row's input (C, h, w); text: of a row's states (L, D)."""

    rows: int
    shape: tuple[int, ...]
    text: tuple[int, ...]


class ServingFailed(Exception):
    """A request of the benchmark did not get its picture."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a U-Net call began, in seconds, and what the engine counted until then."""

    at: float
    images: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Steady:
    """What was done while requests waited, so that every tick was full: without the start and the end of a serving."""

    seconds: float
    row_steps: int
    images: int


class Stepping:
    """P6: the engine; every request is submitted as it arrives. `trace` is of the last serving."""

    def __init__(self, components: Components, max_rows: int) -> None:
        self.engine = Engine(components, max_rows=max_rows)
        self.trace: list[tuple[Call, Moment]] = []
        runner: Any = self.engine._runner
        denoise = runner.denoise

        def recorded(flights: Sequence[Flight]) -> list[Tensor]:
            texts, stats = flights[0].stage.texts, self.engine.stats
            shape = tuple(flights[0].beside(flights[0].x).shape)
            call = Call(sum(flight.rows for flight in flights), shape, tuple(texts.shape[1:]))
            self.trace.append((call, Moment(time.perf_counter(), stats.images, stats.images_waiting)))
            return denoise(flights)  # type: ignore[no-any-return]  # the runner's own, taken as Any to be replaced

        runner.denoise = recorded
        self.engine.start()

    def steady(self) -> Steady | None:
        """Of the last serving; None where nobody had to wait for two calls or more."""
        full = [(call, moment) for call, moment in self.trace if moment.waiting]
        if len(full) < 2:
            return None
        (_, first), (_, last) = full[0], full[-1]
        rows = sum(call.rows for call, _ in full[:-1])
        return Steady(last.at - first.at, rows, last.images - first.images)

    def serve(self, asks: Sequence[Ask]) -> list[float]:
        """When each picture was there, in seconds from the start."""
        self.trace.clear()
        clock, finished = Clock(), [float("nan")] * len(asks)

        def follow(number: int, request: EngineRequest) -> None:
            for event in self.engine.submit(request):
                if isinstance(event, Picture):
                    finished[number] = clock()

        readers = []
        for number, ask in enumerate(asks):
            clock.wait_until(ask.arrival)
            readers.append(threading.Thread(target=follow, args=(number, ask.request)))
            readers[-1].start()
        for reader in readers:
            reader.join()
        if any(end != end for end in finished):
            raise ServingFailed("the engine left requests without a picture; its log says why")
        return finished

    def stop(self) -> None:
        self.engine.stop()


class Picky(Stepping):
    """P5: step batching as it is done elsewhere, where a call's rows share guidance and sampler."""

    def __init__(self, components: Components, max_rows: int) -> None:
        super().__init__(components, max_rows)
        self.engine._batcher = _AlikeOnly(max_rows)


class _AlikeOnly(Batcher):
    def batches(self, flights: Iterable[Any]) -> list[list[Any]]:
        return [part for batch in super().batches(flights) for part in alike(batch)]


def alike(batch: Sequence[Flight]) -> list[list[Flight]]:
    """A batch cut by guidance and sampler, in order of each group's first."""
    groups: dict[tuple[str, float], list[Flight]] = {}
    for flight in batch:
        request = flight.leg.request
        groups.setdefault((request.sampler, request.guidance), []).append(flight)
    return list(groups.values())


class Bare:
    """P0: U-Net calls of the same rows and sizes and nothing else: no text, sampler, decode or queue."""

    def __init__(self, components: Components) -> None:
        self._components = components
        self._inputs: dict[Call, tuple[Tensor, Tensor, Tensor]] = {}

    @torch.inference_mode()
    def run(self, call: Call) -> Tensor:
        """One call on random rows, which are kept."""
        parts = self._components
        if call not in self._inputs:
            x = torch.randn(call.rows, *call.shape).to(parts.device, parts.dtype)
            texts = torch.randn(call.rows, *call.text).to(parts.device, parts.dtype)
            self._inputs[call] = x, torch.full((call.rows,), 500.0, device=parts.device), texts
        x, times, texts = self._inputs[call]
        told = torch.zeros(call.rows, parts.guidance_width) if parts.guidance_width else None
        told = None if told is None else told.to(parts.device, parts.dtype)
        return parts.unet(x, times, encoder_hidden_states=texts, timestep_cond=told, return_dict=False)[0]  # type: ignore[no-any-return]  # diffusers is untyped

    def seconds(self, calls: Sequence[Call]) -> float:
        """Seconds of these calls, one after the other."""
        for call in dict.fromkeys(calls):
            self.run(call)  # kernels are chosen and inputs made before the clock starts
        synchronize(self._components.device)
        clock = Clock()
        for call in calls:
            self.run(call)
        synchronize(self._components.device)
        return clock()


class Stepper:
    """An engine without its thread: its ticks are taken by hand, in inference mode."""

    def __init__(self, components: Components, max_rows: int) -> None:
        self.engine = Engine(components, max_rows=max_rows)

    @torch.inference_mode()
    def tick(self) -> None:
        if self.engine._wait():
            self.engine._tick()

    @property
    def idle(self) -> bool:
        return not (self.engine._jobs or self.engine._arrived)

    def run(self, requests: Sequence[EngineRequest]) -> None:
        """All of these to their end. Raises ServingFailed when one has none."""
        tickets = [self.engine.submit(request) for request in requests]
        while not self.idle:
            self.tick()
        for ticket in tickets:
            ends = [event for event in ticket if isinstance(event, Done | Failed)]
            if not isinstance(ends[-1], Done):
                raise ServingFailed(str(ends[-1]))


def synchronize(device: torch.device) -> None:
    """Wait for all that was asked of a device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def median_time(work: Callable[[], object], device: torch.device, times: int = 5) -> float:
    """Seconds of some work, the median after one try that warms up."""
    taken = []
    for _ in range(times + 1):
        begin = time.perf_counter()
        work()
        synchronize(device)
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken[1:])
