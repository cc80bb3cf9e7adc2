"""Where the engine's time goes: the time that each part takes for itself, without the parts it calls."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from bench.peers import Stepper, synchronize
from worker.engine.request import EngineRequest
from worker.models.loader import Components

PARTS = ("U-Net", "rows and guidance", "samplers", "previews", "decode", "text and pictures in", "bookkeeping")


class Profiler:
    """Methods that are watched, and the seconds of each label's own. now: a clock, after the device has caught up."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.own: defaultdict[str, float] = defaultdict(float)
        self._now = now
        self._inside: list[float] = [0.0]  # seconds of what was called, for every call that is open

    @contextmanager
    def watching(self, methods: Sequence[tuple[Any, str, str]]) -> Iterator[None]:
        """While this lasts, calls of each (object, name of its method, label) are timed."""
        for thing, name, label in methods:
            setattr(thing, name, self._timed(getattr(thing, name), label))
        try:
            yield
        finally:
            for thing, name, _ in methods:
                delattr(thing, name)  # the class's own shows again

    def _timed(self, method: Callable[..., Any], label: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            begin = self._now()
            self._inside.append(0.0)
            try:
                return method(*arguments, **named)
            finally:
                taken = self._now() - begin
                self.own[label] += taken - self._inside.pop()
                self._inside[-1] += taken

        return call


def profile(components: Components, requests: Sequence[EngineRequest], max_rows: int) -> dict[str, float]:
    """Seconds of each of PARTS while an engine, ticked by hand, makes these pictures all at once."""
    stepper = Stepper(components, max_rows)
    stepper.run(requests)  # warms up

    def now() -> float:
        synchronize(components.device)
        return time.perf_counter()

    profiler, engine = Profiler(now), stepper.engine
    runner = engine._runner
    watched = [
        (runner.unet, "_call", "U-Net"),
        (runner, "denoise", "rows and guidance"),
        (engine, "_advance", "samplers"),
        (runner, "preview", "previews"),
        (runner, "decode", "decode"),
        (runner, "board", "text and pictures in"),
        (engine, "_tick", "bookkeeping"),
    ]
    with torch.inference_mode(), profiler.watching(watched):
        stepper.run(requests)
    return {part: profiler.own[part] for part in PARTS}
