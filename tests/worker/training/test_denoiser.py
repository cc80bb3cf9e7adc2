"""The U-Net as it begins, and the captions that it is shown."""

from __future__ import annotations

import numpy as np
import torch

from worker.training.data import Batches
from worker.training.denoiser import build
from worker.training.sizes import SIZES


def test_a_tenth_of_the_captions_is_dropped() -> None:
    batches = Batches(np.arange(200), 100, seed=1)
    words = [text for step in range(4) for text in batches.captions(step, dropped=0.1)]
    assert 20 <= words.count("") <= 60  # of 400: five standard deviations
    assert words[:100] == batches.captions(0, dropped=0.1)


def test_the_network_answers_nothing_at_first_and_takes_a_timestep_for_each_row() -> None:
    made = build(SIZES["small"])(torch.randn(2, 8, 16, 16), torch.tensor([3, 700]), torch.randn(2, 77, 128)).sample
    assert made.shape == (2, 8, 16, 16)
    assert made.abs().max() == 0


def test_the_large_one_is_larger() -> None:
    with torch.device("meta"):
        small, large = (sum(p.numel() for p in build(size).parameters()) for size in SIZES.values())
    assert 8e6 < small < 10e6
    assert 2 * small < large
