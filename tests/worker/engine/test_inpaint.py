"""The known part stays what it was, whatever the sampler does."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.worker.engine.test_samplers import drive
from worker.engine.inpaint import Known, beside, bleed, keep, shrink, steps_left
from worker.engine.samplers import SAMPLERS, Steps
from worker.engine.sigmas import karras, restarts


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


GREYS = torch.arange(11).reshape(1, 1, 11) / 10  # black to white
STEPS = 10


def way(steps: int = STEPS) -> list[float]:
    return [*karras(steps, 0.03, 14.6), 0.0]


def gaussian(x: Tensor, sigma: float) -> Tensor:
    """The exact denoiser of data spread by 0.5 around 2: each place by itself, and far from what is known here."""
    return (0.25 * x + sigma**2 * 2.0) / (0.25 + sigma**2)


def softly(name: str, latent: Tensor, noise: Tensor, sigmas: list[float], **options: float) -> Tensor:
    """Where a sampler lands through a mask of eleven greys; one fixed draw for all that it draws."""
    steps: Steps = SAMPLERS[name].steps(latent + sigmas[0] * noise, sigmas, lambda: torch.zeros_like(latent), **options)
    return drive(keep(steps, Known(latent, GREYS, soft=True), noise, sigmas), gaussian)[0]


@pytest.mark.parametrize(
    ("name", "options"),
    [("euler", {}), ("ddim", {}), ("dpm2", {}), ("dpmpp_2s_a", {"eta": 0.0}), ("euler_a", {"eta": 0.0})],
)
def test_softly_a_grey_place_is_a_picture_redrawn_by_that_much(name: str, options: dict[str, float]) -> None:
    """Each grey as a run of its own, without any mask: the sampler's last steps on the noised original."""
    latent, noise = torch.full((1, 1, 11), -1.0), torch.randn(1, 1, 11, generator=torch.Generator().manual_seed(0))
    landed = softly(name, latent, noise, way(), **options)
    for tenth in range(1, 11):
        last = way()[STEPS - tenth :]
        one = (latent + last[0] * noise)[..., tenth]
        alone, _ = drive(SAMPLERS[name].steps(one, last, lambda: torch.zeros(1, 1), **options), gaussian)
        torch.testing.assert_close(landed[..., tenth], alone, atol=2e-5, rtol=1e-5)
    assert torch.equal(landed[..., 0], latent[..., 0])


@pytest.mark.parametrize("name", SAMPLERS)
def test_softly_the_darker_the_nearer_to_the_original(name: str) -> None:
    """With every sampler, those of two evaluations a step and the one that goes back up among them.

    Without noise, so that each step can only lead towards the data.
    """
    latent, noise = torch.full((1, 1, 11), -1.0), torch.zeros(1, 1, 11)
    sigmas = way(24)
    if SAMPLERS[name].restarts:
        sigmas = restarts(sigmas, way)
        assert sigmas != sorted(sigmas, reverse=True)
    moved = (softly(name, latent, noise, sigmas) - latent).flatten()
    assert moved[0] == 0
    # LMS draws a curve through its last four slopes, and overshoots by half a hundredth where one has just jumped.
    assert (moved.diff() > (-0.02 if name == "lms" else -1e-4)).all()
    assert moved[-1] > 1
    assert moved[5] > moved[1] + 0.1


