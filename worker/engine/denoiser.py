"""What the U-Net predicts, turned into a denoised latent: samplers see neither eps nor v nor timesteps.

Notation of Karras et al. 2022 (arXiv 2206.00364), section 5: x = x0 + sigma * noise, and
denoised = c_skip * x + c_out * model(c_in * x, t).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from worker.models.loader import Prediction


class NoiseLevels:
    """The noise a model was trained on: sigma of timestep t and back, log sigma linear between whole timesteps.

    sigma = sqrt((1 - alphas_cumprod) / alphas_cumprod), rising with t.
    """

    def __init__(self, alphas_cumprod: Tensor) -> None:
        alphas = alphas_cumprod.double().numpy()
        self._log_sigmas = np.log((1 - alphas) / alphas) / 2  # (T,)
        self._timesteps = np.arange(len(alphas), dtype=np.float64)

    @property
    def last(self) -> int:
        """The largest timestep, T - 1."""
        return len(self._timesteps) - 1

    @property
    def zero_terminal(self) -> bool:
        """Whether nothing of the picture is left at the last timestep (zero terminal SNR, Lin et al. 2023)."""
        return bool(self._log_sigmas[-1] > math.log(1000))

    def sigma(self, t: float) -> float:
        return math.exp(np.interp(t, self._timesteps, self._log_sigmas))

    def t(self, sigma: float) -> float:
        return float(np.interp(math.log(sigma), self._log_sigmas, self._timesteps))


@dataclass(frozen=True, slots=True)
class Scaling:
    """How one row goes into the U-Net and comes out of it, at one sigma."""

    skip: float
    out: float
    into: float

    @classmethod
    def at(cls, sigma: float, prediction: Prediction) -> Scaling:
        norm = math.sqrt(sigma**2 + 1)
        if prediction == "epsilon":  # model = noise
            return cls(skip=1.0, out=-sigma, into=1 / norm)
        return cls(skip=1 / norm**2, out=-sigma / norm, into=1 / norm)  # model = v (Salimans & Ho 2022)


def guidance_embedding(guidance: Tensor, width: int) -> Tensor:
    """Guidance (R,) as a U-Net is told it that was distilled with guidance (Luo et al. 2023, LCM), (R, width).

    Sines and cosines of 1000 * (guidance - 1), as for timesteps (Vaswani et al. 2017); an odd width ends in a 0.
    """
    half = width // 2
    frequencies = torch.exp(torch.arange(half, device=guidance.device) * (-math.log(10_000) / (half - 1)))
    angles = 1000 * (guidance[:, None] - 1) * frequencies  # (R, half)
    return F.pad(torch.cat([angles.sin(), angles.cos()], dim=1), (0, width % 2))
