"""What the styles share: noise, displacement and the reading of a drawing. All lengths are shares of the width."""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image, ImageFilter

_READING = 64  # the drawing is read for its subject at this many pixels a side, whatever its size


@cache
def positions(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Column and row of every pixel centre in 0 .. 1: float32 (1, W) and (H, 1)."""
    x, y = ((np.arange(length, dtype=np.float32) + 0.5) / length for length in size)
    return x[None, :], y[:, None]


def clouds(rng: np.random.Generator, cells: int, size: tuple[int, int]) -> np.ndarray:
    """Smooth noise of about `cells` blots across, float32 (H, W), mostly within -1 .. 1."""
    return enlarge(rng.uniform(-1, 1, (cells, cells)).astype(np.float32), size)


def enlarge(field: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A float32 field (h, w) at another size (W, H), smoothly: (H, W)."""
    return np.asarray(Image.fromarray(field).resize(size, Image.Resampling.BICUBIC))


def blur(image: Image.Image, share: float) -> np.ndarray:
    """The image under a Gaussian whose standard deviation is `share` of the width, float32."""
    return np.asarray(image.filter(ImageFilter.GaussianBlur(image.width * share)), np.float32)


def displace(pixels: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Every pixel taken from (dx, dy) further on, in shares of the width; bilinear, float32 (H, W, C)."""
    height, width = pixels.shape[:2]
    x = np.clip(np.arange(width, dtype=np.float32)[None, :] + dx * width, 0, width - 1.001)
    y = np.clip(np.arange(height, dtype=np.float32)[:, None] + dy * width, 0, height - 1.001)
    left, top = x.astype(np.intp), y.astype(np.intp)
    x, y = (x - left)[..., None], (y - top)[..., None]
    flat, corner = pixels.reshape(height * width, -1).astype(np.float32, copy=False), top * width + left
    moved: np.ndarray = np.take(flat, corner, axis=0) * ((1 - x) * (1 - y))
    for offset, weight in ((1, x * (1 - y)), (width, (1 - x) * y), (width + 1, x * y)):
        moved += np.take(flat, corner + offset, axis=0) * weight
    return moved


def enclosed(image: Image.Image) -> np.ndarray:
    """How far a pixel is shut off from the picture's edge by contours: near 1 in a subject, 0 behind it; (H, W).

    A pixel is open where one straight way to the left, the right or the upper edge crosses little contrast.
    """
    small = np.asarray(image.resize((_READING, _READING), Image.Resampling.BOX), np.float32) / 255
    across = np.abs(np.diff(small, axis=1, prepend=small[:, :1])).max(axis=2).cumsum(axis=1)
    down = np.abs(np.diff(small, axis=0, prepend=small[:1])).max(axis=2).cumsum(axis=0)
    crossed = np.minimum(np.minimum(across, across[:, -1:] - across), down)
    return enlarge(np.clip((crossed - 0.25) / 0.45, 0, 1).astype(np.float32), image.size).clip(0, 1)


def to_bytes(painted: np.ndarray) -> np.ndarray:
    """0 .. 255 as uint8, what lies outside clipped."""
    clipped: np.ndarray = np.rint(np.clip(painted, 0, 255)).astype(np.uint8)
    return clipped
