"""Samplers that k-diffusion has not, against diffusers' schedulers: same noise, float64, whole runs.

The oracles keep their tables in float32; they are given float64 ones, so that what is compared is the method.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, LCMScheduler, PNDMScheduler, UniPCMultistepScheduler
from torch import Tensor

from tests.worker.engine.test_samplers import STARTS, STEPS, apart, drive, two_places
from tests.worker.engine.tiny import SCHEDULER
from worker.engine.denoiser import NoiseLevels
from worker.engine.samplers import SAMPLERS
from worker.engine.sigmas import sigmas
from worker.models.loader import _alphas_cumprod

# diffusers' schedulers hand tensors to numpy in a way that numpy 2 has deprecated; nothing of ours does.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

ALPHAS = _alphas_cumprod(SCHEDULER)
LEVELS = NoiseLevels(ALPHAS)
CLEAN = {"clip_sample": False}
LEADING = {"timestep_spacing": "leading", "steps_offset": 1}
ORACLES: dict[str, tuple[Any, dict[str, Any]]] = {
    "ddpm": (DDPMScheduler, CLEAN | LEADING),
    "ddim": (DDIMScheduler, CLEAN | LEADING | {"set_alpha_to_one": False}),
    "plms": (PNDMScheduler, LEADING | {"skip_prk_steps": True, "set_alpha_to_one": False}),
    "unipc": (UniPCMultistepScheduler, {"timestep_spacing": "linspace"}),
    "lcm": (LCMScheduler, CLEAN),
}


def oracle(name: str, steps: int) -> Any:
    kind, settings = ORACLES[name]
    scheduler = kind(**SCHEDULER | settings)
    scheduler.set_timesteps(steps)
    scheduler.alphas_cumprod = ALPHAS
    if hasattr(scheduler, "final_alpha_cumprod"):
        scheduler.final_alpha_cumprod = ALPHAS[0]
    if hasattr(scheduler, "sigmas"):
        scheduler.sigmas = torch.tensor(
            [*(LEVELS.sigma(int(t)) for t in scheduler.timesteps), 0.0], dtype=torch.float64
        )
    return scheduler


def theirs(scheduler: Any, timesteps: list[int], x: Tensor, **options: Any) -> Tensor:
    """x through the scheduler over `timesteps`, in its own variable sqrt(a) x."""
    root = ALPHAS.sqrt()
    z = (x * root[timesteps[0]])[None]
    for t in timesteps:
        sigma = LEVELS.sigma(t)
        eps = (z / root[t] - two_places(z / root[t], sigma)) / sigma
        z = scheduler.step(eps, t, z, return_dict=False, **options)[0]
    found: Tensor = z[0]
    return found


@STARTS
@STEPS
@pytest.mark.parametrize("name", ORACLES)
def test_a_sampler_is_diffusers_own(name: str, steps: int, start: str) -> None:
    scheduler = oracle(name, steps)
    first = {"nothing": 0, "picture": steps - int(0.6 * steps)}[start]
    times = [int(t) for t in scheduler.timesteps]
    if name == "plms":  # the second stands there twice: the first step looks there too
        times = [times[0], *times[2:]]
    levels = sigmas("normal", steps, SAMPLERS[name], LEVELS, ends_clean=False)
    assert [LEVELS.t(sigma) for sigma in levels[:steps]] == pytest.approx(times, abs=1e-9)
    ran = times[first:]
    if name == "plms":
        ran = [ran[0], ran[1], *ran[1:]]
    elif name in ("unipc", "lcm"):
        scheduler.set_begin_index(first)
    x = torch.randn(4, 6, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(steps)) * levels[first]
    noises = [torch.Generator().manual_seed(7) for _ in range(2)]
    draws = {"generator": noises[0]} if name in ("ddpm", "lcm") else {}
    expected = theirs(scheduler, ran, x, **draws)

    def draw() -> Tensor:
        return torch.randn(1, 4, 6, 6, dtype=torch.float64, generator=noises[1])[0]

    got, _ = drive(SAMPLERS[name].steps(x, levels[first:], draw))
    # LCM's scheduler mixes a little of the noisy latent in, c_skip = 7e-6 at timestep 19; the others are exact.
    assert apart(got, expected) < (1e-5 if name == "lcm" else 1e-9)
