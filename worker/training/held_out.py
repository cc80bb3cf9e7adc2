"""Scenes that no training sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from worker.training.data import SIZE, scene
from worker.training.world.scenes import draw
from worker.training.world.vocabulary import Scene

FIRST = 10_000_000


def scenes(count: int, skip: int = 0) -> list[Scene]:
    """`count` of them, always the same, after the first `skip`."""
    return [scene(FIRST + index) for index in range(skip, skip + count)]


def pictures(shown: Sequence[Scene]) -> np.ndarray:
    """Their drawings, uint8 (N, 128, 128, 3)."""
    return np.stack([draw(each, SIZE) for each in shown])
