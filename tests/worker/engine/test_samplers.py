"""Samplers against the published formulas, written out as plain loops (`formulas`), float64.

Each sampler's oracle by name. Where k-diffusion has a sampler, that is the one; DDIM's is its paper and Restart's too.
DDPM, PLMS, UniPC and LCM are held against diffusers in `test_samplers_diffusers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count, pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from contract.catalogue import SAMPLER, SamplerId
from tests.worker.engine import formulas
from tests.worker.engine.formulas import Model
from worker.engine.samplers import SAMPLERS, Steps
from worker.engine.sigmas import cut, karras, restarts

SIGMAS: dict[str, Callable[[int], list[float]]] = {
    "karras": lambda steps: [*karras(steps, 0.03, 14.6), 0.0],
    "even": lambda steps: [float(s) for s in np.linspace(14.6, 0, steps + 1)],
}
FORMULAS: dict[str, Callable[..., Tensor]] = {
    "ddim": formulas.ddim,
    "lms": formulas.lms,
    "euler": formulas.euler,
    "euler_a": formulas.euler_ancestral,
    "heun": formulas.heun,
    "dpm2": formulas.dpm_2,
    "dpm2_a": formulas.dpm_2_ancestral,
    "dpmpp_2s_a": formulas.dpmpp_2s_ancestral,
    "dpmpp_2m": formulas.dpmpp_2m,
    "dpmpp_sde": formulas.dpmpp_sde,
    "dpmpp_2m_sde": formulas.dpmpp_2m_sde,
    "dpmpp_3m_sde": formulas.dpmpp_3m_sde,
}
CHURN = {"s_churn": 4.0, "s_tmin": 0.05, "s_tmax": 10.0, "s_noise": 1.01}
OPTIONS: list[tuple[str, dict[str, float]]] = [
    *((name, {}) for name in FORMULAS),
    *((name, CHURN) for name in ("euler", "heun", "dpm2")),
    *(
        (name, {"eta": eta, "s_noise": 1.1})
        for name in ("euler_a", "dpm2_a", "dpmpp_2s_a", "dpmpp_sde", "dpmpp_2m_sde", "dpmpp_3m_sde")
        for eta in (0.0, 0.4)
    ),
    ("ddim", {"eta": 0.4}),
    ("ddim", {"eta": 1.0}),
]


def two_places(x: Tensor, sigma: float) -> Tensor:
    """The exact denoiser of data that is at -1 or at 0.7, each blurred by 0.1: curved, as pictures are."""
    wide = 0.1**2 + sigma**2
    likely = torch.softmax(torch.stack([-((x - m) ** 2) / (2 * wide) for m in (-1.0, 0.7)]), dim=0)
    means = torch.stack([(0.1**2 * x + sigma**2 * m) / wide for m in (-1.0, 0.7)])
    return (likely * means).sum(0)


def drive(steps: Steps, model: Model = two_places) -> tuple[Tensor, int]:
    """Answer a sampler until it returns: the result, and how often it asked."""
    asked = 0
    try:
        x, sigma = next(steps)
        while True:
            asked += 1
            x, sigma = steps.send(model(x, sigma))
    except StopIteration as end:
        return end.value, asked


def apart(a: Tensor, b: Tensor) -> float:
    return float((a - b).norm() / b.norm())


def begin(start: str, sigmas: list[float], strength: float = 0.6) -> tuple[Tensor, list[float]]:
    """The first latent and the way of a picture from nothing, or from another picture."""
    noise = torch.randn(4, 6, 6, dtype=torch.float64)
    if start == "nothing":
        return noise * sigmas[0], sigmas
    sigmas = cut(sigmas, strength)
    return torch.rand(4, 6, 6, dtype=torch.float64) + noise * sigmas[0], sigmas


STARTS = pytest.mark.parametrize("start", ["nothing", "picture"])
STEPS = pytest.mark.parametrize("steps", [5, 20, 50])


@STARTS
@STEPS
@pytest.mark.parametrize("noise", SIGMAS)
@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=str)
def test_a_sampler_is_its_formula(name: str, options: dict[str, float], noise: str, steps: int, start: str) -> None:
    torch.manual_seed(steps)
    x, sigmas = begin(start, SIGMAS[noise](steps))
    fresh = [torch.randn_like(x) for _ in range(2 * steps)]
    ours, theirs = iter(fresh), iter(fresh)
    got, _ = drive(SAMPLERS[name].steps(x, sigmas, lambda: next(ours), **options))
    of = formulas.brownian(sigmas, theirs) if name == "dpmpp_sde" else lambda *interval: next(theirs)
    expected = FORMULAS[name](two_places, x, torch.tensor(sigmas, dtype=torch.float64), of, **options)
    assert got.dtype == torch.float64
    assert apart(got, expected) < 1e-9


@STARTS
@pytest.mark.parametrize(("steps", "rounds", "length"), [(5, 0, 1), (20, 1, 5), (50, 2, 12)])
def test_restart_is_its_paper_s_algorithm(steps: int, rounds: int, length: int, start: str) -> None:
    torch.manual_seed(steps)
    highest = {"nothing": 14.6, "picture": 5.0}[start]

    def way(steps: int) -> list[float]:
        return [*karras(steps, 0.03, highest), 0.0]

    x = torch.randn(4, 6, 6, dtype=torch.float64) * highest
    fresh = [torch.randn_like(x) for _ in range(2)]
    ours, theirs = iter(fresh), iter(fresh)
    got, _ = drive(SAMPLERS["restart"].steps(x, restarts(way(steps), way), lambda: next(ours)))
    main = torch.tensor(way(steps - rounds * length), dtype=torch.float64)
    expected = formulas.restart(two_places, x, main, lambda *_: next(theirs), rounds, length, 0.1, 2.0)
    assert apart(got, expected) < 1e-9
    assert next(theirs, None) is next(ours, None)  # as many draws


def counted(name: str, sigmas: list[float], **options: Any) -> tuple[int, int]:
    """Evaluations and draws of a sampler on its way."""
    draws = count()

    def draw() -> Tensor:
        next(draws)
        return torch.zeros(1, 1, 1)

    _, asked = drive(SAMPLERS[name].steps(torch.ones(1, 1, 1), sigmas, draw, **options))
    return asked, next(draws)


def ways(sigmas: list[float]) -> Iterator[list[float]]:
    """The first step, the first two, ..."""
    return (sigmas[: n + 1] for n in range(1, len(sigmas)))


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_step_is_counted_when_it_is_whole(name: str) -> None:
    """The n-th step is done after as many answers as a way of n steps takes, and not one earlier."""
    sigmas = karras(12, 0.1, 14.6)
    for done, way in enumerate(ways(sigmas), start=1):
        asked, _ = counted(name, way)
        assert SAMPLERS[name].steps_done(asked) == done
        assert SAMPLERS[name].steps_done(asked - 1) == done - 1


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_catalogue_tells_the_truth(name: str) -> None:
    told = SAMPLER[SamplerId(name)]
    asked = [counted(name, way)[0] for way in ways(karras(6, 0.1, 14.6))]
    assert {b - a for a, b in pairwise(asked)} == {told.evaluations}
    way = restarts(SIGMAS["karras"](20), SIGMAS["karras"]) if name == "restart" else SIGMAS["karras"](20)
    assert (counted(name, way)[1] > 0) == told.adds_noise
    defaults = {option.name: float("inf") if option.default is None else option.default for option in told.options}
    assert defaults == SAMPLERS[name].options


def test_the_catalogue_has_them_all() -> None:
    assert {sampler.value for sampler in SamplerId} == set(SAMPLERS)
    assert set(SAMPLER) == set(SamplerId)


@pytest.mark.parametrize(
    ("name", "asked"), [("heun", 39), ("dpm2", 39), ("dpm2_a", 39), ("dpmpp_sde", 39), ("plms", 21)]
)
def test_evaluations_of_20_steps_are_the_known_ones(name: str, asked: int) -> None:
    assert counted(name, SIGMAS["karras"](20))[0] == asked


@pytest.mark.parametrize("name", ["euler", "heun", "dpm2"])
def test_churn_rests_outside_its_bounds(name: str) -> None:
    sigmas = SIGMAS["karras"](20)
    inside = sum(0.5 <= sigma <= 5 for sigma in sigmas)
    assert counted(name, sigmas, s_churn=1.0, s_tmin=0.5, s_tmax=5.0)[1] == inside
    assert counted(name, sigmas)[1] == 0


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


@pytest.mark.parametrize("name", SAMPLERS)
def test_nothing_overflows_from_the_noise_of_zero_terminal_snr(name: str) -> None:
    """From sigma 4096, in float32, to where the data is: about -1 and 0.7, or between, with LCM, for want of steps."""
    torch.manual_seed(0)
    sigmas = [*karras(60, 0.03, 4096.0), 0.0]
    got, _ = drive(SAMPLERS[name].steps(torch.randn(4, 8, 8) * 4096, sigmas, lambda: torch.randn(4, 8, 8)))
    assert got.min() > -1.4
    assert got.max() < 1.1
