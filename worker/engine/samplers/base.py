"""What the samplers share: their form, and the two ways of adding noise that more than one of them has."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator

from torch import Tensor

Draw = Callable[[], Tensor]
Steps = Generator[tuple[Tensor, float], Tensor, Tensor]


def ancestral(sigma: float, sigma_next: float, eta: float) -> tuple[float, float]:
    """(sigma_down, sigma_up): step down to the first, then add that much fresh noise, to stand at sigma_next.

    eta: 0 adds none, 1 is the ancestral step of DDPM (Ho et al. 2020, eq. 7 in the variable x / sqrt(a)).
    """
    sigma_up = eta * sigma_next * math.sqrt(1 - (sigma_next / sigma) ** 2)
    sigma_down = math.hypot(math.sqrt(1 - eta**2) * sigma_next, eta * (sigma_next**2 / sigma))
    return sigma_down, sigma_up


def churn(x: Tensor, sigma: float, gamma: float, s_noise: float, draw: Draw) -> tuple[Tensor, float]:
    """Raise the noise of x by the factor 1 + gamma (Karras et al. 2022, algorithm 2, lines 4 to 6)."""
    if gamma == 0:
        return x, sigma
    sigma_hat = sigma * (1 + gamma)
    return x + draw() * (s_noise * math.sqrt(sigma_hat**2 - sigma**2)), sigma_hat


def churn_rate(sigma: float, steps: int, s_churn: float, s_tmin: float, s_tmax: float) -> float:
    """gamma of one step (Karras et al. 2022, algorithm 2, line 2)."""
    return min(s_churn / steps, math.sqrt(2) - 1) if s_tmin <= sigma <= s_tmax else 0.0
