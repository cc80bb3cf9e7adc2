"""What tests of the engine have in common: a request, what came of it, and a gate before each U-Net call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from worker.engine.conditioning import Words
from worker.engine.flight import Flight
from worker.engine.request import EngineRequest
from worker.engine.runner import Runner
from worker.engine.ticket import Event, Picture, Pixels

Denoise = Callable[[Runner, list[Flight]], list[Tensor]]


def request(**changes: Any) -> EngineRequest:
    plain: dict[str, Any] = {
        "words": (Words("a cat"),),
        "width": 32,
        "height": 32,
        "steps": 3,
        "sampler": "euler",
        "schedule": "karras",
        "guidance": 5.0,
        "seed": 1,
    }
    return EngineRequest(**plain | changes)


def pictures(events: list[Event]) -> dict[int, Pixels]:
    return {event.index: event.rgb for event in events if isinstance(event, Picture)}


def same(one: dict[int, Pixels], other: dict[int, Pixels]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[i], other[i]) for i in one)


class Gate:
    """Holds the engine before each U-Net call until a test lets it through."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._turn = threading.Semaphore(0)
        self.calls: list[list[Flight]] = []
        plain: Denoise = Runner.denoise

        def denoise(runner: Runner, flights: list[Flight]) -> list[Tensor]:
            self.calls.append(flights)
            self._turn.acquire()
            return plain(runner, flights)

        monkeypatch.setattr(Runner, "denoise", denoise)

    def let(self, calls: int) -> None:
        self._turn.release(calls)

    def reached(self, calls: int) -> None:
        """Wait until the engine stands before that many calls in all."""
        deadline = time.monotonic() + 60
        while len(self.calls) < calls:
            assert time.monotonic() < deadline, "the engine did not get there"
            time.sleep(0.002)
