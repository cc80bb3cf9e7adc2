"""A model distilled with guidance, against diffusers' pipeline for latent consistency models."""

from __future__ import annotations

import pytest
import torch
from diffusers import LatentConsistencyModelPipeline, LCMScheduler
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

SIDE, SEED = 64, 5


@torch.inference_mode()
def ours(runner: Runner, guidance: float, steps: int) -> Tensor:
    request = EngineRequest(
        words=(Words("a cat"),), width=SIDE, height=SIDE, steps=steps, sampler="lcm", schedule="normal",
        guidance=guidance, seed=SEED,
    )  # fmt: skip
    job = Job.of(Ticket(request), runner.levels, runner.components.ends_clean, told_guidance=True)
    assert job.rows == 1, "it needs no second row"
    flight = runner.board(job, 0)
    while flight.landed is None:
        flight.advance(runner.denoise([flight])[0])
    return flight.landed


@torch.inference_mode()
def theirs(runner: Runner, guidance: float, steps: int) -> Tensor:
    parts = runner.components
    pipeline = LatentConsistencyModelPipeline(
        vae=parts.vae, text_encoder=parts.text_encoder, tokenizer=None, unet=parts.unet,
        scheduler=LCMScheduler(**SCHEDULER, set_alpha_to_one=True), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    (chunk,) = parts.tokenizer.chunks(parse("a cat").at(1, 1)[0].items)
    states = parts.text_encoder(torch.tensor([chunk.ids])).last_hidden_state
    answer = pipeline(
        prompt_embeds=states, height=SIDE, width=SIDE, num_inference_steps=steps, guidance_scale=guidance,
        output_type="latent", generator=torch.Generator("cpu").manual_seed(SEED),
    )  # fmt: skip
    latent: Tensor = answer.images[0]
    return latent


@pytest.mark.parametrize("steps", [1, 4])
def test_a_distilled_model_is_told_its_guidance(steps: int) -> None:
    runner = Runner(tiny(guidance_width=32))
    expected = theirs(runner, 8.0, steps)
    assert float((ours(runner, 8.0, steps) - expected).norm() / expected.norm()) < 1e-3
    assert float((ours(runner, 1.0, steps) - expected).norm() / expected.norm()) > 1e-2, "it listens to the guidance"
