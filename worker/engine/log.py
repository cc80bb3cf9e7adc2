"""What the U-Net has answered: with the request and its seeds, all that is needed to go on with an image elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from torch import Tensor

from worker.engine.ticket import Checkpoint, Trace


class Log:
    """The traces of a job's images, from their first answer on. Only the engine thread touches it.

    limit: bytes it grows to. An image that would go beyond keeps the trace it has, which is an earlier step's, until
    its leg has ended. traces: of an earlier run, until their images board.
    """

    def __init__(self, limit: int, traces: Mapping[int, Trace]) -> None:
        self._limit = limit
        self._traces = dict(traces)
        self._size = sum(trace.size for trace in traces.values())
        self._left_behind: set[int] = set()
        self.changed = False  # since the last snapshot

    def answer(self, index: int, denoised: Tensor) -> None:
        """Image `index` has been answered once more."""
        if index not in self._left_behind:
            trace = self._traces.get(index, Trace())
            self._offer(index, replace(trace, answers=(*trace.answers, denoised)))

    def leg(self, index: int, legs: int, latent: Tensor) -> None:
        """Image `index` has flown so many legs and become this latent."""
        self._left_behind.discard(index)
        self._offer(index, Trace(legs, latent))

    def take(self, index: int) -> Trace | None:
        """The trace of an image that begins, which is logged anew as it is gone through."""
        self._left_behind.discard(index)
        trace = self._traces.pop(index, None)
        self._size -= trace.size if trace else 0
        return trace

    def snapshot(self) -> dict[int, Trace]:
        self.changed = False
        return dict(self._traces)

    def checkpoint(self, snapshot: Mapping[int, Trace], host: Iterable[Tensor]) -> Checkpoint:
        """A snapshot with its tensors in host memory, and from now on they are kept only there."""
        handed = [tensor for trace in snapshot.values() for tensor in trace.tensors]
        there = {id(tensor): copy for tensor, copy in zip(handed, host, strict=True)}

        def moved(traces: Mapping[int, Trace]) -> dict[int, Trace]:
            return {index: trace.moved(lambda one: there.get(id(one), one)) for index, trace in traces.items()}

        self._traces = moved(self._traces)
        return Checkpoint(moved(snapshot))

    def _offer(self, index: int, trace: Trace) -> None:
        size = self._size + trace.size - self._traces.get(index, Trace()).size
        if size > self._limit:
            self._left_behind.add(index)
        else:
            self._size, self._traces[index], self.changed = size, trace, True
