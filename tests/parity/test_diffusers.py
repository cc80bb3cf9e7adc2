"""The bundled weights in this engine and in diffusers' own pipelines: the same noise gives the same latents.

float32, relative error of the finished latents below 1e-3. The oracle's schedulers are set as their authors set them:
Euler over "linspace" timesteps, DDIM over "leading" ones with an offset of 1, DPM-Solver++ 2M over "linspace".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
)
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import Tensor

from worker.engine.conditioning import Words
from worker.engine.job import Job
from worker.engine.request import EngineRequest
from worker.engine.runner import Runner
from worker.engine.ticket import Ticket
from worker.models.loader import load

# diffusers' schedulers hand tensors to numpy in a way that numpy 2 has deprecated; nothing of ours does.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

MINI = Path(__file__).parents[2] / "models" / "mini"
PROMPT, NEGATIVE, SEED, STEPS = "a black cat on a beach at sunset", "snow", 7, 6
SIDE = 64  # pixels; half the native side, to be quick


ORACLES: dict[tuple[str, str], tuple[Any, dict[str, Any]]] = {
    ("euler", "normal"): (EulerDiscreteScheduler, {"timestep_spacing": "linspace"}),
    ("euler", "karras"): (EulerDiscreteScheduler, {"timestep_spacing": "linspace", "use_karras_sigmas": True}),
    ("euler_a", "normal"): (EulerAncestralDiscreteScheduler, {"timestep_spacing": "linspace"}),
    ("ddim", "normal"): (DDIMScheduler, {"timestep_spacing": "leading", "steps_offset": 1}),
    ("dpmpp_2m", "normal"): (DPMSolverMultistepScheduler, {"timestep_spacing": "linspace"}),
    ("dpmpp_2m", "karras"): (DPMSolverMultistepScheduler, {"timestep_spacing": "linspace", "use_karras_sigmas": True}),
}
CASES = pytest.mark.parametrize(("sampler", "noise"), ORACLES)


@pytest.fixture(scope="module")
def runner() -> Runner:
    return Runner(load(MINI, torch.device("cpu"), torch.float32))


@pytest.fixture(scope="module")
def parts() -> dict[str, Any]:
    """The oracle's own copy of the model, loaded by diffusers."""
    pipeline = StableDiffusionPipeline.from_pretrained(str(MINI), dtype=torch.float32, local_files_only=True)
    return dict(pipeline.components)


@pytest.fixture(autouse=True)
def mode_of_the_posterior(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let diffusers take the encoder's mode, as this engine does, in place of a random draw around it."""
    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mode())


@torch.inference_mode()
def ours(runner: Runner, request: EngineRequest) -> Tensor:
    """The finished latent (C, h, w) of a request's first image."""
    flight = runner.board(Job.of(Ticket(request), runner.levels, runner.components.ends_clean), 0)
    while flight.landed is None:
        flight.advance(runner.denoise([flight])[0])
    return flight.landed


def theirs(pipeline: Any, sampler: str, noise: str, guidance: float, **inputs: Any) -> Tensor:
    kind, settings = ORACLES[sampler, noise]
    pipeline.scheduler = kind.from_config(pipeline.scheduler.config, **settings)
    pipeline.set_progress_bar_config(disable=True)
    answer = pipeline(
        PROMPT,
        negative_prompt=NEGATIVE,
        num_inference_steps=STEPS,
        guidance_scale=guidance,
        output_type="latent",
        generator=torch.Generator("cpu").manual_seed(SEED),
        **inputs,
    )
    latent: Tensor = answer.images[0]
    return latent


def request(sampler: str, noise: str, guidance: float, **inputs: Any) -> EngineRequest:
    return EngineRequest(
        words=(Words(PROMPT, NEGATIVE),),
        width=SIDE,
        height=SIDE,
        steps=STEPS,
        sampler=sampler,
        schedule=noise,
        guidance=guidance,
        seed=SEED,
        **inputs,
    )


def apart(a: Tensor, b: Tensor) -> float:
    """Relative distance of two latents."""
    return float((a - b).norm() / b.norm())


@pytest.fixture(scope="module")
def picture() -> Tensor:
    """A smooth picture with a disc in it, (3, H, W) from -1 to 1."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, SIDE), torch.linspace(-1, 1, SIDE), indexing="ij")
    disc = ((x**2 + y**2) < 0.3).float()
    return torch.stack([x, y, 1 - 2 * disc])


@pytest.fixture(scope="module")
def mask() -> Tensor:
    """Black and white on the grid of 8 pixels, (1, H, W)."""
    mask = torch.zeros(1, SIDE, SIDE)
    mask[:, 16:48, 24:56] = 1
    return mask


@CASES
@pytest.mark.parametrize("guidance", [1.0, 5.0])
def test_text_to_image(runner: Runner, parts: dict[str, Any], sampler: str, noise: str, guidance: float) -> None:
    pipeline = StableDiffusionPipeline(**parts, requires_safety_checker=False)
    expected = theirs(pipeline, sampler, noise, guidance, height=SIDE, width=SIDE)
    assert apart(ours(runner, request(sampler, noise, guidance)), expected) < 1e-3


@CASES
@pytest.mark.parametrize("strength", [0.6, 1.0])
def test_image_to_image(
    runner: Runner, parts: dict[str, Any], picture: Tensor, sampler: str, noise: str, strength: float
) -> None:
    pipeline = StableDiffusionImg2ImgPipeline(**parts, requires_safety_checker=False)
    expected = theirs(pipeline, sampler, noise, 5.0, image=picture[None] / 2 + 0.5, strength=strength)
    got = ours(runner, request(sampler, noise, 5.0, init=picture, strength=strength))
    assert apart(got, expected) < 1e-3


@pytest.mark.parametrize(("sampler", "noise"), [case for case in ORACLES if case[0] != "euler_a"])
def test_inpaint(
    runner: Runner, parts: dict[str, Any], picture: Tensor, mask: Tensor, sampler: str, noise: str
) -> None:
    """euler_a is left out: diffusers blends after its fresh noise, so its known part differs by that noise's sum."""
    pipeline = StableDiffusionInpaintPipeline(**parts, requires_safety_checker=False)
    channels = pipeline.unet.config.in_channels
    # The pipeline knows U-Nets of 4 channels (it blends) and of 9 (made for inpainting); it asks the config only.
    pipeline.unet.register_to_config(in_channels=4)
    try:
        expected = theirs(
            pipeline,
            sampler,
            noise,
            5.0,
            image=picture[None] / 2 + 0.5,
            mask_image=mask[None],
            strength=0.75,
            height=SIDE,
            width=SIDE,
        )
    finally:
        pipeline.unet.register_to_config(in_channels=channels)
    got = ours(runner, request(sampler, noise, 5.0, init=picture, mask=mask, strength=0.75))
    assert apart(got, expected) < 1e-3
