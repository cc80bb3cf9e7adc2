"""A mosaic: irregular tesserae, each of one colour, in pale grout."""

from __future__ import annotations

import numpy as np
from PIL import Image

from worker.training.world.textures import blur, positions, to_bytes

_ACROSS = 20  # tesserae across the picture
_STRIDE = _ACROSS + 2  # with one ring of cells outside the picture
_GROUT = np.array([232, 224, 206], np.float32)
_HALF_GROUT = 0.085  # of a tessera
_ONE_TESSERA = 120  # the difference of colours that counts as much as a tessera's width


def lay(image: Image.Image, rng: np.random.Generator) -> np.ndarray:
    """The drawing in tesserae that stop at its contours, each the mean of the colours it covers, uint8 (H, W, 3)."""
    tessera, margin = _tessellation(image, rng)
    flat = np.asarray(image, np.float32).reshape(-1, 3)
    count = _STRIDE**2
    mean = _mean(flat, tessera, np.ones(len(flat), np.float32), count)
    # What differs much from the rest, such as a contour that cuts a corner, would only dull the stone.
    alike = np.exp(-((np.abs(flat - mean[tessera]).max(axis=1) / 50) ** 2)) + 1e-3
    cut = rng.uniform(0.86, 1.14, (count, 1))  # no two stones come from the same place
    stones = np.clip(_mean(flat, tessera, alike, count) * cut, 0, 255).astype(np.float32)
    covered = np.clip((margin - _HALF_GROUT) * image.width / _ACROSS + 0.5, 0, 1)[:, None]  # anti-aliased
    laid = _GROUT + (stones[tessera] - _GROUT) * covered
    return to_bytes(laid).reshape(image.height, image.width, 3)


def _mean(flat: np.ndarray, tessera: np.ndarray, weight: np.ndarray, count: int) -> np.ndarray:
    """The weighted mean colour of every tessera, (count, 3)."""
    total = np.maximum(np.bincount(tessera, weight, count), 1e-6)
    return np.stack([np.bincount(tessera, weight * channel, count) / total for channel in flat.T], axis=1)


def _tessellation(image: Image.Image, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """For every pixel its tessera, and how far the next one is in tesserae: (H W,) each.

    Voronoi cells of jittered centres in place and colour together (as SLIC does, Achanta et al., PAMI 2012), so
    that a tessera ends where the drawing changes.
    """
    width, height = image.size
    x, y = (np.broadcast_to(axis * _ACROSS, (height, width)).ravel() for axis in positions(image.size))
    colours = blur(image, 0.006).reshape(-1, 3).T / _ONE_TESSERA  # (3, H W)
    outer = np.arange(-1, _ACROSS + 1, dtype=np.float32)
    jitter = rng.uniform(0.14, 0.86, (2, _STRIDE, _STRIDE)).astype(np.float32)
    centre_x, centre_y = (jitter[0] + outer[None, :]).ravel(), (jitter[1] + outer[:, None]).ravel()
    column, row = (
        np.clip(c / _ACROSS * n, 0, n - 1).astype(np.intp) for c, n in ((centre_x, width), (centre_y, height))
    )
    points = np.vstack([x, y, colours])  # (5, H W)
    centres = np.vstack([centre_x, centre_y, colours[:, row * width + column]])  # (5, tesserae)

    home = (y.astype(np.intp) + 1) * _STRIDE + x.astype(np.intp) + 1
    nearest = second = np.full(x.shape, np.inf, np.float32)
    tessera = home
    for step in (down + right for down in (-_STRIDE, 0, _STRIDE) for right in (-1, 0, 1)):
        other = home + step
        distance = np.zeros_like(nearest)
        for point, centre in zip(points, centres, strict=True):
            distance += (point - centre[other]) ** 2
        closer = distance < nearest
        second = np.where(closer, nearest, np.minimum(second, distance))
        nearest, tessera = np.where(closer, distance, nearest), np.where(closer, other, tessera)
    return tessera, (np.sqrt(second) - np.sqrt(nearest)) / 2
