"""Samplers as generators: each yields (x, sigma) and is answered with the denoised latent.

x: (C, h, w) float32 = x0 + sigma * noise; sigmas: python floats, falling, so nothing here waits for the device.
A sampler that needs two evaluations yields twice; what a multistep one remembers is a local variable.
`draw()` gives fresh unit noise of x's shape. The return value is the finished latent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from torch import Tensor

Draw = Callable[[], Tensor]
Steps = Generator[tuple[Tensor, float], Tensor, Tensor]
Spacing = Literal["linspace", "leading", "interior"]


def euler(x: Tensor, sigmas: list[float], _draw: Draw) -> Steps:
    """Euler's method on the probability flow ODE (Karras et al. 2022, algorithm 2 without churn)."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        d = (x - denoised) / sigma
        x = x + d * (sigma_next - sigma)
    return x


def euler_a(x: Tensor, sigmas: list[float], draw: Draw) -> Steps:
    """Ancestral sampling: an Euler step to sigma_down, then fresh noise back up to sigma_next (k-diffusion, eta 1)."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        sigma_up = sigma_next * math.sqrt(1 - (sigma_next / sigma) ** 2)
        sigma_down = sigma_next**2 / sigma
        d = (x - denoised) / sigma
        x = x + d * (sigma_down - sigma)
        if sigma_next > 0:
            x = x + draw() * sigma_up
    return x


def ddim(x: Tensor, sigmas: list[float], _draw: Draw) -> Steps:
    """DDIM (Song et al. 2021), eq. 12 with eta 0, in the paper's own variable: z = sqrt(a) x0 + sqrt(1 - a) noise."""
    alphas = [1 / (1 + sigma**2) for sigma in sigmas]  # a: the papers' cumulated alpha
    z = x * math.sqrt(alphas[0])
    for (a, a_next), sigma in zip(pairwise(alphas), sigmas, strict=False):
        x0 = yield z / math.sqrt(a), sigma
        eps = (z - math.sqrt(a) * x0) / math.sqrt(1 - a)
        z = math.sqrt(a_next) * x0 + math.sqrt(1 - a_next) * eps
    return z


def dpmpp_2m(x: Tensor, sigmas: list[float], _draw: Draw) -> Steps:
    """DPM-Solver++(2M) (Lu et al. 2022, algorithm 2) in k-diffusion's form; lambda = -log sigma.

    The first step and the one to sigma 0 are of first order.
    """
    h_last, previous = 0.0, x
    for i, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        denoised = yield x, sigma
        target = denoised
        if sigma_next > 0:
            h = math.log(sigma / sigma_next)
            if i > 0:
                target = denoised + (denoised - previous) * (h / (2 * h_last))
            h_last = h
        x = (sigma_next / sigma) * x + (1 - sigma_next / sigma) * target
        previous = denoised
    return x


@dataclass(frozen=True, slots=True)
class Sampler:
    """A sampler and the conventions of its reference implementation, without which its pictures are not the known ones.

    spacing: how the "normal" schedule lays its timesteps (see `sigmas.normal`).
    variance: "exploding" starts from sigma * noise and gives the U-Net timesteps between the trained ones
    (k-diffusion); "preserving" starts from noise of unit variance before scaling, sqrt(sigma^2 + 1) * noise here,
    and rounds to trained timesteps (DDIM, DPM-Solver).
    """

    steps: Callable[[Tensor, list[float], Draw], Steps]
    spacing: Spacing
    variance: Literal["exploding", "preserving"]


SAMPLERS = {
    "euler": Sampler(euler, "linspace", "exploding"),
    "euler_a": Sampler(euler_a, "linspace", "exploding"),
    "ddim": Sampler(ddim, "leading", "preserving"),
    "dpmpp_2m": Sampler(dpmpp_2m, "interior", "preserving"),
}
