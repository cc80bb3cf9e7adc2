"""What goes wrong on the device and what the engine does about it; neighbours never notice, to the bit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.worker.engine.tiny import tiny
from worker.engine.conditioning import Words
from worker.engine.engine import Engine
from worker.engine.faults import is_broken, is_memory, twice
from worker.engine.pulse import Activity
from worker.engine.request import EngineRequest, HighRes
from worker.engine.ticket import Checkpoint, Done, Event, Failed, Picture, Pixels
from worker.models.loader import Components

FULL = torch.OutOfMemoryError("on purpose")
DEAD = torch.AcceleratorError("CUDA error: an illegal memory access was encountered")


@pytest.fixture
def components() -> Components:
    return tiny()


@pytest.fixture
def engine(components: Components) -> Iterator[Engine]:
    engine = Engine(components, max_rows=16, checkpoint_seconds=3600.0)
    engine.start()
    yield engine
    engine.stop()


def request(**changes: Any) -> EngineRequest:
    plain: dict[str, Any] = {
        "words": (Words("a cat"),), "width": 32, "height": 32, "steps": 3, "sampler": "euler", "schedule": "karras",
        "guidance": 5.0, "seed": 1,
    }  # fmt: skip
    return EngineRequest(**plain | changes)


def pictures(events: list[Event]) -> dict[int, Pixels]:
    return {event.index: event.rgb for event in events if isinstance(event, Picture)}


def same(one: list[Event], other: list[Event]) -> bool:
    left, right = pictures(one), pictures(other)
    return bool(left) and left.keys() == right.keys() and all(np.array_equal(left[i], right[i]) for i in left)


def code(events: list[Event]) -> str:
    return events[-1].code if isinstance(events[-1], Failed) else ""


class Fault:
    """Raises in place of a network's call, or answers in its place, the first `times` times that `where` says so."""

    def __init__(self, module: Any, method: str, answer: Exception | Callable[[Any], Any], times: int = 10**9) -> None:
        self._plain, self._answer, self._left = getattr(module, method), answer, times
        self.where: Callable[[tuple[Any, ...]], bool] = lambda args: True
        self.calls = 0
        self.dtypes: list[torch.dtype] = []
        self._module = module
        if method == "forward":  # the engine calls twins of the U-Net, which share its hooks
            module.register_forward_pre_hook(lambda _, args: self.before(args))
        else:
            setattr(module, method, self)

    def before(self, args: tuple[Any, ...]) -> None:
        """In front of a network's call: only an exception can take its place."""
        if self.where(args):
            self.calls += 1
            self._left -= 1
            if self._left >= 0:
                assert isinstance(self._answer, Exception)
                raise self._answer

    def __call__(self, *args: Any, **options: Any) -> Any:
        if not self.where(args):
            return self._plain(*args, **options)
        self.calls += 1
        self.dtypes.append(next(self._module.parameters()).dtype)
        if not self._left:
            return self._plain(*args, **options)
        self._left -= 1
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer(self._plain(*args, **options))


@pytest.mark.parametrize(
    ("error", "memory", "broken"),
    [
        (FULL, True, False), (MemoryError(), True, False), (DEAD, False, True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), True, False),
        (torch.AcceleratorError("CUDA error: out of memory"), True, False),
        (RuntimeError("CUDA error: device-side assert triggered"), False, True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False, False),
        (ValueError("CUDA error: no error of CUDA's"), False, False),
    ],
)  # fmt: skip
def test_faults_are_told_apart(error: Exception, memory: bool, broken: bool) -> None:
    assert (is_memory(error), is_broken(error)) == (memory, broken)


def test_a_second_try_comes_after_memory_was_given_back_and_only_for_want_of_it() -> None:
    done: list[str] = []

    def act(error: Exception) -> None:
        done.append("try")
        raise error

    with pytest.raises(MemoryError):
        twice(lambda: act(MemoryError()), lambda: done.append("free"))
    assert done == ["try", "free", "try"]
    with pytest.raises(ValueError, match="other"):
        twice(lambda: act(ValueError("other")), lambda: done.append("free"))
    assert done[3:] == ["try"]


@pytest.mark.parametrize("part", ["unet", "vae.decode", "vae.encode"])
def test_memory_that_lacks_once_costs_nothing(engine: Engine, components: Components, part: str) -> None:
    asked = request(init=torch.zeros(3, 32, 32), strength=0.7)
    expected = list(engine.submit(asked))
    name, _, method = part.partition(".")
    fault = Fault(getattr(components, name), method or "forward", FULL, times=1)
    events = list(engine.submit(asked))
    assert fault.calls >= 2
    assert same(events, expected)


