"""Samplers against the published formulas, written out as plain loops, on a denoiser known in closed form."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from worker.engine.samplers import SAMPLERS, Steps
from worker.engine.sigmas import karras

Model = Callable[[Tensor, float], Tensor]
MEAN, SPREAD = 0.3, 0.8
SIGMAS = {
    "karras": lambda steps: [*karras(steps, 0.03, 14.6), 0.0],
    "even": lambda steps: [float(s) for s in np.linspace(14.6, 0, steps + 1)],
}


def gaussian(x: Tensor, sigma: float) -> Tensor:
    """The exact denoiser of data ~ N(MEAN, SPREAD^2): its posterior mean."""
    return (SPREAD**2 * x + sigma**2 * MEAN) / (SPREAD**2 + sigma**2)


def drive(steps: Steps, model: Model = gaussian) -> tuple[Tensor, int]:
    """Answer a sampler until it returns: the result, and how often it asked."""
    asked = 0
    try:
        x, sigma = next(steps)
        while True:
            asked += 1
            x, sigma = steps.send(model(x, sigma))
    except StopIteration as end:
        return end.value, asked


def k_euler(model: Model, x: Tensor, sigmas: Tensor, noise: list[Tensor]) -> Tensor:
    for i in range(len(sigmas) - 1):
        d = (x - model(x, float(sigmas[i]))) / sigmas[i]
        x = x + d * (sigmas[i + 1] - sigmas[i])
    return x


def k_euler_ancestral(model: Model, x: Tensor, sigmas: Tensor, noise: list[Tensor]) -> Tensor:
    for i in range(len(sigmas) - 1):
        denoised = model(x, float(sigmas[i]))
        variance = sigmas[i + 1] ** 2 * (sigmas[i] ** 2 - sigmas[i + 1] ** 2) / sigmas[i] ** 2
        up = min(sigmas[i + 1], variance**0.5)
        down = (sigmas[i + 1] ** 2 - up**2) ** 0.5
        x = x + (x - denoised) / sigmas[i] * (down - sigmas[i])
        if sigmas[i + 1] > 0:
            x = x + noise[i] * up
    return x


def k_dpmpp_2m(model: Model, x: Tensor, sigmas: Tensor, noise: list[Tensor]) -> Tensor:
    old = None
    for i in range(len(sigmas) - 1):
        denoised = model(x, float(sigmas[i]))
        t, t_next = -sigmas[i].log(), -sigmas[i + 1].log()
        h = t_next - t
        if old is None or sigmas[i + 1] == 0:
            x = ((-t_next).exp() / (-t).exp()) * x - (-h).expm1() * denoised
        else:
            r = (t + sigmas[i - 1].log()) / h
            d = (1 + 1 / (2 * r)) * denoised - (1 / (2 * r)) * old
            x = ((-t_next).exp() / (-t).exp()) * x - (-h).expm1() * d
        old = denoised
    return x


def paper_ddim(model: Model, x: Tensor, sigmas: Tensor, noise: list[Tensor]) -> Tensor:
    """Song et al. 2021, eq. 12 as printed, with the noise prediction eps."""
    alpha = 1 / (1 + sigmas**2)
    z = alpha[0].sqrt() * x
    for i in range(len(sigmas) - 1):
        eps = (z / alpha[i].sqrt() - model(z / alpha[i].sqrt(), float(sigmas[i]))) / sigmas[i]
        predicted = (z - (1 - alpha[i]).sqrt() * eps) / alpha[i].sqrt()
        z = alpha[i + 1].sqrt() * predicted + (1 - alpha[i + 1]).sqrt() * eps
    return z


FORMULAS = {"euler": k_euler, "euler_a": k_euler_ancestral, "ddim": paper_ddim, "dpmpp_2m": k_dpmpp_2m}


def test_every_sampler_has_its_formula_here() -> None:
    assert FORMULAS.keys() == SAMPLERS.keys()


@pytest.mark.parametrize("steps", [5, 20, 50])
@pytest.mark.parametrize("noise", SIGMAS)
@pytest.mark.parametrize("name", FORMULAS)
def test_a_sampler_is_its_formula(name: str, noise: str, steps: int) -> None:
    torch.manual_seed(steps)
    sigmas = SIGMAS[noise](steps)
    x = torch.randn(4, 6, 6, dtype=torch.float64) * sigmas[0]
    fresh = [torch.randn_like(x) for _ in range(steps)]
    queue = iter(fresh)
    got, asked = drive(SAMPLERS[name].steps(x, sigmas, lambda: next(queue)))
    expected = FORMULAS[name](gaussian, x, torch.tensor(sigmas, dtype=torch.float64), fresh)
    assert asked == steps
    assert got.dtype == torch.float64
    assert (got - expected).abs().max() < 1e-5


@pytest.mark.parametrize(("name", "order"), [("euler", 1), ("ddim", 1), ("dpmpp_2m", 2)])
def test_error_falls_with_the_order(name: str, order: int) -> None:
    """Halving the step divides the error against the exact ODE solution by 2^order, from sigma 8 to 0.5."""
    x = torch.full((1, 1, 1), 5.0, dtype=torch.float64)
    exact = MEAN + (x - MEAN) * ((SPREAD**2 + 0.25) / (SPREAD**2 + 64)) ** 0.5
    errors = []
    for steps in (40, 80):
        sigmas = [float(s) for s in np.geomspace(8, 0.5, steps + 1)]
        got, _ = drive(SAMPLERS[name].steps(x, sigmas, lambda: x))
        scale = (1 + sigmas[-1] ** 2) ** 0.5 if name == "ddim" else 1  # ddim returns the paper's scaled variable
        errors.append(float((got * scale - exact).abs()))
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.15)


@pytest.mark.parametrize("name", SAMPLERS)
def test_no_steps_leave_the_latent_alone(name: str) -> None:
    x = torch.randn(4, 2, 2)
    got, asked = drive(SAMPLERS[name].steps(x, [0.0], lambda: x))
    assert asked == 0
    assert torch.equal(got, x)


@pytest.mark.parametrize("name", SAMPLERS)
def test_closing_ends_a_sampler(name: str) -> None:
    steps = SAMPLERS[name].steps(torch.zeros(4, 2, 2), [2.0, 1.0, 0.0], lambda: torch.zeros(4, 2, 2))
    next(steps)
    steps.close()
    with pytest.raises(StopIteration):
        next(steps)
