"""A U-Net carried over to states that are the old ones in other numbers answers as before."""

from __future__ import annotations

import torch

from tests.worker.training.test_whitening import states, stirred
from worker.training.translation import Translation


def test_what_is_linear_is_carried_over_exactly() -> None:
    generator = torch.Generator().manual_seed(1)
    unet = stirred(generator)
    old = states(2 * 77, generator).reshape(2, 77, 128)
    new = old @ (torch.eye(128) + 0.03 * torch.randn(128, 128, generator=generator)) + torch.linspace(1, -1, 128)
    rows, steps = torch.randn(2, 8, 16, 16, generator=generator), torch.tensor([10, 700])
    with torch.no_grad():
        before = unet(rows, steps, old).sample
        strange = unet(rows, steps, new).sample
        Translation.fit(new.flatten(0, 1), old.flatten(0, 1)).fold_into(unet)
        after = unet(rows, steps, new).sample
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-3)
    assert (strange - before).abs().max() > 0.01


def test_what_is_not_linear_is_met_in_the_mean() -> None:
    generator = torch.Generator().manual_seed(2)
    old = states(4000, generator)
    new = old + 0.1 * torch.randn(old.shape, generator=generator)
    found = Translation.fit(new, old)
    error = new @ found.matrix.T + found.shift - old
    torch.testing.assert_close(error.mean(dim=0), torch.zeros(128), atol=1e-3, rtol=0)
    assert error.square().mean() < 0.1**2, "no worse than leaving it as it is"
