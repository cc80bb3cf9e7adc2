"""A random U-Net made for inpainting, in this engine and in diffusers' StableDiffusionInpaintPipeline.

float32, the same text states and the same noise: relative error of the finished latents below 1e-3.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    StableDiffusionInpaintPipeline,
)
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import Tensor

from contract.prompt import parse
from tests.worker.engine.tiny import SCHEDULER, tiny
from worker.engine.conditioning import Words
from worker.engine.job import Job
from worker.engine.request import EngineRequest
from worker.engine.runner import Runner
from worker.engine.ticket import Ticket

# diffusers' schedulers hand tensors to numpy in a way that numpy 2 has deprecated; nothing of ours does.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SIDE, STEPS, SEED, GUIDANCE = 64, 6, 7, 4.0
ORACLES: dict[str, tuple[Any, dict[str, Any]]] = {
    "euler": (EulerDiscreteScheduler, {"timestep_spacing": "linspace"}),
    "ddim": (DDIMScheduler, {"timestep_spacing": "leading", "clip_sample": False}),
    "dpmpp_2m": (DPMSolverMultistepScheduler, {"timestep_spacing": "linspace"}),
}
SAMPLERS = pytest.mark.parametrize("sampler", ORACLES)


@pytest.fixture(scope="module")
def runner() -> Runner:
    return Runner(tiny(channels=9))


@pytest.fixture(autouse=True)
def mode_of_the_posterior(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let diffusers take the encoder's mode, as this engine does, in place of a random draw around it."""
    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mode())


@pytest.fixture(scope="module")
def picture() -> Tensor:
    """(3, H, W) from -1 to 1."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, SIDE), torch.linspace(-1, 1, SIDE), indexing="ij")
    return torch.stack([x, y, x * y])


@pytest.fixture(scope="module")
def mask() -> Tensor:
    """Greys on no grid, (1, H, W)."""
    mask = torch.zeros(1, SIDE, SIDE)
    mask[:, 10:50, 21:60] = 0.4
    mask[:, 13:44, 26:57] = 0.6
    mask[:, 20:30, 30:40] = 1
    return mask


@torch.inference_mode()
def ours(runner: Runner, sampler: str, **inputs: Any) -> Tensor:
    request = EngineRequest(
        words=(Words("a cat", "snow"),), width=SIDE, height=SIDE, steps=STEPS, sampler=sampler,
        schedule="normal", guidance=GUIDANCE, seed=SEED, **inputs,
    )  # fmt: skip
    flight = runner.board(Job.of(Ticket(request), runner.levels, runner.components.ends_clean), 0)
    while flight.landed is None:
        flight.advance(runner.denoise([flight])[0])
    return flight.landed


@torch.inference_mode()
def theirs(runner: Runner, sampler: str, picture: Tensor, mask: Tensor, strength: float) -> Tensor:
    parts = runner.components
    kind, settings = ORACLES[sampler]
    pipeline = StableDiffusionInpaintPipeline(
        vae=parts.vae, text_encoder=parts.text_encoder, tokenizer=None, unet=parts.unet,
        scheduler=kind(**SCHEDULER, **settings, steps_offset=1), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    answer = pipeline(
        prompt_embeds=encoded(runner, "a cat"),
        negative_prompt_embeds=encoded(runner, "snow"),
        image=picture[None] / 2 + 0.5,
        mask_image=mask[None],
        strength=strength,
        height=SIDE,
        width=SIDE,
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        output_type="latent",
        generator=torch.Generator("cpu").manual_seed(SEED),
    )
    latent: Tensor = answer.images[0]
    return latent


def encoded(runner: Runner, text: str) -> Tensor:
    (chunk,) = runner.components.tokenizer.chunks(parse(text).at(1, 1)[0].items)
    states: Tensor = runner.components.text_encoder(torch.tensor([chunk.ids])).last_hidden_state
    return states


def apart(a: Tensor, b: Tensor) -> float:
    """Relative distance of two latents."""
    return float((a - b).norm() / b.norm())


@SAMPLERS
def test_inpaint(runner: Runner, picture: Tensor, mask: Tensor, sampler: str) -> None:
    """At full strength diffusers leaves the picture out of the start, which this engine does not."""
    expected = theirs(runner, sampler, picture, mask, strength=0.75)
    assert apart(ours(runner, sampler, init=picture, mask=mask, strength=0.75), expected) < 1e-3
    # Both would agree as well if the U-Net took no notice of what stands beside the latent.
    other = ours(runner, sampler, init=picture, mask=mask.flip(2), strength=0.75)
    assert apart(other, expected) > 1e-2


@SAMPLERS
def test_text_to_image_is_a_white_mask_on_grey(runner: Runner, sampler: str) -> None:
    expected = theirs(runner, sampler, torch.zeros(3, SIDE, SIDE), torch.ones(1, SIDE, SIDE), strength=1.0)
    assert apart(ours(runner, sampler), expected) < 1e-3


@SAMPLERS
def test_image_to_image_is_a_white_mask(runner: Runner, picture: Tensor, sampler: str) -> None:
    expected = theirs(runner, sampler, picture, torch.ones(1, SIDE, SIDE), strength=0.6)
    assert apart(ours(runner, sampler, init=picture, strength=0.6), expected) < 1e-3
