"""Ancestral samplers: a step of an ODE solver to sigma_down, then fresh noise back up to sigma_next (k-diffusion)."""

from __future__ import annotations

import math
from itertools import pairwise

from torch import Tensor

from worker.engine.samplers.base import Draw, Steps, ancestral
from worker.engine.samplers.karras import midpoint_step


def euler_a(x: Tensor, sigmas: list[float], draw: Draw, *, eta: float = 1.0, s_noise: float = 1.0) -> Steps:
    """Euler's method (Karras et al. 2022, algorithm 2 without churn) as the solver."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        sigma_down, sigma_up = ancestral(sigma, sigma_next, eta)
        d = (x - denoised) / sigma
        x = x + d * (sigma_down - sigma)
        if sigma_up > 0:
            x = x + draw() * (sigma_up * s_noise)
    return x


def dpm2_a(x: Tensor, sigmas: list[float], draw: Draw, *, eta: float = 1.0, s_noise: float = 1.0) -> Steps:
    """DPM-Solver-2 (Lu et al. 2022a, algorithm 1) as the solver."""
    for sigma, sigma_next in pairwise(sigmas):
        sigma_down, sigma_up = ancestral(sigma, sigma_next, eta)
        x = yield from midpoint_step(x, sigma, sigma_down)
        if sigma_up > 0:
            x = x + draw() * (sigma_up * s_noise)
    return x


def dpmpp_2s_a(x: Tensor, sigmas: list[float], draw: Draw, *, eta: float = 1.0, s_noise: float = 1.0) -> Steps:
    """DPM-Solver++(2S) (Lu et al. 2022b, algorithm 1, r = 1/2) as the solver; the step to 0 is of first order."""
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        sigma_down, sigma_up = ancestral(sigma, sigma_next, eta)
        if sigma_down > 0:
            sigma_mid = math.sqrt(sigma * sigma_down)
            x_mid = (sigma_mid / sigma) * x + (1 - sigma_mid / sigma) * denoised
            denoised = yield x_mid, sigma_mid
        x = (sigma_down / sigma) * x + (1 - sigma_down / sigma) * denoised
        if sigma_up > 0:
            x = x + draw() * (sigma_up * s_noise)
    return x
