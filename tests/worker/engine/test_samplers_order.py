"""On a Gaussian target, known in closed form, every sampler's error falls with the order that the catalogue tells."""

from __future__ import annotations

import math

import numpy as np
import pytest

from contract.catalogue import SAMPLER, SamplerId
from tests.worker.engine.moments import error
from worker.engine.samplers import SAMPLERS
from worker.engine.sigmas import exponential, karras

LOWEST = 0.1
COUNTS = (40, 80, 160, 320)


def way(name: str, steps: int, highest: float) -> list[float]:
    down = [float(sigma) for sigma in exponential(steps + 1, LOWEST, highest)]
    if name != "restart":
        return down
    turn = steps // 2
    return [*down[: turn + 1], *karras(steps // 4, down[turn], 4.0)[:-1], *down[turn:]]


def slope(name: str, highest: float = 14.6, **options: float) -> float:
    """Fitted through the errors of 40 to 320 steps: error ~ steps^-slope."""
    errors = [error(name, way(name, steps, highest), consistent=False, **options) for steps in COUNTS]
    return -float(np.polyfit(np.log(COUNTS), np.log(errors), 1)[0])


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name not in ("lcm", "lms")])
def test_error_falls_with_the_order(name: str) -> None:
    assert slope(name) == pytest.approx(SAMPLER[SamplerId(name)].order, abs=0.15)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("name", [name for name in SAMPLERS if "eta" in SAMPLERS[name].options])
def test_the_order_holds_with_any_share_of_noise(name: str, eta: float) -> None:
    assert slope(name, eta=eta) == pytest.approx(SAMPLER[SamplerId(name)].order, abs=0.15)


def test_lms_is_of_order_4_once_it_has_started() -> None:
    """Its first step is Euler's, of local order 2. From sigma 200, where that one is nearly exact, the rest shows."""
    assert slope("lms", highest=200) == pytest.approx(4, abs=0.25)
    assert 3 < slope("lms") < 4


@pytest.mark.parametrize("name", ["euler", "heun", "dpm2"])
def test_churn_keeps_the_order(name: str) -> None:
    """Of the steps on which gamma is no longer at its bound of sqrt(2) - 1, that is with 160 and more."""
    few, many = (error(name, way(name, steps, 14.6), s_churn=20.0) for steps in (320, 640))
    assert math.log2(few / many) == pytest.approx(SAMPLER[SamplerId(name)].order, abs=0.1)


@pytest.mark.parametrize("steps", [1, 2, 5, 20])
def test_lcm_is_exact_at_any_number_of_steps_with_a_model_distilled_to_it(steps: int) -> None:
    sigmas = [*karras(steps, 0.03, 14.6), 0.0]
    assert error("lcm", sigmas, consistent=True) < 1e-12
    assert error("lcm", sigmas) > 0.2  # the posterior mean loses the spread, however many steps
    assert SAMPLER[SamplerId.LCM].order == 0
