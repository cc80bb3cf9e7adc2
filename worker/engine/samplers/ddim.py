"""Samplers in the papers' variable z = sqrt(a) x0 + sqrt(1 - a) noise, with a = 1 / (1 + sigma^2): x = z / sqrt(a)."""

from __future__ import annotations

import math
from itertools import pairwise

from torch import Tensor

from worker.engine.samplers.base import Draw, Steps


def ddpm(x: Tensor, sigmas: list[float], draw: Draw) -> Steps:
    """DDPM (Ho et al. 2020), algorithm 2 with the posterior of eq. 6 and 7, over any subset of the timesteps."""
    alphas = [1 / (1 + sigma**2) for sigma in sigmas]
    z = x * math.sqrt(alphas[0])
    for (a, a_next), sigma in zip(pairwise(alphas), sigmas, strict=False):
        x0 = yield z / math.sqrt(a), sigma
        beta = 1 - a / a_next
        z = (math.sqrt(a_next) * beta * x0 + math.sqrt(a / a_next) * (1 - a_next) * z) / (1 - a)
        if a_next < 1:
            z = z + draw() * math.sqrt(beta * (1 - a_next) / (1 - a))
    return z


def ddim(x: Tensor, sigmas: list[float], draw: Draw, *, eta: float = 0.0) -> Steps:
    """DDIM (Song et al. 2021), eq. 12 and 16: eta 0 adds no noise, eta 1 is DDPM."""
    alphas = [1 / (1 + sigma**2) for sigma in sigmas]  # a: the papers' cumulated alpha
    z = x * math.sqrt(alphas[0])
    for (a, a_next), sigma in zip(pairwise(alphas), sigmas, strict=False):
        x0 = yield z / math.sqrt(a), sigma
        eps = (z - math.sqrt(a) * x0) / math.sqrt(1 - a)
        variance = eta**2 * (1 - a_next) / (1 - a) * (1 - a / a_next)
        z = math.sqrt(a_next) * x0 + math.sqrt(1 - a_next - variance) * eps
        if variance > 0:
            z = z + draw() * math.sqrt(variance)
    return z


def plms(x: Tensor, sigmas: list[float], _draw: Draw) -> Steps:
    """PLMS: pseudo linear multistep (Liu et al. 2022, eq. 9, 12 and 13), in the order latent diffusion starts it.

    The noise is extrapolated as if steps were even, then DDIM's step is taken with it. The first step looks twice.
    """
    past: list[Tensor] = []  # eps of the steps before, newest first
    for i, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        denoised = yield x, sigma
        past = [(x - denoised) / sigma, *past[:3]]
        eps = _adams_bashforth(past)
        if i == 0 and sigma_next > 0:
            x_next = x + eps * (sigma_next - sigma)
            denoised = yield x_next, sigma_next
            eps = (eps + (x_next - denoised) / sigma_next) / 2
        x = x + eps * (sigma_next - sigma)
    return x / math.sqrt(1 + sigmas[-1] ** 2)


def lcm(x: Tensor, sigmas: list[float], draw: Draw) -> Steps:
    """Multistep consistency sampling (Song et al. 2023, algorithm 1; Luo et al. 2023, algorithm 3).

    For distilled models, whose answer is the end of the path, not the mean of all ends.
    """
    for sigma, sigma_next in pairwise(sigmas):
        x = yield x, sigma
        if sigma_next > 0:
            x = x + draw() * sigma_next
    return x


_ADAMS_BASHFORTH = ((1.0,), (3 / 2, -1 / 2), (23 / 12, -16 / 12, 5 / 12), (55 / 24, -59 / 24, 37 / 24, -9 / 24))


def _adams_bashforth(past: list[Tensor]) -> Tensor:
    """What comes next, by the newest four at most."""
    first, *others = (weight * eps for weight, eps in zip(_ADAMS_BASHFORTH[len(past) - 1], past, strict=True))
    for other in others:
        first = first + other
    return first
