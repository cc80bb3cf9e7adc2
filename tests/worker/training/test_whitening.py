"""Whitened states have the identity for covariance, and folding the whitening away changes nothing."""

from __future__ import annotations

import torch
from diffusers import UNet2DConditionModel

from worker.training.denoiser import build
from worker.training.sizes import SIZES
from worker.training.whitening import Whitening


def states(count: int, generator: torch.Generator) -> torch.Tensor:
    """Correlated, off-centre states (count, 128) with variances from 0.01 to 1."""
    mixing = torch.linalg.qr(torch.randn(128, 128, generator=generator)).Q * torch.linspace(0.1, 1, 128)
    made: torch.Tensor = torch.randn(count, 128, generator=generator) @ mixing.T + torch.linspace(-3, 3, 128)
    return made


def stirred(generator: torch.Generator) -> UNet2DConditionModel:
    """A U-Net away from the zeros that it begins with."""
    unet = build(SIZES["small"])
    for parameter in unet.parameters():
        parameter.data += 0.02 * torch.randn(parameter.shape, generator=generator)
    return unet


def test_whitened_states_are_white() -> None:
    given = states(4000, torch.Generator().manual_seed(0))
    white = Whitening.fit(given)(given)
    torch.testing.assert_close(white.mean(dim=0), torch.zeros(128), atol=1e-4, rtol=0)
    torch.testing.assert_close(torch.cov(white.T), torch.eye(128), atol=1e-3, rtol=0)


def test_directions_without_variance_are_not_blown_up() -> None:
    given = states(4000, torch.Generator().manual_seed(0))
    given[:, 0] = 1.0
    whitening = Whitening.fit(given)
    assert torch.linalg.eigvalsh(whitening.matrix).max() < 110  # 1 / √(1e-4 of a largest variance near 1)
    assert whitening(given).abs().max() < 10


def test_folding_changes_nothing() -> None:
    generator = torch.Generator().manual_seed(1)
    unet = stirred(generator)
    context = states(2 * 77, generator).reshape(2, 77, 128)
    whitening = Whitening.fit(context.flatten(0, 1))
    rows, steps = torch.randn(2, 8, 16, 16, generator=generator), torch.tensor([10, 700])
    with torch.no_grad():
        on_whitened = unet(rows, steps, whitening(context)).sample
        whitening.fold_into(unet)
        on_plain = unet(rows, steps, context).sample
        whitening.unfold_from(unet)
        again = unet(rows, steps, whitening(context)).sample
    assert on_whitened.std() > 0.01
    torch.testing.assert_close(on_plain, on_whitened, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(again, on_whitened, atol=1e-4, rtol=1e-3)
