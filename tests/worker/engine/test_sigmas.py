"""Noise levels and schedules against diffusers' own tables and Karras' formula."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler

from tests.worker.engine.tiny import SCHEDULER
from worker.engine.denoiser import NoiseLevels
from worker.engine.samplers import SAMPLERS
from worker.engine.sigmas import cut, karras, sigmas, start_scale
from worker.models.loader import _alphas_cumprod

# diffusers' schedulers hand tensors to numpy in a way that numpy 2 has deprecated; nothing of ours does.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
LEVELS = NoiseLevels(_alphas_cumprod(SCHEDULER))


def oracle(kind: Any, steps: int, **settings: Any) -> tuple[list[float], list[float]]:
    """Sigmas and timesteps of a diffusers scheduler with Stable Diffusion's betas."""
    scheduler = kind(**SCHEDULER, **settings)
    scheduler.set_timesteps(steps)
    return [float(s) for s in scheduler.sigmas], [float(t) for t in scheduler.timesteps]


def test_stable_diffusion_goes_from_14_61_to_0_029() -> None:
    assert LEVELS.sigma(LEVELS.last) == pytest.approx(14.6146, abs=1e-3)
    assert LEVELS.sigma(0) == pytest.approx(0.0292, abs=1e-4)


def test_timestep_and_sigma_are_inverse() -> None:
    for t in (0, 0.5, 1, 17.25, 500, 998.9, 999):
        assert LEVELS.t(LEVELS.sigma(t)) == pytest.approx(t, abs=1e-9)
    assert LEVELS.t(1e-5) == 0
    assert LEVELS.t(1e5) == 999


@pytest.mark.parametrize("steps", [1, 2, 4, 8, 20, 50])
def test_karras_is_equation_5(steps: int) -> None:
    low, high, rho = 0.03, 14.6, 7
    last = max(steps - 1, 1)
    expected = [(high ** (1 / rho) + i / last * (low ** (1 / rho) - high ** (1 / rho))) ** rho for i in range(steps)]
    assert karras(steps, low, high) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("steps", [4, 8, 20, 50])
@pytest.mark.parametrize("name", ["euler", "dpmpp_2m"])
def test_schedules_are_the_reference_schedulers(name: str, steps: int) -> None:
    kind = {"euler": EulerDiscreteScheduler, "dpmpp_2m": DPMSolverMultistepScheduler}[name]
    plain, _ = oracle(kind, steps, timestep_spacing="linspace")
    wound, _ = oracle(kind, steps, timestep_spacing="linspace", use_karras_sigmas=True)
    # diffusers interpolates sigma where we interpolate log sigma, and keeps float32: 1e-4 apart at most
    assert sigmas("normal", steps, SAMPLERS[name], LEVELS, ends_clean=True) == pytest.approx(plain, rel=1e-4)
    assert sigmas("karras", steps, SAMPLERS[name], LEVELS, ends_clean=True) == pytest.approx(wound, rel=1e-4)


@pytest.mark.parametrize("steps", [1, 3, 8, 20, 50, 999, 1000])
def test_ddim_takes_whole_strides_from_1(steps: int) -> None:
    scheduler = DDIMScheduler(**SCHEDULER, steps_offset=1)
    scheduler.set_timesteps(steps)
    expected = [min(int(t), 999) for t in scheduler.timesteps]  # 1000 steps end beyond diffusers' own table
    levels = sigmas("normal", steps, SAMPLERS["ddim"], LEVELS, ends_clean=True)
    assert [round(LEVELS.t(sigma), 6) for sigma in levels[:-1]] == expected
    assert levels[-1] == 0


def test_ddim_ends_where_the_model_says() -> None:
    assert sigmas("normal", 5, SAMPLERS["ddim"], LEVELS, ends_clean=False)[-1] == pytest.approx(LEVELS.sigma(0))
    assert sigmas("karras", 5, SAMPLERS["ddim"], LEVELS, ends_clean=False)[-1] == 0
    assert sigmas("normal", 5, SAMPLERS["euler"], LEVELS, ends_clean=False)[-1] == 0


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("schedule", ["normal", "karras"])
def test_sigmas_fall_at_every_number_of_steps(name: str, schedule: str) -> None:
    for steps in [*range(1, 60), 250, 499, 500, 501, 666, 997, 998, 999, 1000]:
        levels = sigmas(schedule, steps, SAMPLERS[name], LEVELS, ends_clean=True)
        assert len(levels) == steps + 1
        falls = [a > b for a, b in pairwise(levels)]
        # DDIM's 1000th stride starts where its 999th does: at timestep 999, the last trained
        assert all(falls[1:] if (name, schedule, steps) == ("ddim", "normal", 1000) else falls)
        assert all(math.isfinite(sigma) for sigma in levels)


@pytest.mark.parametrize(("strength", "left"), [(0, 0), (0.09, 0), (0.1, 1), (0.55, 5), (0.75, 7), (1, 10)])
def test_strength_cuts_as_diffusers_does(strength: float, left: int) -> None:
    levels = [float(s) for s in np.linspace(10, 0, 11)]
    assert cut(levels, strength) == levels[10 - left :]


def test_start_is_unit_variance_where_the_sampler_wants_it() -> None:
    assert start_scale(SAMPLERS["euler"], 10) == 10
    assert start_scale(SAMPLERS["ddim"], 10) / math.sqrt(1 + 10**2) == pytest.approx(1)
