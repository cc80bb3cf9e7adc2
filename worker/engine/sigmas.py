"""Noise schedules: which noise levels a picture passes on its way, largest first."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from worker.engine.denoiser import NoiseLevels
from worker.engine.samplers import Sampler, Spacing

Floats = NDArray[np.float64]

RESTART_FROM, RESTART_TO = 0.1, 2.0  # sigma; Restart goes back up from about the one to the other


def sigmas(
    schedule: str,
    steps: int,
    sampler: Sampler,
    levels: NoiseLevels,
    ends_clean: bool,
    options: Mapping[str, float] | None = None,
) -> list[float]:
    """`steps` falling sigmas and the one they end on: 0, or for DDIM the smallest trained where a model says so.

    options: sigma_min, sigma_max and rho, of those that the schedule has (`schedule_options`).
    """
    if schedule == "align_your_steps":
        return align_your_steps(steps)
    if schedule in CURVES:
        bounds = {"sigma_min": levels.sigma(0), "sigma_max": levels.sigma(levels.last)}
        return [*(float(sigma) for sigma in CURVES[schedule](steps, **bounds | dict(options or {}))), 0.0]
    if schedule in TIMES:
        return [*(levels.sigma(t) for t in TIMES[schedule](steps, levels.last)), 0.0]
    end = levels.sigma(0) if sampler.ends_trained and not ends_clean else 0.0
    late = sampler.spacing == "leading" and levels.zero_terminal
    return [*(levels.sigma(t) for t in normal(steps, levels.last, "trailing" if late else sampler.spacing)), end]


def normal(steps: int, last: int, spacing: Spacing) -> list[float]:
    """Even steps in t, laid as the sampler's reference implementation lays them (Lin et al. 2023, table 2).

    "linspace": both ends included (k-diffusion) · "leading": from 1 in whole strides (DDIM, latent diffusion's
    offset of 1) · "trailing": from the last down in strides, for models whose last timestep is pure noise ·
    "interior": both ends named, the lower one left to the final 0 (DPM-Solver) · "distilled": some of the 50 that
    latent consistency models are distilled at, or more where more are asked for (Luo et al. 2023, section 4.3).
    """
    if spacing == "leading":
        stride = (last + 1) // steps
        return [min(1.0 + stride * i, float(last)) for i in reversed(range(steps))]
    if spacing == "trailing":
        return [float(round((last + 1) * i / steps) - 1) for i in range(steps, 0, -1)]
    if spacing == "interior":
        grid = np.linspace(last, 0, steps + 1)[:-1]
        return [float(t) for t in (grid.round() if steps <= last else grid)]  # whole ones while there are enough
    if spacing == "distilled":
        taught = max(50, steps)
        return [float(round((last + 1) * (taught - i * taught // steps) / taught) - 1) for i in range(steps)]
    return [float(t) for t in np.linspace(last, 0, steps)]


def karras(steps: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> list[float]:
    """Karras et al. 2022, eq. 5: even steps in sigma^(1/rho)."""
    ramp = np.linspace(sigma_max ** (1 / rho), sigma_min ** (1 / rho), steps) ** rho
    return [float(sigma) for sigma in ramp]


def exponential(steps: int, sigma_min: float, sigma_max: float) -> Floats:
    """Even steps in log sigma (k-diffusion)."""
    return np.geomspace(sigma_max, sigma_min, steps)


def polyexponential(steps: int, sigma_min: float, sigma_max: float, rho: float = 1.0) -> Floats:
    """Even steps in log sigma, bent by the power rho: above 1 more of them at the end (k-diffusion)."""
    return sigma_min * (sigma_max / sigma_min) ** (np.linspace(1, 0, steps) ** rho)


def kl_optimal(steps: int, sigma_min: float, sigma_max: float) -> Floats:
    """Even steps in arctan sigma, best for a Gaussian by Kullback-Leibler (Sabour et al. 2024, theorem 3.1)."""
    return np.tan(np.linspace(np.arctan(sigma_max), np.arctan(sigma_min), steps))


CURVES: dict[str, Callable[..., Floats | list[float]]] = {
    "karras": karras,
    "exponential": exponential,
    "polyexponential": polyexponential,
    "kl_optimal": kl_optimal,
}


def sgm_uniform(steps: int, last: int) -> Floats:
    """Even steps in t from the last, as generative-models (Stability AI) has them: the lower end is the final 0."""
    return np.linspace(last, 0, steps + 1)[:-1]


def simple(steps: int, last: int) -> list[float]:
    """Every so many of the trained timesteps, from the last down."""
    return [float(last - i * (last + 1) // steps) for i in range(steps)]


def ddim(steps: int, last: int) -> list[float]:
    """DDIM's own timesteps for any sampler: from 1, or 0 where all are taken, in whole strides."""
    stride = (last + 1) // steps
    return [float(min(1, last - stride * (steps - 1)) + stride * i) for i in reversed(range(steps))]


