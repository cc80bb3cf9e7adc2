"""What the U-Net is asked: how noise is added, what it is to find, and how much each error counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from diffusers import DDIMScheduler
from torch import Tensor

GAMMA = 5.0
CENTRE, SPREAD = 0.4, 0.8  # of the logit of the timestep: mean and deviation
TARGETS = {"noise": "epsilon", "v": "v_prediction"}  # ours → diffusers' name
NOISES: dict[str, dict[str, Any]] = {
    # Ho et al. 2020; Nichol and Dhariwal 2021; Rombach et al. 2022
    "linear": {"beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02},
    "cosine": {"beta_schedule": "squaredcos_cap_v2"},
    "scaled_linear": {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
}


@dataclass(frozen=True)
class Objective:
    """One of TARGETS under one of NOISES. `alpha` below is ᾱ of each row, (B, 1, 1, 1)."""

    target: str = "v"
    noise: str = "scaled_linear"

    def scheduler(self) -> DDIMScheduler:
        """As diffusers' pipelines read it."""
        return DDIMScheduler(
            num_train_timesteps=1000,
            prediction_type=TARGETS[self.target],
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
            timestep_spacing="leading",
            **NOISES[self.noise],
        )

    @cached_property
    def alphas(self) -> Tensor:
        """ᾱ of the thousand noise levels, float32 (1000,)."""
        found: Tensor = self.scheduler().alphas_cumprod
        return found

    def answer(self, latents: Tensor, noise: Tensor, alpha: Tensor) -> Tensor:
        """What the U-Net should say, (B, C, H, W)."""
        return noise if self.target == "noise" else velocity(latents, noise, alpha)

    def clean(self, rows: Tensor, said: Tensor, alpha: Tensor) -> Tensor:
        """x_0 as it follows from noised rows and what the U-Net says of them, (B, C, H, W)."""
        if self.target == "noise":
            return (rows - (1 - alpha).sqrt() * said) / alpha.sqrt()
        return alpha.sqrt() * rows - (1 - alpha).sqrt() * said

    def weight(self, alpha: Tensor, gamma: float = GAMMA) -> Tensor:
        """Weights for the error in the answer that weight the error in x_0 by clamp(SNR, 1, γ).

        From above it is min-SNR-γ (Hang et al. 2023), so that fine detail does not take all the learning; from below
        the truncated SNR (Salimans and Ho 2022), so that the noisiest levels, where the picture is laid out, keep
        their share. An error in x_0 is 1 / SNR of that in ε, and 1 / (SNR + 1) of that in v.
        """
        snr = alpha / (1 - alpha)
        if self.target == "noise":
            return snr.clamp(max=gamma) / snr  # no floor: at SNR 0 it would weigh without bound
        return snr.clamp(1.0, gamma) / (snr + 1)


def noise_levels(chances: Tensor) -> Tensor:
    """Timesteps 0 .. 999, int64, for chances 0 .. 1: logit-normal (Esser et al. 2024, section 3.1).

    Most of them above the middle, where it is decided who is there and where; the ends are easy, or hopeless.
    """
    return (1000 * torch.sigmoid(CENTRE + SPREAD * torch.special.ndtri(chances))).long().clamp(0, 999)


def noised(latents: Tensor, noise: Tensor, alpha: Tensor) -> Tensor:
    """x_t = √ᾱ x_0 + √(1-ᾱ) ε."""
    return alpha.sqrt() * latents + (1 - alpha).sqrt() * noise


def velocity(latents: Tensor, noise: Tensor, alpha: Tensor) -> Tensor:
    """v = √ᾱ ε - √(1-ᾱ) x_0 (Salimans and Ho 2022, appendix D)."""
    return alpha.sqrt() * noise - (1 - alpha).sqrt() * latents
