"""Solvers of the probability flow ODE, dx/dsigma = (x - denoised) / sigma (Karras et al. 2022, eq. 1, algorithm 2)."""

from __future__ import annotations

import math
from itertools import pairwise

from torch import Tensor

from worker.engine.samplers.base import Draw, Steps, churn, churn_rate


def euler(
    x: Tensor,
    sigmas: list[float],
    draw: Draw,
    *,
    s_churn: float = 0.0,
    s_tmin: float = 0.0,
    s_tmax: float = math.inf,
    s_noise: float = 1.0,
) -> Steps:
    """Euler's method: algorithm 2 without its lines 9 to 11."""
    for sigma, sigma_next in pairwise(sigmas):
        gamma = churn_rate(sigma, len(sigmas) - 1, s_churn, s_tmin, s_tmax)
        x, sigma_hat = churn(x, sigma, gamma, s_noise, draw)
        denoised = yield x, sigma_hat
        d = (x - denoised) / sigma_hat
        x = x + d * (sigma_next - sigma_hat)
    return x


def heun(
    x: Tensor,
    sigmas: list[float],
    draw: Draw,
    *,
    s_churn: float = 0.0,
    s_tmin: float = 0.0,
    s_tmax: float = math.inf,
    s_noise: float = 1.0,
) -> Steps:
    """Heun's method: algorithm 2. An Euler step, then the same step with the mean of both ends' slopes."""
    for sigma, sigma_next in pairwise(sigmas):
        gamma = churn_rate(sigma, len(sigmas) - 1, s_churn, s_tmin, s_tmax)
        x, sigma_hat = churn(x, sigma, gamma, s_noise, draw)
        x = yield from _heun_step(x, sigma_hat, sigma_next)
    return x


def dpm2(
    x: Tensor,
    sigmas: list[float],
    draw: Draw,
    *,
    s_churn: float = 0.0,
    s_tmin: float = 0.0,
    s_tmax: float = math.inf,
    s_noise: float = 1.0,
) -> Steps:
    """DPM-Solver-2 (Lu et al. 2022a, algorithm 1) in k-diffusion's form: the slope halfway in log sigma."""
    for sigma, sigma_next in pairwise(sigmas):
        gamma = churn_rate(sigma, len(sigmas) - 1, s_churn, s_tmin, s_tmax)
        x, sigma_hat = churn(x, sigma, gamma, s_noise, draw)
        x = yield from midpoint_step(x, sigma_hat, sigma_next)
    return x


def restart(x: Tensor, sigmas: list[float], draw: Draw, *, s_noise: float = 1.0) -> Steps:
    """Restart (Xu et al. 2023, algorithm 1): Heun's method; where the sigmas rise again, noise leads back up.

    The way with its restarts is laid out by `sigmas.restarts`.
    """
    for sigma, sigma_next in pairwise(sigmas):
        if sigma_next > sigma:
            x = x + draw() * (s_noise * math.sqrt(sigma_next**2 - sigma**2))
        else:
            x = yield from _heun_step(x, sigma, sigma_next)
    return x


def lms(x: Tensor, sigmas: list[float], _draw: Draw) -> Steps:
    """Linear multistep: Adams-Bashforth of order 4 for uneven steps, as k-diffusion has it; the first are lower."""
    slopes: list[Tensor] = []
    nodes: list[float] = []
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        slopes, nodes = [*slopes[-3:], (x - denoised) / sigma], [*nodes[-3:], sigma]
        for weight, d in zip(_lagrange_integrals(nodes, sigma, sigma_next), slopes, strict=True):
            x = x + weight * d
    return x


def midpoint_step(x: Tensor, sigma: float, sigma_next: float) -> Steps:
    """From sigma to sigma_next with the slope at their geometric mean; to 0, where there is none, an Euler step."""
    denoised = yield x, sigma
    d = (x - denoised) / sigma
    if sigma_next > 0:
        sigma_mid = math.sqrt(sigma * sigma_next)
        x_mid = x + d * (sigma_mid - sigma)
        denoised = yield x_mid, sigma_mid
        d = (x_mid - denoised) / sigma_mid
    return x + d * (sigma_next - sigma)


def _heun_step(x: Tensor, sigma: float, sigma_next: float) -> Steps:
    denoised = yield x, sigma
    d = (x - denoised) / sigma
    if sigma_next > 0:
        x_next = x + d * (sigma_next - sigma)
        denoised = yield x_next, sigma_next
        d = (d + (x_next - denoised) / sigma_next) / 2
    return x + d * (sigma_next - sigma)


def _lagrange_integrals(nodes: list[float], start: float, end: float) -> list[float]:
    """Over start to end, the integral of each Lagrange polynomial through `nodes`, at most four of them.

    Two-point Gauss quadrature, which is exact up to degree 3.
    """
    middle, half = (start + end) / 2, (end - start) / 2
    places = (middle - half / math.sqrt(3), middle + half / math.sqrt(3))
    return [
        half * sum(math.prod((place - other) / (node - other) for other in nodes if other != node) for place in places)
        for node in nodes
    ]
