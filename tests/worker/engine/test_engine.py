"""The engine under way: failing alone, running out of memory, stopping."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from torch import Tensor

from contract.prompt import Span
from tests.worker.engine.flying import Gate, pictures, request, same
from worker.engine.conditioning import Items, Words
from worker.engine.engine import Engine
from worker.engine.flight import Flight
from worker.engine.runner import Runner
from worker.engine.samplers import SAMPLERS, Draw, Sampler, Steps
from worker.engine.ticket import Done, Failed
from worker.models.loader import Components
from worker.text.encode import TextEncoder


def test_nan_fails_its_own_job(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = pictures(list(engine.submit(request(seed=2))))
    plain = Runner.denoise

    def poisoned(runner: Runner, flights: list[Flight]) -> list[Tensor]:
        answers = plain(runner, flights)
        return [a * float("nan") if f.seed == 13 else a for f, a in zip(flights, answers, strict=True)]

    monkeypatch.setattr(Runner, "denoise", poisoned)
    bad, good = engine.submit(request(seed=13)), engine.submit(request(seed=2))
    events = list(bad)
    assert isinstance(events[-1], Failed)
    assert events[-1].code == "nan_image"
    assert pictures(events) == {}
    assert same(pictures(list(good)), expected)


def test_infinite_pixels_fail_too(engine: Engine, components: Components, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = components.vae.decode
    monkeypatch.setattr(components.vae, "decode", lambda *a, **k: (plain(*a, **k)[0] + torch.inf,))
    end = list(engine.submit(request()))[-1]
    assert isinstance(end, Failed)
    assert end.code == "nan_image"


def breaks_at_the_second_step(x: Tensor, sigmas: list[float], _draw: Draw) -> Steps:
    yield x, sigmas[0]
    yield x, sigmas[1]
    raise ArithmeticError("on purpose")


def test_a_broken_sampler_fails_its_own_job(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = pictures(list(engine.submit(request(seed=2))))
    monkeypatch.setitem(SAMPLERS, "broken", Sampler(breaks_at_the_second_step, "linspace", "exploding"))
    bad, good = engine.submit(request(sampler="broken", count=2)), engine.submit(request(seed=2))
    end = list(bad)[-1]
    assert end == Failed("internal_error", "The engine failed on this job; the worker's log says why.")
    assert same(pictures(list(good)), expected)


def test_a_failing_call_fails_its_members_only(engine: Engine, components: Components) -> None:
    expected = pictures(list(engine.submit(request())))

    def refuse_wide(module: Any, args: tuple[Tensor, ...]) -> None:
        if args[0].shape[-1] == 6:
            raise ValueError("on purpose")

    hook = components.unet.register_forward_pre_hook(refuse_wide)
    tickets = [engine.submit(request(width=width)) for width in (32, 48, 32, 48)]
    ends = [list(ticket) for ticket in tickets]
    hook.remove()
    assert [type(events[-1]) for events in ends] == [Done, Failed, Done, Failed]
    assert same(pictures(ends[0]), expected)
    assert same(pictures(ends[2]), expected)


def test_a_failing_decode_or_prompt_fails_its_own_job(
    engine: Engine, components: Components, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = TextEncoder.encode

    def encode(encoder: TextEncoder, items: Items, clip_skip: int = 0) -> Tensor:
        if any(isinstance(item, Span) and item.text == "bad" for item in items):
            raise ValueError("on purpose")
        return plain(encoder, items, clip_skip)

    monkeypatch.setattr(TextEncoder, "encode", encode)
    bad, good = engine.submit(request(words=(Words("bad"),), count=3)), engine.submit(request())
    assert isinstance(list(bad)[-1], Failed)
    assert isinstance(list(good)[-1], Done)
    monkeypatch.setattr(components.vae, "decode", lambda *a, **k: 1 / 0)
    assert isinstance(list(engine.submit(request()))[-1], Failed)
    monkeypatch.undo()
    assert isinstance(list(engine.submit(request()))[-1], Done)


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("on purpose"), RuntimeError("DefaultCPUAllocator: can't allocate memory: 1 TB")]
)
def test_a_batch_too_large_is_halved(engine: Engine, components: Components, error: Exception) -> None:
    requests = [request(seed=seed) for seed in range(7)]
    expected = [pictures(list(engine.submit(one))) for one in requests]
    sizes: list[int] = []

    def small_device(module: Any, args: tuple[Tensor, ...]) -> None:
        sizes.append(len(args[0]))
        if len(args[0]) > 4:
            raise error

    hook = components.unet.register_forward_pre_hook(small_device)
    tickets = [engine.submit(one) for one in requests]
    got = [list(ticket) for ticket in tickets]
    hook.remove()
    assert all(isinstance(events[-1], Done) for events in got)
    assert all(same(pictures(events), own) for events, own in zip(got, expected, strict=True))
    assert 1 <= sum(size > 4 for size in sizes) <= 3, "the engine did not learn the size that fits"


def test_too_large_alone_is_out_of_memory(engine: Engine, components: Components) -> None:
    def no_device(module: Any, args: tuple[Tensor, ...]) -> None:
        raise torch.OutOfMemoryError("on purpose")

    hook = components.unet.register_forward_pre_hook(no_device)
    end = list(engine.submit(request()))[-1]
    hook.remove()
    assert isinstance(end, Failed)
    assert end.code == "out_of_memory"
    assert isinstance(list(engine.submit(request()))[-1], Done)


def test_a_fault_of_the_engine_itself_is_survived(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "_land", lambda self: 1 / 0)
    end = list(engine.submit(request()))[-1]
    assert isinstance(end, Failed)
    assert end.code == "internal_error"
    monkeypatch.undo()
    assert isinstance(list(engine.submit(request()))[-1], Done)


def test_stop_ends_every_ticket(components: Components, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    engine = Engine(components, max_rows=2)
    engine.start()
    tickets = [engine.submit(request(steps=500)) for _ in range(3)]
    gate.let(2)
    gate.reached(3)
    stopper = threading.Thread(target=engine.stop)
    stopper.start()
    gate.let(1)
    stopper.join(timeout=60)
    ends = [list(ticket)[-1] for ticket in [*tickets, engine.submit(request())]]
    assert ends == [Failed("engine_stopped", "The worker is shutting down.")] * 4
    assert engine.stats.flights == engine.stats.images_waiting == 0
