"""Normalising latents inside the weights, and the start as a thumbnail."""

from __future__ import annotations

import numpy as np
import torch

from worker.training.clip import to_images
from worker.training.scenes import draw, sample
from worker.training.vae import build, edge_loss, fold_normalisation


def pictures(count: int) -> torch.Tensor:
    rng = np.random.default_rng(3)
    return to_images(np.stack([draw(sample(rng), 64) for _ in range(count)]))


def test_folding_keeps_the_decode_and_normalises_the_latents() -> None:
    model, images = build().eval(), pictures(6)
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
    model, images = build().eval(), pictures(6)
    with torch.inference_mode():
        latents = model.encode(images).latent_dist.mean[:, :3]
    small = torch.nn.functional.avg_pool2d(images, 8)
    pairs = zip(latents.flatten(0, 1).flatten(1), small.flatten(0, 1).flatten(1), strict=True)  # 18 of (64,)
    likeness = torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in pairs])
    assert likeness.mean() > 0.9
    assert likeness.min() > 0.7  # a GroupNorm and a SiLU lie between the two


def test_edge_loss_by_hand() -> None:
    step = torch.tensor([[0.0, 1.0], [0.0, 1.0]])[None, None]
    assert edge_loss(step, torch.zeros(1, 1, 2, 2)).item() == 1.0  # horizontally 1 and 1, vertically 0 and 0
