"""What a seed gives, and what variation and another size make of it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from worker.engine.noise import StartNoise, centred, slerp

SHAPE = (4, 8, 12)


def plain(seed: int, shape: tuple[int, int, int] = SHAPE) -> Tensor:
    return torch.randn((1, *shape), generator=torch.Generator("cpu").manual_seed(seed))[0]


def drawn(noise: StartNoise, seed: int = 3, index: int = 0) -> Tensor:
    return noise.draw(SHAPE, torch.Generator("cpu").manual_seed(seed), index)


def test_a_seed_is_the_contract_s_noise() -> None:
    assert torch.equal(drawn(StartNoise()), plain(3))


def test_a_variation_goes_from_the_seed_to_the_other_one() -> None:
    assert torch.equal(drawn(StartNoise(variation=9, share=0.0)), plain(3))
    torch.testing.assert_close(drawn(StartNoise(variation=9, share=1.0), index=2), plain(11))
    near = drawn(StartNoise(variation=9, share=0.1))
    assert float((near - plain(3)).norm()) < 0.2 * float(plain(3).norm())


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_slerp_keeps_the_angle_in_proportion(share: float) -> None:
    a, b = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 3.0])
    expected = torch.tensor([math.cos(share * math.pi / 2), math.sin(share * math.pi / 2)]) * 3
    torch.testing.assert_close(slerp(a, b, share), expected)


def test_slerp_of_one_direction_is_a_straight_line() -> None:
    a = plain(1)
    torch.testing.assert_close(slerp(a, 2 * a, 0.5), 1.5 * a)


def test_a_varied_noise_is_as_loud_as_noise() -> None:
    for share in (0.1, 0.5, 0.9):
        assert float(drawn(StartNoise(variation=9, share=share)).std()) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("size", [(4, 6), (8, 12), (16, 6), (3, 20)])
def test_another_size_has_the_known_noise_in_its_middle(size: tuple[int, int]) -> None:
    made, known = drawn(StartNoise(size=size)), plain(3, (4, *size))
    for (at, of), axis in zip(((8, size[0]), (12, size[1])), (1, 2), strict=True):
        common = min(at, of)
        made = made.narrow(axis, (at - common) // 2, common)
        known = known.narrow(axis, (of - common) // 2, common)
    assert torch.equal(made, known)


def test_around_the_middle_there_is_other_noise() -> None:
    made = drawn(StartNoise(size=(4, 6)))
    assert float(made.std()) == pytest.approx(1.0, abs=0.1)
    assert len(set(made.flatten().tolist())) == made.numel()


def test_centred_leaves_its_inputs() -> None:
    inner, outer = torch.ones(1, 2, 2), torch.zeros(1, 4, 4)
    assert centred(inner, outer).sum() == 4
    assert outer.sum() == 0
