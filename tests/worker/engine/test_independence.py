"""A picture never depends on who else is in the batch: alone and in the crowd, bit for bit on CPU float32."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.worker.engine.tiny import tiny
from worker.engine.conditioning import Words
from worker.engine.engine import Engine
from worker.engine.enlarge import UPSCALERS
from worker.engine.noise import StartNoise
from worker.engine.request import EngineRequest, HighRes
from worker.engine.runner import Readback, Runner
from worker.engine.samplers import SAMPLERS
from worker.engine.sigmas import SCHEDULES, schedule_options
from worker.engine.ticket import Done, Picture, Pixels, Ticket
from worker.models.loader import Components, load
from worker.models.tiling import Tiling

MINI = Path(__file__).parents[3] / "models" / "mini"
WORDS = (
    "a cat",
    "the red boat at sea",
    "cat " * 30,
    "a house, " * 12,
    "a house, " * 25,
    "",
    "ein blauer Fisch im Schnee, ünïcödé",
    "a (red:1.4) [boat] BREAK at sea",
    "a [cat:dog:0.5] on [sand|snow]",
    "[a [big:2] house::3]",
    "a cat :0.7 AND snow AND (night:1.3) :0.5",
)


@pytest.fixture
def latents_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hand out the finished latents, byte for byte, in place of pictures: eight bits a pixel would hide rounding."""

    def bare(_: Runner, latent: Tensor, tiling: Tiling) -> Readback:
        return Readback(latent.contiguous().view(torch.uint8), torch.tensor(True))

    monkeypatch.setattr(Runner, "decode", bare)


def random_request(rng: random.Random, sides: tuple[int, ...], steps: tuple[int, int]) -> EngineRequest:
    """Any request the engine takes, with a few images at most."""
    width, height, count = rng.choice(sides), sides[0], rng.choice((1, 1, 2))
    paint = np.random.default_rng(rng.randrange(2**32))
    kind = rng.choice(("txt2img", "txt2img", "img2img", "inpaint"))
    sampler, schedule = rng.choice(tuple(SAMPLERS)), rng.choice(SCHEDULES)
    init = None if kind == "txt2img" else torch.from_numpy(paint.uniform(-1, 1, (3, height, width))).float()
    mask = torch.from_numpy(paint.uniform(0, 1, (1, height, width))).float() if kind == "inpaint" else None
    request = EngineRequest(
        words=tuple(random_words(rng) for _ in range(rng.choice((1, count)))),
        clip_skip=rng.choice((0, 0, 1)),
        width=width,
        height=height,
        steps=rng.randint(*steps),
        sampler=sampler,
        schedule=schedule,
        sampler_options=some(rng, {"eta": 0.7, "s_churn": 2.0, "s_noise": 1.01}, SAMPLERS[sampler].options),
        schedule_options=some(rng, {"sigma_max": 9.0, "sigma_min": 0.1, "rho": 3.0}, schedule_options(schedule)),
        guidance=rng.choice((1.0, 1.0, 3.5, 7.5)),
        seed=(seed := rng.randrange(2**32)),
        guided=rng.choice(((0.0, 1.0), (0.0, 1.0), (0.3, 0.8))),
        rescale=rng.choice((0.0, 0.0, 0.7)),
        feature_cache=1 + seed % 3,
        noise=StartNoise(rng.randrange(9), rng.choice((0.0, 0.0, 0.3)), rng.choice((None, None, (6, 10)))),
        tiling=rng.choice(("", "", "", "x", "y", "xy")),
        count=count,
        init=init,
        mask=mask,
        strength=rng.choice((0.5, 0.8, 1.0)),
        fill=rng.choice(("original", "blur", "noise", "zero")),
    )
    if mask is None and rng.random() < 0.15:
        second = replace(request, width=sides[-1], height=sides[-1], strength=0.6, init=None)
        return replace(request, hires=HighRes(second, rng.choice(UPSCALERS)))
    return request