def beta(steps: int, last: int) -> Floats:
    """Timesteps spread as a beta distribution with both parameters 0.6: dense at both ends (Lee et al. 2024)."""
    return last * _beta_quantile(1 - np.arange(steps) / steps)


TIMES: dict[str, Callable[[int, int], Floats | list[float]]] = {
    "sgm_uniform": sgm_uniform,
    "simple": simple,
    "ddim": ddim,
    "beta": beta,
}

SCHEDULES = ("normal", *CURVES, *TIMES, "align_your_steps")

# Sabour et al. 2024, Stable Diffusion 1.5 in ten steps.
_ALIGNED = (14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029)


def align_your_steps(steps: int) -> list[float]:
    """The ten steps that were optimised for Stable Diffusion 1.5; other numbers by interpolation in log sigma."""
    at = np.linspace(0, len(_ALIGNED) - 1, steps + 1)[:-1]
    return [*(float(sigma) for sigma in np.exp(np.interp(at, range(len(_ALIGNED)), np.log(_ALIGNED)))), 0.0]


def schedule_options(schedule: str) -> set[str]:
    """What a request may set of a schedule."""
    return {"sigma_min", "sigma_max", "rho"} & set(inspect.signature(CURVES.get(schedule, simple)).parameters)


def cut(levels: list[float], strength: float) -> list[float]:
    """The last `strength` of a schedule: what is left to do when an input image is redrawn by that much, 0 to 1.

    int(steps * strength) steps, as diffusers counts them, and at least one; strength 0 leaves the image as it is.
    """
    steps = len(levels) - 1
    left = min(max(int(steps * strength), int(strength > 0)), steps)
    return levels[steps - left :]


def restarts(way: list[float], again: Callable[[int], list[float]]) -> list[float]:
    """Put restarts into a way down, without a step more: one from 12 steps on, two from 36, a quarter of them each.

    Xu et al. 2023, algorithm 1: down to about RESTART_FROM, back up to RESTART_TO, down again over Karras' steps;
    how many steps is this project's choice. again: the same way in another number of steps.
    """
    steps = len(way) - 1
    rounds = 2 if steps >= 36 else 1 if steps >= 12 else 0
    if rounds == 0 or way[0] <= RESTART_TO:
        return way
    main = again(steps - rounds * (steps // 4))
    turn = min(range(len(main) - 1), key=lambda i: abs(main[i] - RESTART_FROM))
    if main[turn] >= RESTART_TO:  # steps too coarse to get below before the end
        return way
    loop = [*karras(steps // 4 + 1, main[turn], RESTART_TO)[:-1], main[turn]]
    return main[: turn + 1] + loop * rounds + main[turn + 1 :]


def count(way: list[float]) -> int:
    """Steps of a way; going back up is none."""
    return sum(sigma_next <= sigma for sigma, sigma_next in pairwise(way))


def start_scale(sampler: Sampler, sigma: float) -> float:
    """What unit noise is multiplied with to start a picture from nothing at this sigma (see `Sampler.variance`)."""
    return math.sqrt(sigma**2 + 1) if sampler.variance == "preserving" else sigma


def _beta_quantile(p: Floats, a: float = 0.6) -> Floats:
    """Inverse of the cumulative beta(a, a) distribution, 0 to 1, to about 1e-8.

    In u = x^a the density has no pole at 0; the upper half is the lower one mirrored.
    """
    u = np.linspace(0, 0.5**a, 10_001)
    density = (1 - u ** (1 / a)) ** (a - 1)
    area = np.concatenate([[0], np.cumsum(density[1:] + density[:-1])])
    x = np.interp(np.minimum(p, 1 - p), area / (2 * area[-1]), u) ** (1 / a)
    return np.where(p <= 0.5, x, 1 - x)
