"""The known part stays what it was, whatever the sampler does."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.worker.engine.test_samplers import drive
from worker.engine.inpaint import Known, bleed, keep, shrink
from worker.engine.samplers import SAMPLERS
from worker.engine.sigmas import karras


@pytest.mark.parametrize("name", SAMPLERS)
def test_known_part_is_seen_noised_and_comes_back_as_it_was(name: str) -> None:
    torch.manual_seed(0)
    latent, noise = torch.randn(2, 4, 6, 6)
    mask = torch.zeros(1, 6, 6)
    mask[:, :3] = 1
    sigmas = [*karras(6, 0.03, 14.6), 0.0]
    seen: list[tuple[Tensor, float]] = []

    def model(x: Tensor, sigma: float) -> Tensor:
        seen.append((x, sigma))
        return torch.zeros_like(x) + 0.5

    steps = SAMPLERS[name].steps(sigmas[0] * noise, sigmas, lambda: torch.randn(4, 6, 6))
    landed, _ = drive(keep(steps, Known(latent, mask), noise), model)
    assert torch.equal(landed[:, 3:], latent[:, 3:])
    torch.testing.assert_close(landed[:, :3], torch.full((4, 3, 6), 0.5), atol=1e-5, rtol=0)
    looked = [sigma for _, sigma in seen]
    assert all(any(sigma == pytest.approx(other) for other in looked) for sigma in sigmas[:-1])
    for x, sigma in seen:
        assert torch.equal(x[:, 3:], (latent + sigma * noise)[:, 3:])


def test_grey_is_partly() -> None:
    latent, mask = torch.zeros(1, 1, 2), torch.tensor([[[0.25, 1.0]]])
    steps = SAMPLERS["euler"].steps(torch.zeros(1, 1, 2), [1.0, 0.0], lambda: latent)
    landed, _ = drive(keep(steps, Known(latent, mask), torch.zeros(1, 1, 2)), lambda x, sigma: torch.ones_like(x))
    # the answer is blended before the step and the result after it
    assert landed.flatten().tolist() == pytest.approx([0.25**2, 1.0])


def test_a_mask_shrinks_to_means() -> None:
    mask = torch.zeros(1, 16, 16)
    mask[:, :8, :8] = 1
    mask[:, 8:, :4] = 1
    assert shrink(mask, 8).tolist() == [[[1.0, 0.0], [0.5, 0.0]]]


def test_bleed_knows_nothing_of_what_it_covers() -> None:
    torch.manual_seed(0)
    mask = torch.zeros(1, 64, 48)
    mask[:, 16:48, 8:40] = 1
    picture = torch.full((3, 64, 48), 0.25)
    one = bleed(picture, mask)
    other = bleed(picture + mask * torch.randn(3, 64, 48), mask)
    torch.testing.assert_close(one, torch.full((3, 64, 48), 0.25))
    torch.testing.assert_close(other, one)


def test_bleed_takes_the_colour_of_the_nearer_side() -> None:
    picture = torch.cat([torch.full((3, 64, 32), -1.0), torch.full((3, 64, 32), 1.0)], dim=2)
    mask = torch.zeros(1, 64, 64)
    mask[:, :, 16:48] = 1
    filled = bleed(picture, mask)
    assert filled[:, :, 18].mean() < -0.3
    assert filled[:, :, 45].mean() > 0.3
    assert torch.equal(filled[:, :, :16], picture[:, :, :16])


def test_bleed_under_a_mask_over_everything_is_grey() -> None:
    assert torch.equal(bleed(torch.ones(3, 16, 16), torch.ones(1, 16, 16)), torch.zeros(3, 16, 16))
