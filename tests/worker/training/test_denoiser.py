"""The formulas of the diffusion model against closed forms and diffusers' scheduler."""

from __future__ import annotations

import numpy as np
import torch

from worker.training.data import Batches, mostly_plain, scene, stratified
from worker.training.denoiser import alphas_cumprod, build, noise_levels, noised, snr_weight, velocity
from worker.training.export import scheduler


def test_noise_and_velocity_agree_with_diffusers() -> None:
    generator = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 6, 8, 4, 4, generator=generator)
    steps = torch.tensor([0, 1, 250, 500, 900, 999])
    alpha = alphas_cumprod()[steps][:, None, None, None]
    oracle = scheduler()
    rows, target = oracle.add_noise(clean, noise, steps), oracle.get_velocity(clean, noise, steps)
    torch.testing.assert_close(noised(clean, noise, alpha), rows, atol=1e-6, rtol=0)
    torch.testing.assert_close(velocity(clean, noise, alpha), target, atol=1e-6, rtol=0)


def test_clean_latents_follow_from_velocity() -> None:
    clean, noise = torch.randn(2, 3, 8, 4, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    alpha = torch.tensor([0.1, 0.5, 0.99], dtype=torch.float64)[:, None, None, None]
    back = alpha.sqrt() * noised(clean, noise, alpha) - (1 - alpha).sqrt() * velocity(clean, noise, alpha)
    torch.testing.assert_close(back, clean, atol=1e-12, rtol=0)


def test_weights_by_hand() -> None:
    snr = torch.tensor([0.01, 1.0, 3.0, 5.0, 99.0], dtype=torch.float64)
    expected = torch.tensor([1 / 1.01, 1 / 2, 3 / 4, 5 / 6, 5 / 100], dtype=torch.float64)
    torch.testing.assert_close(snr_weight(snr / (1 + snr)), expected, atol=1e-9, rtol=0)


def test_the_error_in_v_is_the_error_in_x0_over_the_noise() -> None:
    """What the weights rest on: for one x_t, |v - v'|² = (SNR + 1) |x_0 - x_0'|²."""
    alpha = torch.tensor(0.3, dtype=torch.float64)
    rows, first, second = torch.randn(3, 8, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    velocities = [(alpha.sqrt() * rows - clean) / (1 - alpha).sqrt() for clean in (first, second)]
    ratio = (velocities[0] - velocities[1]).square().sum() / (first - second).square().sum()
    torch.testing.assert_close(ratio, alpha / (1 - alpha) + 1)


def test_stratified_has_one_number_in_every_slice() -> None:
    numbers = stratified(16, np.random.default_rng(0))
    assert sorted((numbers * 16).astype(int)) == list(range(16))


def test_noise_levels_are_logit_normal() -> None:
    """Quantiles by hand: the median is in the middle, one deviation up is at 1000 / (1 + e^-0.8)."""
    levels = noise_levels(torch.tensor([0.0, 0.158655, 0.5, 0.841345, 1.0], dtype=torch.float64))
    assert levels.tolist() == [0, 310, 500, 689, 999]


def test_most_drawings_for_the_unet_are_plain() -> None:
    chosen = mostly_plain(1000)
    scenes = [scene(int(index)) for index in chosen]
    plain = [drawn for drawn in scenes if len(drawn.subjects) == 1 and drawn.style == "flat"]
    everything = [scene(index) for index in range(1000)]
    assert len(plain) == sum(len(drawn.subjects) == 1 and drawn.style == "flat" for drawn in everything)
    assert 0.65 < len(plain) / len(chosen) < 0.85
    assert {drawn.style for drawn in scenes} == {drawn.style for drawn in everything}


def test_batches_show_every_drawing_once_a_pass() -> None:
    batches = Batches(np.arange(100), 10, seed=1)
    first, second = (np.concatenate([batches.indices(step) for step in range(i, i + 10)]) for i in (0, 10))
    assert sorted(first) == sorted(second) == list(range(100))
    assert (first != second).any()


def test_a_tenth_of_the_captions_is_dropped() -> None:
    batches = Batches(np.arange(200), 100, seed=1)
    words = [text for step in range(4) for text in batches.captions(step, dropped=0.1)]
    assert 20 <= words.count("") <= 60  # of 400: five standard deviations
    assert words[:100] == batches.captions(0, dropped=0.1)


def test_the_network_answers_nothing_at_first_and_takes_a_timestep_for_each_row() -> None:
    made = build()(torch.randn(2, 8, 16, 16), torch.tensor([3, 700]), torch.randn(2, 77, 128)).sample
    assert made.shape == (2, 8, 16, 16)
    assert made.abs().max() == 0
