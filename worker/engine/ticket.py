"""What comes out of the engine, and the wish to cancel on its way in: events, `Ticket`. Imports no torch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from worker.engine.request import EngineRequest

Pixels = NDArray[np.uint8]  # (H, W, 3)


@dataclass(frozen=True, slots=True)
class Progress:
    """Denoising steps done and to do, summed over the job's images."""

    step: int
    steps: int


@dataclass(frozen=True, eq=False, slots=True)
class Preview:
    """What image `index` will look like, at latent size, (h, w, 3)."""

    index: int
    rgb: Pixels


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """Image `index`, finished: what the decoder gave, (H, W, 3)."""

    index: int
    seed: int
    rgb: Pixels


@dataclass(frozen=True, eq=False, slots=True)
class Trace:
    """How one image came so far: the legs it has flown, the latent (C, h, w) they gave, and every answer since.

    answers: what its sampler was sent on this leg, each (C, h, w) float32.
    """

    legs: int = 0
    latent: Tensor | None = None
    answers: tuple[Tensor, ...] = ()

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return self.answers if self.latent is None else (self.latent, *self.answers)

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(tensor.nbytes for tensor in self.tensors)

    def moved(self, there: Callable[[Tensor], Tensor]) -> Trace:
        """The same with each tensor's copy in its place."""
        latent = None if self.latent is None else there(self.latent)
        return Trace(self.legs, latent, tuple(map(there, self.answers)))


@dataclass(frozen=True, eq=False, slots=True)
class Checkpoint:
    """What is needed to go on with a job: traces of images that have begun, and which are not to be made again."""

    traces: Mapping[int, Trace] = field(default_factory=dict)
    done: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Failed:
    """The job ended without all of its pictures. code: nan_image, out_of_memory, internal_error or engine_stopped."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Done:
    """All pictures have been delivered."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The job ended because its ticket was cancelled."""


End = Done | Failed | Cancelled
Event = Progress | Preview | Checkpoint | Picture | End


class Ticket:
    """A job's way out of the engine, and the wish to cancel on its way in. Safe from any thread.

    A job has one request or several; its images are numbered through. Iterating gives the events and ends after Done,
    Failed or Cancelled. A slow reader costs no memory: only the newest progress, preview and checkpoint
    are kept.
    """

    def __init__(self, *requests: EngineRequest) -> None:
        self.requests = requests
        self._events: dict[object, Event] = {}  # in order of arrival
        self._changed = threading.Condition()
        self._cancelled = threading.Event()
        self._ended = False

    def cancel(self) -> None:
        """Ask the engine to stop; it answers with Cancelled within a tick, unless the job ended before."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    @property
    def ended(self) -> bool:
        """Whether the last event has been put (it may not have been read yet)."""
        return self._ended

    def put(self, event: Event) -> None:
        """The engine's side: add an event; after the end nothing is added."""
        slot = (Picture, event.index) if isinstance(event, Picture) else type(event)
        with self._changed:
            if self._ended:
                return
            self._events.pop(slot, None)
            self._events[slot] = event
            self._ended = isinstance(event, End)
            self._changed.notify_all()

    def get(self, timeout: float | None = None) -> Event | None:
        """The next event; None when the end was read, or after `timeout` seconds without one."""
        with self._changed:
            self._changed.wait_for(lambda: self._events or self._ended, timeout)
            return self._events.pop(next(iter(self._events))) if self._events else None

    def __iter__(self) -> Iterator[Event]:
        while (event := self.get()) is not None:
            yield event
