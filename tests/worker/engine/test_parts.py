"""One job of several requests: its pictures are those of the requests alone, and it ends as one."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.worker.engine.flying import pictures, request, same
from worker.engine.conditioning import Words
from worker.engine.engine import Engine
from worker.engine.noise import StartNoise
from worker.engine.runner import Runner
from worker.engine.ticket import Cancelled, Done, Failed, Picture, Pixels, Progress
from worker.models.loader import Components

ONE = torch.linspace(-1, 1, 3 * 32 * 32).reshape(3, 32, 32)
PARTS: tuple[dict[str, Any], ...] = (
    {"steps": 2, "seed": 5},
    {"steps": 4, "sampler": "euler_a", "guidance": 1.0, "count": 2},
    {"words": (Words("a cat AND a"),), "clip_skip": 1},
    {"init": ONE, "strength": 0.5, "steps": 4},
    {"init": ONE, "strength": 1.0, "seed": 9},
    {"noise": StartNoise(variation=7, share=0.5), "count": 2},
)


def alone(engine: Engine) -> list[Pixels]:
    found = [pictures(list(engine.submit(request(**part)))) for part in PARTS]
    return [made[index] for made in found for index in sorted(made)]


def test_pictures_are_those_of_the_requests_alone_and_numbered_through(engine: Engine) -> None:
    expected = dict(enumerate(alone(engine)))
    events = list(engine.submit(*(request(**part) for part in PARTS)))
    assert isinstance(events[-1], Done)
    assert same(pictures(events), expected)
    seeds = {event.index: event.seed for event in events if isinstance(event, Picture)}
    assert seeds == {0: 5, 1: 1, 2: 2, 3: 1, 4: 1, 5: 9, 6: 1, 7: 1}


def test_progress_is_summed_over_all_parts(engine: Engine) -> None:
    events = list(engine.submit(*(request(**part) for part in PARTS)))
    told = [event for event in events if isinstance(event, Progress)]
    assert {each.steps for each in told} == {2 + 2 * 4 + 3 + 2 + 3 + 2 * 3}
    assert told[-1].step == told[-1].steps


def test_parts_share_the_calls(engine: Engine) -> None:
    """Eight requests of three steps and two rows: all fit in 16 rows, of which a tick lets six board."""
    before = engine.stats.calls
    list(engine.submit(*(request(seed=seed) for seed in range(8))))
    assert engine.stats.calls - before <= 6, "alone they would take 24"


def test_an_input_that_parts_share_is_encoded_once(engine: Engine, components: Components) -> None:
    calls: list[int] = []
    handle = components.vae.encoder.register_forward_hook(lambda *_: calls.append(1))
    list(engine.submit(*(request(init=ONE, strength=0.5, seed=seed) for seed in range(4))))
    handle.remove()
    assert len(calls) == 1


def test_a_part_that_fails_fails_the_job(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Runner.denoise

    def poisoned(runner: Runner, flights: Any) -> Any:
        answers = plain(runner, flights)
        return [a * float("nan") if f.seed == 13 else a for f, a in zip(flights, answers, strict=True)]

    monkeypatch.setattr(Runner, "denoise", poisoned)
    events = list(engine.submit(request(seed=13, steps=2), *(request(steps=50, seed=seed) for seed in range(3))))
    assert isinstance(events[-1], Failed)
    assert events[-1].code == "nan_image"
    assert pictures(events) == {}


def test_cancelling_cancels_every_part(components: Components) -> None:
    engine = Engine(components)
    ticket = engine.submit(*(request(seed=seed) for seed in range(3)))
    ticket.cancel()
    engine.start()
    assert list(ticket) == [Cancelled()]
    engine.stop()


def test_a_job_of_many_parts_leaves_room_for_others(components: Components) -> None:
    """As for a job of many pictures: who comes later does not wait for all of them."""
    engine = Engine(components, max_rows=4)
    many, one = engine.submit(*(request(seed=seed) for seed in range(30))), engine.submit(request(seed=99))
    engine.start()
    assert isinstance(list(one)[-1], Done)
    assert not many.ended
    many.cancel()
    engine.stop()


def test_nothing_to_do_is_done(engine: Engine) -> None:
    assert list(engine.submit()) == [Done()]
