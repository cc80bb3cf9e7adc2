"""The formulas of the diffusion model against closed forms and diffusers' schedulers."""

from __future__ import annotations

import pytest
import torch
from diffusers import DDPMScheduler

from worker.training.objective import NOISES, Objective, noise_levels, noised, velocity

BETAS = {  # name and ends, from the papers
    "linear": ("linear", 1e-4, 0.02),
    "cosine": ("squaredcos_cap_v2", 1e-4, 0.02),
    "scaled_linear": ("scaled_linear", 0.00085, 0.012),
}


@pytest.mark.parametrize("noise", NOISES)
def test_noise_and_velocity_agree_with_diffusers(noise: str) -> None:
    name, start, end = BETAS[noise]
    oracle = DDPMScheduler(1000, beta_schedule=name, beta_start=start, beta_end=end)
    clean, drawn = torch.randn(2, 6, 8, 4, 4, generator=torch.Generator().manual_seed(0))
    steps = torch.tensor([0, 1, 250, 500, 900, 999])
    alpha = Objective("v", noise).alphas[steps][:, None, None, None]
    torch.testing.assert_close(noised(clean, drawn, alpha), oracle.add_noise(clean, drawn, steps), atol=1e-6, rtol=0)
    answer = Objective("v", noise).answer(clean, drawn, alpha)
    torch.testing.assert_close(answer, oracle.get_velocity(clean, drawn, steps), atol=1e-6, rtol=0)
    assert Objective("noise", noise).answer(clean, drawn, alpha) is drawn


def test_clean_latents_follow_from_velocity() -> None:
    clean, noise = torch.randn(2, 3, 8, 4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    alpha = torch.tensor([0.1, 0.5, 0.99], dtype=torch.float64)[:, None, None, None]
    back = alpha.sqrt() * noised(clean, noise, alpha) - (1 - alpha).sqrt() * velocity(clean, noise, alpha)
    torch.testing.assert_close(back, clean, atol=1e-12, rtol=0)


@pytest.mark.parametrize(
    ("target", "expected"),
    [("v", [1 / 1.01, 1 / 2, 3 / 4, 5 / 6, 5 / 100]), ("noise", [1, 1, 1, 1, 5 / 99])],
)
def test_weights_by_hand(target: str, expected: list[float]) -> None:
    snr = torch.tensor([0.01, 1.0, 3.0, 5.0, 99.0], dtype=torch.float64)
    found = Objective(target).weight(snr / (1 + snr))
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), atol=1e-9, rtol=0)


def test_the_error_in_v_is_the_error_in_x0_over_the_noise() -> None:
    """What the weights rest on: for one x_t, |v - v'|² = (SNR + 1) |x_0 - x_0'|²."""
    alpha = torch.tensor(0.3, dtype=torch.float64)
    rows, first, second = torch.randn(3, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    velocities = [(alpha.sqrt() * rows - clean) / (1 - alpha).sqrt() for clean in (first, second)]
    ratio = (velocities[0] - velocities[1]).square().sum() / (first - second).square().sum()
    torch.testing.assert_close(ratio, alpha / (1 - alpha) + 1)


def test_the_right_answer_leads_back_to_the_latents() -> None:
    clean, noise = torch.randn(2, 3, 4, 5, 5, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    alpha = torch.tensor([0.9, 0.4, 0.05], dtype=torch.float64)[:, None, None, None]
    for target in ("noise", "v"):
        objective = Objective(target)
        found = objective.clean(noised(clean, noise, alpha), objective.answer(clean, noise, alpha), alpha)
        torch.testing.assert_close(found, clean)


def test_noise_levels_are_logit_normal() -> None:
    """Quantiles by hand: the median is at 1000 / (1 + e^-0.4), one deviation up at 1000 / (1 + e^-1.2)."""
    levels = noise_levels(torch.tensor([0.0, 0.158655, 0.5, 0.841345, 1.0], dtype=torch.float64))
    assert levels.tolist() == [0, 401, 598, 768, 999]


def test_the_scheduler_is_what_pipelines_read() -> None:
    for target, name in (("v", "v_prediction"), ("noise", "epsilon")):
        config = Objective(target, "cosine").scheduler().config
        assert (config.prediction_type, config.beta_schedule) == (name, "squaredcos_cap_v2")
