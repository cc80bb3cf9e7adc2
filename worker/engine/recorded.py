"""Calls recorded once and played again (CUDA graphs): a U-Net's thousands of small launches become one."""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch

from worker.engine.compiled import CLOSE, Shapes, distance, shapes_of
from worker.models.depths import Answered, Asked

log = logging.getLogger(__name__)

MOST = 16  # recordings that are kept
AFTER = 3  # calls of the same shapes: who comes once is not worth it

Forward = Callable[[Asked], Answered]


class Recorder(Protocol):
    """Records what a function does with the tensors it uses. bytes: that its recordings keep for themselves."""

    bytes: int

    def record(self, run: Callable[[], Answered]) -> tuple[Callable[[], object], Answered]:
        """How to do it again, on the same memory, and where the answer then is."""
        ...

    def clear(self) -> None:
        """Its recordings are gone."""
        ...


class CudaGraphs:
    """Of one CUDA device; all recordings share one pool of memory, since one is played at a time."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.clear()

    def clear(self) -> None:
        self.bytes, self._pool = 0, torch.cuda.graph_pool_handle()

    def record(self, run: Callable[[], Answered]) -> tuple[Callable[[], object], Answered]:
        current = torch.cuda.current_stream(self._device)
        stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]  # torch leaves this class untyped
        stream.wait_stream(current)
        with torch.cuda.stream(stream):
            run()  # libraries make their workspaces now and not in the recording
        current.wait_stream(stream)
        torch.cuda.synchronize(self._device)
        torch.cuda.empty_cache()
        before = torch.cuda.memory_reserved(self._device)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=stream, capture_error_mode="thread_local"):
            answered = run()
        self.bytes += max(0, torch.cuda.memory_reserved(self._device) - before)
        return graph.replay, answered


@dataclass(frozen=True, slots=True)
class Recording:
    """One call on memory of its own. forward: what was recorded."""

    forward: Forward
    inputs: Asked
    replay: Callable[[], object]
    answered: Answered

    def play(self, asked: Asked, *, keep: bool) -> Answered:
        """Another call of the same shapes; what it answers is a copy, since the next one overwrites it."""
        for buffer, tensor in zip(self.inputs, asked, strict=True):
            if buffer is not None and tensor is not None:
                buffer.copy_(tensor)
        self.replay()
        output, deep = self.answered
        return Answered(output.clone(), deep.clone() if keep and deep is not None else None)


class Recorded:
    """Answers calls from recordings, one for each shape of a call, and otherwise by what is to be recorded.

    exact: a recording that does not give the very bits is left out; otherwise one that is not close. The recording that
    was played longest ago is dropped for a new one. Not thread-safe.
    """

    def __init__(self, recorder: Recorder, *, exact: bool, most: int = MOST) -> None:
        self._recorder, self._exact, self._most = recorder, exact, most
        self._kept: OrderedDict[Shapes, Recording] = OrderedDict()
        self._calls: Counter[tuple[Shapes, Forward]] = Counter()
        self._refused: set[tuple[Shapes, Forward]] = set()

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def bytes(self) -> int:
        """Device memory that the recordings keep for themselves."""
        return self._recorder.bytes

    def forget(self) -> None:
        """Drop all recordings; they are made again when they have been asked for often enough."""
        self._kept.clear()
        self._calls.clear()
        self._recorder.clear()

    def __call__(self, forward: Forward, asked: Asked, *, keep: bool, record: bool = True) -> Answered:
        """What `forward` answers. keep: the deep features are wanted; record: what has none yet may be recorded now."""
        shapes = shapes_of(asked)
        if (kept := self._kept.get(shapes)) is not None and kept.forward is forward:
            self._kept.move_to_end(shapes)
            return kept.play(asked, keep=keep)
        self._calls[shapes, forward] += 1
        answered = forward(asked)
        if record and self._calls[shapes, forward] >= AFTER and (shapes, forward) not in self._refused:
            self._record(shapes, forward, asked, answered)
        return answered

    def _record(self, shapes: Shapes, forward: Forward, asked: Asked, expected: Answered) -> None:
        """Keep a recording that gives what was answered without."""
        inputs = Asked(*(None if tensor is None else tensor.clone() for tensor in asked))  # type: ignore[arg-type]
        try:
            made = Recording(forward, inputs, *self._recorder.record(lambda: forward(inputs)))
            same = self._agree(made.play(asked, keep=True), expected)
        except Exception:  # too little memory, or something that cannot be recorded
            log.warning("x of %s could not be recorded; it goes on as before", shapes[0], exc_info=True)
            same = False
        if not same:
            self._refused.add((shapes, forward))
            log.warning("x of %s is not played from a recording", shapes[0])
            return
        self._kept[shapes] = made
        self._kept.move_to_end(shapes)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def _agree(self, ours: Answered, theirs: Answered) -> bool:
        if self._exact:
            return all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True) if a is not None and b is not None)
        return distance(ours, theirs) <= CLOSE[theirs.output.dtype]