@pytest.mark.parametrize("part", ["unet", "vae.decode"])
def test_memory_that_lacks_for_one_ends_that_one(engine: Engine, components: Components, part: str) -> None:
    expected = list(engine.submit(request()))
    name, _, method = part.partition(".")
    fault = Fault(getattr(components, name), method or "forward", FULL)
    fault.where = lambda args: args[0].shape[-1] == 6  # the wide one's
    tickets = [engine.submit(request(width=width)) for width in (32, 48, 32)]
    one, wide, other = map(list, tickets)
    assert code(wide) == "out_of_memory"
    assert same(one, expected)
    assert same(other, expected)


@pytest.mark.parametrize("part", ["unet", "vae.decode", "text_encoder"])
def test_a_broken_device_hands_everything_back_and_says_so(components: Components, part: str) -> None:
    engine = Engine(components, max_rows=16)
    name, _, method = part.partition(".")
    Fault(getattr(components, name), method or "forward", DEAD)
    tickets = [engine.submit(request(seed=seed, words=(Words(f"cat {seed}"),))) for seed in range(3)]
    engine.start()
    assert [code(list(ticket)) for ticket in tickets] == ["engine_stopped"] * 3
    engine.stop()
    assert engine.pulse.broken
    assert code(list(engine.submit(request()))) == "engine_stopped"


def nan(answer: tuple[Tensor]) -> tuple[Tensor]:
    return (answer[0] * torch.nan,)


def test_a_picture_that_is_not_finite_is_decoded_once_more(engine: Engine, components: Components) -> None:
    expected = list(engine.submit(request()))
    fault = Fault(components.vae, "decode", nan, times=1)
    assert same(list(engine.submit(request())), expected)
    assert fault.calls == 2


def test_and_is_nan_image_when_that_is_no_better(engine: Engine, components: Components) -> None:
    expected = list(engine.submit(request(seed=2)))
    latents: list[Tensor] = []

    def spoiled(args: tuple[Any, ...]) -> bool:
        latents.append(args[0])
        return torch.equal(args[0], latents[0])

    fault = Fault(components.vae, "decode", nan)
    fault.where = spoiled
    bad = list(engine.submit(request()))
    good = list(engine.submit(request(seed=2)))
    assert (code(bad), pictures(bad), fault.calls) == ("nan_image", {}, 2)
    assert same(good, expected)


def test_the_second_try_is_in_float32_and_leaves_no_trace() -> None:
    parts = tiny()
    half = {name: getattr(parts, name).to(torch.bfloat16) for name in ("text_encoder", "unet", "vae")}
    components = replace(parts, dtype=torch.bfloat16, **half)
    before = {name: weight.clone() for name, weight in components.vae.named_parameters()}
    engine = Engine(components, max_rows=16)
    engine.start()
    plain = list(engine.submit(request()))
    fault = Fault(components.vae, "decode", nan, times=1)
    mended = list(engine.submit(request()))
    again = list(engine.submit(request()))
    engine.stop()
    assert fault.dtypes == [torch.bfloat16, torch.float32, torch.bfloat16]
    assert isinstance(mended[-1], Done)
    apart = np.abs(pictures(mended)[0].astype(int) - pictures(plain)[0].astype(int))
    assert 0 < apart.max() < 24, "rounded otherwise, and the same picture"
    assert same(again, plain)
    assert all(torch.equal(weight, before[name]) for name, weight in components.vae.named_parameters())


def test_between_two_passes_too(engine: Engine, components: Components) -> None:
    both = request(hires=HighRes(request(width=64, height=64, strength=0.7), "lanczos"))
    expected = list(engine.submit(both))
    fault = Fault(components.vae, "decode", nan, times=1)
    assert same(list(engine.submit(both)), expected)
    assert fault.calls == 3


def test_who_is_stopped_says_how_far_it_came(components: Components) -> None:
    asked = request(steps=40)
    engine = Engine(components, max_rows=16, checkpoint_seconds=3600.0)
    engine.start()
    expected = list(engine.submit(asked))
    ticket = engine.submit(asked)
    while engine.stats.ticks < 60 and not ticket.ended:
        time.sleep(0.001)
    engine.stop()
    events = list(ticket)
    kept = [event for event in events if isinstance(event, Checkpoint)]
    assert code(events) == "engine_stopped"
    assert len(kept) == 1
    assert 10 <= len(kept[0].traces[0].answers) < 40
    second = Engine(components, max_rows=16)
    second.start()
    assert same(list(second.submit(asked, resume=kept[0])), expected)
    second.stop()


def test_the_pulse_tells_rest_work_and_warming_up(engine: Engine, components: Components) -> None:
    seen: list[Activity] = []
    components.unet.register_forward_pre_hook(lambda *_: seen.append(engine.pulse.activity))
    list(engine.submit(request()))
    assert seen[0] is Activity.WARMING, "the first call of its size"
    assert seen[-1] is Activity.WORKING
    before = engine.pulse.beats
    list(engine.submit(request(steps=20)))
    assert engine.pulse.beats - before >= 20
    deadline = time.monotonic() + 10
    while engine.pulse.activity is not Activity.RESTING:
        assert time.monotonic() < deadline
        time.sleep(0.01)
