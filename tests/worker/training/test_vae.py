"""Normalising latents inside the weights, and the start as a thumbnail."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from worker.training import vae
from worker.training.clip import to_images
from worker.training.sizes import SIZES
from worker.training.vae import build, difference, edge_loss, fold_normalisation, similarity, train_decoder
from worker.training.world.scenes import draw, sample


def pictures(count: int) -> torch.Tensor:
    rng = np.random.default_rng(3)
    return to_images(np.stack([draw(sample(rng), 64) for _ in range(count)]))


def test_folding_keeps_the_decode_and_normalises_the_latents() -> None:
    model, images = build(SIZES["small"]).eval(), pictures(6)
    with torch.inference_mode():
        before = model.encode(images).latent_dist
        decoded = model.decode(before.mean).sample
        mean, std = before.mean.mean(dim=(0, 2, 3)), before.mean.std(dim=(0, 2, 3))
        fold_normalisation(model, mean, std)
        after = model.encode(images).latent_dist
        torch.testing.assert_close(model.decode(after.mean).sample, decoded, atol=1e-5, rtol=0)
        torch.testing.assert_close(after.std, before.std / std[:, None, None], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(after.mean.mean(dim=(0, 2, 3)), torch.zeros(8), atol=1e-4, rtol=0)
        torch.testing.assert_close(after.mean.std(dim=(0, 2, 3)), torch.ones(8), atol=1e-4, rtol=0)


def test_untrained_latents_hold_the_picture_in_small() -> None:
    """Each of the first three latents rises and falls with its own colour's mean over 8×8 pixels."""
    model, images = build(SIZES["small"]).eval(), pictures(6)
    with torch.inference_mode():
        latents = model.encode(images).latent_dist.mean[:, :3]
    small = torch.nn.functional.avg_pool2d(images, 8)
    pairs = zip(latents.flatten(0, 1).flatten(1), small.flatten(0, 1).flatten(1), strict=True)  # 18 of (64,)
    likeness = torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in pairs])
    assert likeness.mean() > 0.9
    assert likeness.min() > 0.5  # a GroupNorm and a SiLU lie between the two, and a night has hardly any colour


def test_a_decoder_learns_while_the_latents_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = np.stack([draw(sample(np.random.default_rng(seed)), 64) for seed in range(8)])  # one batch
    monkeypatch.setattr(vae, "drawings", lambda *_: drawn)
    monkeypatch.setattr(vae, "COUNT", len(drawn))
    model, images = build(SIZES["small"]).eval(), to_images(drawn)
    with torch.inference_mode():
        latents = model.encode(images).latent_dist.mean
        before = difference(model.decode(latents).sample, images)
    trained = train_decoder(tmp_path, 0.1, SIZES["small"], model)
    with torch.inference_mode():
        torch.testing.assert_close(trained.encode(images).latent_dist.mean, latents, atol=0, rtol=0)
        assert difference(trained.decode(latents).sample, images) < before


def test_edge_loss_by_hand() -> None:
    step = torch.tensor([[0.0, 1.0], [0.0, 1.0]])[None, None]
    assert edge_loss(step, torch.zeros(1, 1, 2, 2)).item() == 1.0  # horizontally 1 and 1, vertically 0 and 0


def test_similarity_by_its_definition() -> None:
    """Wang et al. 2004, equation 13, window by window in float64; 1 for a picture and itself."""
    first, second = torch.rand(2, 1, 3, 9, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1
    low, high, found = 0.02**2, 0.06**2, []
    for channel in range(3):
        for y in range(3):
            for x in range(2):
                a, b = (image[0, channel, y : y + 7, x : x + 7] for image in (first, second))
                covariance = ((a - a.mean()) * (b - b.mean())).mean()
                alike = (2 * a.mean() * b.mean() + low) * (2 * covariance + high)
                spread = a.var(correction=0) + b.var(correction=0) + high
                found.append(alike / ((a.mean() ** 2 + b.mean() ** 2 + low) * spread))
    torch.testing.assert_close(similarity(first, second), torch.stack(found).mean(), atol=1e-12, rtol=0)
    torch.testing.assert_close(similarity(first, first), torch.tensor(1.0, dtype=torch.float64))
