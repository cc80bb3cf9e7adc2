"""Scenes that no training sees, and their drawings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from worker.training.data import HELD_OUT, scene
from worker.training.world.scenes import draw
from worker.training.world.vocabulary import Scene


def scenes(count: int, skip: int = 0) -> list[Scene]:
    """`count` of them, always the same, after the first `skip`."""
    return [scene(HELD_OUT + index) for index in range(skip, skip + count)]


def pictures(shown: Sequence[Scene], pixels: int = 128) -> np.ndarray:
    """Their drawings, uint8 (N, pixels, pixels, 3)."""
    return np.stack([draw(each, pixels) for each in shown])