@pytest.mark.parametrize("name", SAMPLERS)
def test_softly_each_place_is_open_for_its_share_of_the_steps(name: str) -> None:
    """What the U-Net sees of a place is the noised original until then, and the sampler's own from there on."""
    latent, noise = torch.full((1, 1, 11), -1.0), torch.full((1, 1, 11), -0.5)
    sigmas = way()
    seen: dict[float, Tensor] = {}

    def model(x: Tensor, sigma: float) -> Tensor:
        seen[sigma] = x != latent + sigma * noise
        return torch.full_like(x, 3.0)

    start = latent + sigmas[0] * (noise + 1)  # not the known part's own noise, so that it shows where it is open
    steps = SAMPLERS[name].steps(start, sigmas, lambda: torch.ones_like(latent))
    drive(keep(steps, Known(latent, GREYS, soft=True), noise, sigmas), model)
    for index, sigma in enumerate(sigmas[:-1]):
        near = [open for other, open in seen.items() if other == pytest.approx(sigma, rel=1e-6)]
        assert near, "no evaluation at this step's sigma"
        assert near[0].flatten().tolist() == [tenth >= STEPS - index and tenth > 0 for tenth in range(11)]


def test_soft_without_greys_is_the_plain_mask() -> None:
    latent, noise = torch.randn(2, 4, 6, 6, generator=torch.Generator().manual_seed(1))
    mask = torch.zeros(1, 6, 6)
    mask[:, :3] = 1
    landed = []
    for soft in (False, True):
        steps = SAMPLERS["dpmpp_2m"].steps(latent + way()[0] * noise, way(), lambda: noise)
        landed.append(drive(keep(steps, Known(latent, mask, soft), noise, way()), gaussian)[0])
    assert torch.equal(*landed)


def test_steps_left_are_counted_by_noise() -> None:
    falling = [8.0, 4.0, 2.0, 1.0, 0.0]
    assert [steps_left(falling, sigma) for sigma in (11, 8, 6, 4, 3, 2, 1, 0.5)] == [
        1, 1, 1, 0.75, 0.75, 0.5, 0.25, 0.25,
    ]  # fmt: skip
    # Down to 1, up to 4, down again: six falling steps, of which two begin at 4 and two at 2.
    back_up = [8.0, 4.0, 2.0, 1.0, 4.0, 2.0, 1.0, 0.0]
    assert [steps_left(back_up, sigma) for sigma in (8, 4, 2, 1)] == pytest.approx([1, 5 / 6, 3 / 6, 1 / 6])
    assert steps_left([], 3.0) == 1


def test_a_fill_lies_only_where_a_soft_mask_is_white() -> None:
    """The rest is still the original when it opens."""
    known = Known(torch.zeros(1, 1, 11), GREYS, soft=True)
    assert known.blend(torch.ones(1, 1, 11), known.latent).flatten().tolist() == [0.0] * 10 + [1.0]


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


def test_beside_are_the_mask_cut_at_a_half_and_the_rest_of_the_picture() -> None:
    picture = torch.linspace(-1, 1, 16 * 24).reshape(1, 16, 24).repeat(3, 1, 1)
    mask = torch.zeros(1, 16, 24)
    mask[:, 3:, 5:] = 0.5
    mask[:, 9:, 10:] = 1
    mask[:, :8, 16:] = 0.49
    given: list[Tensor] = []

    def encode(masked: Tensor) -> Tensor:
        given.append(masked)
        return torch.full((4, 2, 3), 7.0)

    channels = beside(picture, mask, (16, 24), 8, encode)
    assert channels.shape == (5, 2, 3)
    # Of each 8 x 8 pixels the first: rows 0 and 8, columns 0, 8 and 16.
    assert channels[0].tolist() == [[0, 0, 0], [0, 1, 1]]
    assert (channels[1:] == 7).all()
    for y, x in [(0, 0), (3, 4), (2, 23), (7, 20)]:
        assert torch.equal(given[0][:, y, x], picture[:, y, x])
    for y, x in [(3, 5), (9, 10), (15, 23), (8, 20)]:
        assert (given[0][:, y, x] == 0).all()


def test_beside_without_a_mask_is_white_on_mid_grey() -> None:
    for picture in (None, torch.ones(3, 16, 24)):
        channels = beside(picture, None, (16, 24), 8, lambda masked: masked[:, ::8, ::8])
        assert (channels[0] == 1).all()
        assert (channels[1:] == 0).all()
        assert channels.shape == (4, 2, 3)
