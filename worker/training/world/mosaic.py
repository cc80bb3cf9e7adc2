"""A mosaic: irregular tesserae, each of one colour, in pale grout."""

from __future__ import annotations

import numpy as np

from worker.training.world.textures import positions

_ACROSS = 22  # tesserae across the picture
_GROUT = (232, 224, 206)
_HALF_GROUT = 0.1  # of a tessera


def lay(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The drawing in Voronoi cells around jittered centres, each its mean colour, uint8 (H, W, 3)."""
    height, width = pixels.shape[:2]
    cell, margin = _voronoi((width, height), rng)
    count = np.maximum(np.bincount(cell, minlength=(_ACROSS + 2) ** 2), 1)
    mean = np.stack([np.bincount(cell, channel, len(count)) for channel in pixels.reshape(-1, 3).T], axis=1)
    glaze = rng.uniform(0.9, 1.1, (len(count), 1))  # no two stones are cut from the same place
    stones = np.clip(mean / count[:, None] * glaze, 0, 255).astype(np.float32)
    pixel = _ACROSS / width  # anti-aliasing: one pixel, in tesserae
    stone = np.clip((margin - _HALF_GROUT) / pixel + 0.5, 0, 1)[:, None]
    laid: np.ndarray = _GROUT + (stones[cell] - _GROUT) * stone
    return laid.astype(np.uint8).reshape(height, width, 3)


def _voronoi(size: tuple[int, int], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """For every pixel its cell and its distance to the next cell in cells, (H W,) each."""
    stride = _ACROSS + 2  # one ring of cells outside the picture
    jitter = rng.uniform(0.14, 0.86, (2, stride, stride)).astype(np.float32)
    centre_x = (jitter[0] + np.arange(-1, _ACROSS + 1, dtype=np.float32)[None, :]).ravel()
    centre_y = (jitter[1] + np.arange(-1, _ACROSS + 1, dtype=np.float32)[:, None]).ravel()
    x, y = (np.broadcast_to(p * _ACROSS, size[::-1]).ravel() for p in positions(size))
    home = (y.astype(np.intp) + 1) * stride + x.astype(np.intp) + 1
    nearest, second = np.full(x.shape, 9, np.float32), np.full(x.shape, 9, np.float32)
    cell = home
    for step in (-stride - 1, -stride, -stride + 1, -1, 0, 1, stride - 1, stride, stride + 1):
        other = home + step
        distance = (x - centre_x[other]) ** 2 + (y - centre_y[other]) ** 2
        closer = distance < nearest
        second = np.where(closer, nearest, np.minimum(second, distance))
        nearest, cell = np.where(closer, distance, nearest), np.where(closer, other, cell)
    return cell, (np.sqrt(second) - np.sqrt(nearest)) / 2
