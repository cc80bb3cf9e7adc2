"""Exponential integrators: between two steps only the denoised latent is approximated, the rest is solved exactly.

lambda = -log sigma, h = the step in lambda. Where they add noise, every interval has fresh noise of its own: the
increments of Brownian motion are independent, and steps that are fixed beforehand never ask for the same twice.
"""

from __future__ import annotations

import math
from itertools import pairwise

from torch import Tensor

from worker.engine.samplers.base import Draw, Steps, ancestral


def dpmpp_2m(x: Tensor, sigmas: list[float], _draw: Draw) -> Steps:
    """DPM-Solver++(2M) (Lu et al. 2022b, algorithm 2) in k-diffusion's form.

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


def dpmpp_sde(x: Tensor, sigmas: list[float], draw: Draw, *, eta: float = 1.0, s_noise: float = 1.0) -> Steps:
    """DPM-Solver++ for the diffusion SDE, single step (Lu et al. 2022b, section 5) in k-diffusion's form, r = 1/2.

    The noise of the whole step is that of its two halves put together: one Brownian path, as a function of sigma.
    """
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        if sigma_next == 0:
            x = denoised
            continue
        sigma_mid = math.sqrt(sigma * sigma_next)
        first, second = draw(), draw()
        down, up = ancestral(sigma, sigma_mid, eta)
        x_mid = (down / sigma) * x + (1 - down / sigma) * denoised + first * (up * s_noise)
        denoised = yield x_mid, sigma_mid
        down, up = ancestral(sigma, sigma_next, eta)
        share = (sigma - sigma_mid) / (sigma - sigma_next)
        noise = first * math.sqrt(share) + second * math.sqrt(1 - share)
        x = (down / sigma) * x + (1 - down / sigma) * denoised + noise * (up * s_noise)
    return x


def dpmpp_2m_sde(x: Tensor, sigmas: list[float], draw: Draw, *, eta: float = 1.0, s_noise: float = 1.0) -> Steps:
    """SDE-DPM-Solver++(2M) (Lu et al. 2022b, section 5) in k-diffusion's form, solver type "midpoint"."""
    h_last, previous = 0.0, x
    for i, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        denoised = yield x, sigma
        if sigma_next == 0:
            x = denoised
            continue
        h = math.log(sigma / sigma_next)
        fade, gain = math.exp(-h * (1 + eta)), -math.expm1(-h * (1 + eta))
        target = denoised if i == 0 else denoised + (denoised - previous) * (h / (2 * h_last))
        x = fade * x + gain * target
        if eta > 0:
            x = x + draw() * (s_noise * sigma_next * math.sqrt(-math.expm1(-2 * eta * h)))
        h_last, previous = h, denoised
    return x


def dpmpp_3m_sde(x: Tensor, sigmas: list[float], draw: Draw, *, eta: float = 1.0, s_noise: float = 1.0) -> Steps:
    """The same with two steps remembered: k-diffusion's "DPM-Solver++(3M) SDE".

    There the second derivative is taken as half of what it is, so the order is 2; the known pictures come of that.
    """
    past: list[tuple[float, Tensor]] = []  # (h, denoised) of the steps before, newest first
    for sigma, sigma_next in pairwise(sigmas):
        denoised = yield x, sigma
        if sigma_next == 0:
            x = denoised
            continue
        h = math.log(sigma / sigma_next)
        h_eta = h * (1 + eta)
        x = math.exp(-h_eta) * x - math.expm1(-h_eta) * denoised
        phi_2 = math.expm1(-h_eta) / h_eta + 1
        if past:
            h_1, denoised_1 = past[0]
            slope = (denoised - denoised_1) * (h / h_1)
            if len(past) == 2:
                h_2, denoised_2 = past[1]
                bend = (slope - (denoised_1 - denoised_2) * (h / h_2)) * (h / (h_1 + h_2))
                slope = slope + bend * (h_1 / h)
                x = x - (phi_2 / h_eta - 0.5) * bend
            x = x + phi_2 * slope
        if eta > 0:
            x = x + draw() * (s_noise * sigma_next * math.sqrt(-math.expm1(-2 * eta * h)))
        past = [(h, denoised), *past[:1]]
    return x


def unipc(x: Tensor, sigmas: list[float], _draw: Draw) -> Steps:
    """UniPC-2 (Zhao et al. 2023, algorithms 1 and 2) for data prediction, B(h) = e^h - 1, as diffusers sets it up.

    UniP-2 predicts, the model looks, UniC-2 corrects what it looked at with what it saw: one evaluation a step.
    """
    start, h, r = x, 0.0, 0.0  # of the step before: where it began, its h, h of the one before it over its h
    past: list[Tensor] = []  # denoised, newest first
    for i, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        denoised = yield x, sigma
        if i > 0:
            gain = -math.expm1(-h)
            late, early = _unic_weights(h, r) if i > 1 else (0.5, 0.0)
            x = start + (past[0] - start) * gain + (denoised - past[0]) * (gain * late)
            if i > 1:
                x = x + (past[0] - past[1]) * (gain * early)
        start, past = x, [denoised, *past[:1]]
        target = denoised
        if sigma_next > 0:
            h_last, h = h, math.log(sigma / sigma_next)
            if i > 0:
                r = h_last / h
                target = denoised + (denoised - past[1]) / (2 * r)
        x = (sigma_next / sigma) * x + (1 - sigma_next / sigma) * target
    return x


def _unic_weights(h: float, r: float) -> tuple[float, float]:
    """Weights of the newest difference and of the one before it: UniC's 2 x 2 system (eq. 10), solved."""
    phi_1 = -math.expm1(-h)
    phi_2 = 1 - phi_1 / h
    phi_3 = 1 - 2 * phi_2 / h
    inner = (phi_2 - phi_3) / (1 + r) / phi_1
    return phi_2 / phi_1 - inner, inner / r
