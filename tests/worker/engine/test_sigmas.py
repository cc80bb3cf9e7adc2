"""Noise levels and schedules against diffusers' own tables and Karras' formula."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler, LCMScheduler
from diffusers.schedulers import AysSchedules
from scipy import stats

from contract.catalogue import SCHEDULE, ScheduleId
from contract.sampling import POLYEXPONENTIAL_RHO
from tests.worker.engine.tiny import SCHEDULER
from worker.engine.denoiser import NoiseLevels
from worker.engine.samplers import SAMPLERS
from worker.engine.sigmas import (
    CURVES,
    RESTART_FROM,
    RESTART_TO,
    SCHEDULES,
    count,
    cut,
    karras,
    normal,
    restarts,
    schedule_options,
    sigmas,
    start_scale,
)
from worker.models.loader import _alphas_cumprod

# diffusers' schedulers hand tensors to numpy in a way that numpy 2 has deprecated; nothing of ours does.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
LEVELS = NoiseLevels(_alphas_cumprod(SCHEDULER))
ZERO_TERMINAL = SCHEDULER | {"rescale_betas_zero_snr": True, "prediction_type": "v_prediction"}
LOW, HIGH = LEVELS.sigma(0), LEVELS.sigma(LEVELS.last)


def of(schedule: str, steps: int, **options: float) -> list[float]:
    return sigmas(schedule, steps, SAMPLERS["euler"], LEVELS, ends_clean=True, options=options)


def times(levels: list[float]) -> list[float]:
    return [LEVELS.t(sigma) for sigma in levels[:-1]]


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
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_sigmas_fall_at_every_number_of_steps(name: str, schedule: str) -> None:
    # Strides of leading timesteps from 1: the 1000th starts where the 999th does, at the last trained.
    meets = schedule == "normal" and SAMPLERS[name].spacing == "leading"
    for steps in [*range(1, 60), 250, 499, 500, 501, 666, 997, 998, 999, 1000]:
        levels = sigmas(schedule, steps, SAMPLERS[name], LEVELS, ends_clean=True)
        assert len(levels) == steps + 1
        falls = [a > b for a, b in pairwise(levels)]
        assert all(falls[1:] if meets and steps == 1000 else falls)
        assert all(math.isfinite(sigma) for sigma in levels)
        assert count(levels) == steps


STEPS = pytest.mark.parametrize("steps", [1, 2, 5, 10, 20, 50])


@STEPS
def test_exponential_is_even_in_log_sigma(steps: int) -> None:
    expected = np.exp(np.linspace(math.log(HIGH), math.log(LOW), steps))
    assert of("exponential", steps) == pytest.approx([*expected, 0], rel=1e-12)


@STEPS
@pytest.mark.parametrize("rho", [0.5, 1.0, 2.0])
def test_polyexponential_is_k_diffusions(steps: int, rho: float) -> None:
    ramp = np.linspace(1, 0, steps) ** rho
    expected = np.exp(ramp * (math.log(HIGH) - math.log(LOW)) + math.log(LOW))
    assert of("polyexponential", steps, rho=rho) == pytest.approx([*expected, 0], rel=1e-12)


@STEPS
def test_kl_optimal_is_even_in_arctan_sigma(steps: int) -> None:
    last = max(steps - 1, 1)
    expected = [math.tan(i / last * math.atan(LOW) + (1 - i / last) * math.atan(HIGH)) for i in range(steps)]
    assert of("kl_optimal", steps) == pytest.approx([*expected, 0], rel=1e-9)


@STEPS
def test_beta_is_spread_as_scipy_says(steps: int) -> None:
    expected = stats.beta.ppf(1 - np.linspace(0, 1, steps, endpoint=False), 0.6, 0.6) * 999
    assert times(of("beta", steps)) == pytest.approx(expected, rel=1e-6)


def test_schedules_over_time() -> None:
    assert times(of("sgm_uniform", 4)) == pytest.approx([999, 749.25, 499.5, 249.75])
    assert times(of("simple", 4)) == pytest.approx([999, 749, 499, 249])
    assert times(of("simple", 3)) == pytest.approx([999, 666, 333])
    assert times(of("ddim", 4)) == pytest.approx([751, 501, 251, 1])
    assert times(of("ddim", 1000)) == pytest.approx(range(999, -1, -1), abs=1e-9)


def test_align_your_steps_is_the_published_table() -> None:
    published = AysSchedules["StableDiffusionSigmas"]
    assert of("align_your_steps", 10) == pytest.approx(published, rel=1e-12)
    twice = of("align_your_steps", 20)
    assert twice[:-1:2] == pytest.approx(published[:-1], rel=1e-12)
    assert twice[1] == pytest.approx(math.sqrt(published[0] * published[1]))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_catalogue_tells_what_a_schedule_takes(schedule: str) -> None:
    told = {option.name for option in SCHEDULE[ScheduleId(schedule)].options}
    assert schedule_options(schedule) == told
    assert (told >= {"sigma_min", "sigma_max"}) == (schedule in CURVES)


@pytest.mark.parametrize("schedule", CURVES)
def test_bounds_are_kept(schedule: str) -> None:
    levels = of(schedule, 8, sigma_min=0.1, sigma_max=5.0)
    assert levels[0] == pytest.approx(5)
    assert levels[-2:] == [pytest.approx(0.1), 0]


@pytest.mark.parametrize("schedule", ["karras", "polyexponential"])
def test_rho_bends(schedule: str) -> None:
    default = SCHEDULE[ScheduleId(schedule)].options[-1].default
    assert default is not None
    assert of(schedule, 8, rho=default) == of(schedule, 8)
    assert of(schedule, 8, rho=default + 1)[3] < of(schedule, 8)[3]


@pytest.mark.parametrize(
    ("schedule", "rho"),
    [("karras", 0.1), ("karras", 100.0), ("polyexponential", 0.1), ("polyexponential", POLYEXPONENTIAL_RHO)],
)
def test_sigmas_fall_with_any_bend_a_request_may_have(schedule: str, rho: float) -> None:
    for steps in (2, 20, 1000):
        levels = of(schedule, steps, rho=rho, sigma_min=1e-4, sigma_max=5000.0)
        assert all(a > b for a, b in pairwise(levels))


@pytest.mark.parametrize("steps", [1, 4, 8, 20, 50])
def test_lcm_takes_its_timesteps_among_those_it_was_distilled_at(steps: int) -> None:
    scheduler = LCMScheduler(**SCHEDULER)
    scheduler.set_timesteps(steps)
    assert normal(steps, 999, "distilled") == [float(t) for t in scheduler.timesteps]


def test_lcm_takes_more_than_50_steps_too() -> None:
    assert normal(1000, 999, "distilled") == list(range(999, -1, -1))
    assert normal(100, 999, "distilled") == list(range(999, 0, -10))


def test_zero_terminal_snr() -> None:
    """Down from pure noise: the last timestep is always among the steps, also for DDIM (Lin et al. 2023, 3.3)."""
    levels = NoiseLevels(_alphas_cumprod(ZERO_TERMINAL))
    assert levels.zero_terminal
    assert not LEVELS.zero_terminal
    assert levels.sigma(999) == pytest.approx(4096, rel=1e-6)
    assert levels.sigma(0) == pytest.approx(LOW)
    scheduler = EulerDiscreteScheduler(**ZERO_TERMINAL)
    wanted = scheduler.sigmas[:-1].flip(0).tolist()  # diffusers' own table, all 1000 of it
    assert [levels.sigma(t) for t in range(1000)] == pytest.approx(wanted, rel=1e-3)  # float32 over there
    trailing = DDIMScheduler(**ZERO_TERMINAL, timestep_spacing="trailing")
    for steps in (1, 5, 20, 50):
        trailing.set_timesteps(steps)
        found = sigmas("normal", steps, SAMPLERS["ddim"], levels, ends_clean=True)
        assert [round(levels.t(sigma)) for sigma in found[:-1]] == trailing.timesteps.tolist()
    for name in SAMPLERS:
        assert sigmas("normal", 20, SAMPLERS[name], levels, ends_clean=True)[0] == pytest.approx(4096, rel=1e-6)


@pytest.mark.parametrize(("strength", "left"), [(0, 0), (0.09, 1), (0.1, 1), (0.55, 5), (0.75, 7), (1, 10)])
def test_strength_cuts_as_diffusers_does_and_leaves_one_step(strength: float, left: int) -> None:
    levels = [float(s) for s in np.linspace(10, 0, 11)]
    assert cut(levels, strength) == levels[10 - left :]


def test_start_is_unit_variance_where_the_sampler_wants_it() -> None:
    assert start_scale(SAMPLERS["euler"], 10) == 10
    assert start_scale(SAMPLERS["ddim"], 10) / math.sqrt(1 + 10**2) == pytest.approx(1)


def full(steps: int) -> list[float]:
    return [*karras(steps, 0.03, 14.6), 0.0]


@pytest.mark.parametrize(("steps", "rounds"), [(1, 0), (11, 0), (12, 1), (20, 1), (35, 1), (36, 2), (50, 2), (1000, 2)])
def test_restarts_cost_no_step_more(steps: int, rounds: int) -> None:
    way = restarts(full(steps), full)
    rises = [(a, b) for a, b in pairwise(way) if b > a]
    assert len(rises) == rounds
    assert count(way) == steps
    assert [b for _, b in rises] == pytest.approx([RESTART_TO] * rounds)
    main = full(steps - rounds * (steps // 4))
    assert {a for a, _ in rises} <= {min(main, key=lambda sigma: abs(sigma - RESTART_FROM))}
    assert (way[0], way[-1]) == (main[0], 0)


def test_no_restart_above_where_the_way_begins() -> None:
    """A picture that is changed a little is not made to forget more than that."""
    way = cut(full(50), 0.4)
    assert way[0] < RESTART_TO
    assert restarts(way, full) == way