def random_words(rng: random.Random) -> Words:
    """Prompts of every form, at times blended and moved."""
    blend = ((rng.choice(WORDS), 0.5),) if rng.random() < 0.2 else ()
    directions = ((rng.choice(WORDS), rng.choice(WORDS), 0.8),) if rng.random() < 0.2 else ()
    return Words(rng.choice(WORDS), rng.choice(WORDS), blend, directions)


def some(rng: random.Random, values: dict[str, float], allowed: Iterable[str]) -> dict[str, float]:
    """Those that are allowed, half of the time."""
    return {name: value for name, value in values.items() if name in allowed and rng.random() < 0.5}


def pictures(ticket: Ticket) -> list[Pixels]:
    """What a ticket gives, in the order of the images."""
    events = list(ticket)
    assert isinstance(events[-1], Done)
    return [p.rgb for p in sorted((e for e in events if isinstance(e, Picture)), key=lambda p: p.index)]


def ticks_later(engine: Engine, ticks: int) -> None:
    """Wait for so many ticks, or until nothing flies."""
    target = engine.stats.ticks + ticks
    while engine.stats.ticks < target and engine.stats.flights:
        time.sleep(0.0005)  # a tick takes some milliseconds; to look without pause would take the core from the engine


def crowd_agrees(
    components: Components, trials: int, sides: tuple[int, ...], steps: tuple[int, int], seed: int
) -> None:
    """`trials` requests, each alone in an engine of its own, then in crowds of two owners, joining at random ticks."""
    rng = random.Random(seed)
    requests = [random_request(rng, sides, steps) for _ in range(trials)]
    alone = Engine(components)
    alone.start()
    expected = [pictures(alone.submit(request)) for request in requests]
    alone.stop()
    crowded = Engine(components, max_rows=rng.choice((12, 24, 32)))
    crowded.start()
    tickets: list[Ticket] = []
    for request in requests:
        request = replace(request, priority=rng.randrange(3))
        tickets.append(crowded.submit(request, owner=rng.choice("ab")))
        if rng.random() < 0.6:
            ticks_later(crowded, rng.randint(1, 3))
    shared = [pictures(ticket) for ticket in tickets]
    stats = crowded.stats
    crowded.stop()
    for request, own, among in zip(requests, expected, shared, strict=True):
        assert len(own) == len(among) == request.count
        assert all(np.array_equal(a, b) for a, b in zip(own, among, strict=True)), request
    assert stats.rows > 2 * stats.calls, "the crowd did not share its calls"


def test_the_random_requests_take_in_every_sampler_and_schedule() -> None:
    requests = [random_request(random.Random(seed), (32,), (3, 8)) for seed in range(200)]
    assert {request.sampler for request in requests} == set(SAMPLERS)
    assert {request.schedule for request in requests} == set(SCHEDULES)
    assert {name for request in requests for name in request.sampler_options} == {"eta", "s_churn", "s_noise"}


@pytest.mark.parametrize("seed", range(2))
def test_100_random_requests_on_a_random_model(seed: int, latents_out: None) -> None:
    components = tiny(prediction=("epsilon", "v_prediction")[seed], seed=seed)
    crowd_agrees(components, trials=50, sides=((32,), (32, 48))[seed], steps=(3, 8), seed=seed)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2))
def test_1000_random_requests_on_a_random_model(seed: int, latents_out: None) -> None:
    components = tiny(prediction=("epsilon", "v_prediction")[seed], seed=seed)
    crowd_agrees(components, trials=500, sides=((32,), (32, 48))[seed], steps=(3, 8), seed=100 + seed)


def test_10_random_requests_on_the_bundled_model(latents_out: None) -> None:
    crowd_agrees(load(MINI, torch.device("cpu"), torch.float32), trials=10, sides=(128,), steps=(3, 5), seed=10)
