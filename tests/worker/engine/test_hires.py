"""Two passes: the second begins with the first one's picture, enlarged."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from tests.worker.engine.tiny import tiny
from worker.engine.conditioning import Words
from worker.engine.engine import Engine
from worker.engine.enlarge import UPSCALERS, Upscaler, enlarge
from worker.engine.flight import Flight
from worker.engine.job import Job
from worker.engine.request import EngineRequest, HighRes
from worker.engine.runner import Runner
from worker.engine.ticket import Done, Picture, Progress, Ticket


def request(upscaler: Upscaler = "bilinear", count: int = 1) -> EngineRequest:
    first = EngineRequest(
        words=(Words("a cat", "fish"),), width=32, height=48, steps=3, sampler="euler", schedule="karras",
        guidance=3.0, seed=4, count=count,
    )  # fmt: skip
    onto = replace(first, width=64, height=96, steps=6, strength=0.5)
    return replace(first, hires=HighRes(onto, upscaler))


def board(runner: Runner, asked: EngineRequest) -> Flight:
    return runner.board(Job.of(Ticket(asked), runner.levels, ends_clean=True), 0)


def land(runner: Runner, flight: Flight) -> Tensor:
    while flight.landed is None:
        flight.advance(runner.denoise([flight])[0])
    return flight.landed


def enlarged(runner: Runner, latent: Tensor, upscaler: Upscaler) -> Tensor:
    """What the second pass begins with, by torch's and Pillow's own functions."""
    if upscaler == "lanczos":
        vae, scaling = runner.components.vae, runner.components.vae_scaling
        decoded = vae.decode(latent[None] / scaling).sample[0]
        pixels = ((decoded / 2 + 0.5).clamp(0, 1) * 255).round().byte().movedim(0, -1).numpy()
        large = np.asarray(Image.fromarray(pixels).resize((64, 96), Image.Resampling.LANCZOS), np.float32)
        return vae.encode(torch.from_numpy(large).movedim(-1, 0)[None] / 127.5 - 1).latent_dist.mode()[0] * scaling  # type: ignore[no-any-return]
    if upscaler == "nearest":
        return latent.repeat_interleave(2, -2).repeat_interleave(2, -1)
    mode = "bicubic" if upscaler == "bicubic" else "bilinear"
    return F.interpolate(latent[None], scale_factor=2, mode=mode, antialias=upscaler == "antialiased")[0]


@torch.inference_mode()
@pytest.mark.parametrize("upscaler", UPSCALERS)
def test_the_second_pass_is_a_run_onto_the_first_one_enlarged(upscaler: Upscaler) -> None:
    """Euler's formula written out, from the enlarged latent and the seed's own noise at the new size."""
    runner = Runner(tiny())
    first = board(runner, request(upscaler))
    start = enlarged(runner, land(runner, first), upscaler)
    second = runner.fly_on(first)
    made = land(runner, second)
    assert second.last
    assert not first.last
    sigmas = second.leg.sigmas
    assert len(sigmas) == 4, "half of six steps"
    noise = torch.randn((1, 4, 12, 8), generator=torch.Generator("cpu").manual_seed(4))[0]
    x, probe = start + sigmas[0] * noise, runner.fly_on(first)
    for sigma, sigma_next in pairwise(sigmas):
        probe.x, probe.sigma = x, sigma
        x = x + (x - runner.denoise([probe])[0]) / sigma * (sigma_next - sigma)
    torch.testing.assert_close(made, x, atol=1e-4, rtol=1e-4)


def test_enlarging_keeps_what_is_flat() -> None:
    flat = torch.full((4, 3, 5), 0.7)
    for upscaler in ("nearest", "bilinear", "bicubic", "antialiased"):
        torch.testing.assert_close(enlarge(flat, [7, 9], upscaler), torch.full((4, 7, 9), 0.7))


def test_a_job_of_two_passes_has_one_progress_and_large_pictures() -> None:
    engine = Engine(tiny())
    engine.start()
    events = list(engine.submit(request("nearest", count=2)))
    engine.stop()
    assert isinstance(events[-1], Done)
    pictures = [event for event in events if isinstance(event, Picture)]
    assert [(picture.index, picture.rgb.shape) for picture in pictures] == [(0, (96, 64, 3)), (1, (96, 64, 3))]
    told = [event for event in events if isinstance(event, Progress)]
    assert {event.steps for event in told} == {2 * (3 + 3)}
    assert [event.step for event in told] == sorted(event.step for event in told)
    assert told[-1].step == 12


def test_a_second_pass_is_over_the_same_images() -> None:
    with pytest.raises(ValueError, match="same images"):
        replace(request(), count=2)
