"""Noise schedules: which noise levels a picture passes on its way, largest first."""

from __future__ import annotations

import math

import numpy as np

from worker.engine.denoiser import NoiseLevels
from worker.engine.samplers import Sampler, Spacing

SCHEDULES = ("normal", "karras")


def sigmas(schedule: str, steps: int, sampler: Sampler, levels: NoiseLevels, ends_clean: bool) -> list[float]:
    """`steps` falling sigmas and the one they end on: 0, or for DDIM the smallest trained where a model says so."""
    if schedule == "karras":
        return [*karras(steps, levels.sigma(0), levels.sigma(levels.last)), 0.0]
    end = levels.sigma(0) if sampler.spacing == "leading" and not ends_clean else 0.0
    return [*(levels.sigma(t) for t in normal(steps, levels.last, sampler.spacing)), end]


def normal(steps: int, last: int, spacing: Spacing) -> list[float]:
    """Even steps in t, laid as the sampler's reference implementation lays them (Lin et al. 2023, table 2).

    "linspace": both ends included (k-diffusion) · "leading": from 1 in whole strides (DDIM, latent diffusion's
    offset of 1) · "interior": both ends named, the lower one left to the final 0 (DPM-Solver).
    """
    if spacing == "leading":
        stride = (last + 1) // steps
        return [min(1.0 + stride * i, float(last)) for i in reversed(range(steps))]
    if spacing == "interior":
        grid = np.linspace(last, 0, steps + 1)[:-1]
        return [float(t) for t in (grid.round() if steps <= last else grid)]  # whole ones while there are enough
    return [float(t) for t in np.linspace(last, 0, steps)]


def karras(steps: int, smallest: float, largest: float, rho: float = 7.0) -> list[float]:
    """Karras et al. 2022, eq. 5: even steps in sigma^(1/rho)."""
    ramp = np.linspace(largest ** (1 / rho), smallest ** (1 / rho), steps) ** rho
    return [float(sigma) for sigma in ramp]


def cut(levels: list[float], strength: float) -> list[float]:
    """The last `strength` of a schedule: what is left to do when an input image is redrawn by that much, 0 to 1.

    int(steps * strength) steps, as diffusers counts them; 0 steps leaves the image as it is.
    """
    steps = len(levels) - 1
    return levels[steps - min(int(steps * strength), steps) :]


def start_scale(sampler: Sampler, sigma: float) -> float:
    """What unit noise is multiplied with to start a picture from nothing at this sigma (see `Sampler.variance`)."""
    return math.sqrt(sigma**2 + 1) if sampler.variance == "preserving" else sigma
