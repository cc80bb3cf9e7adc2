"""Styles as transformations of the finished drawing, uint8 (H, W, 3) to uint8 (H, W, 3)."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter


def apply(pixels: np.ndarray, style: str, seed: int) -> np.ndarray:
    """The drawing in the given style; `seed` places the brush's and the paper's accidents."""
    if style == "flat":
        return np.ascontiguousarray(pixels)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if style == "pencil sketch":
        return _pencil_sketch(image)
    if style == "pixel art":
        return _pixel_art(image)
    return _watercolor(image, np.random.default_rng(seed))


def _pencil_sketch(image: Image.Image) -> np.ndarray:
    """Colour dodge, the darkroom's own trick: grey over its blurred self leaves the lines."""
    gray = image.convert("L")
    blurred = gray.filter(ImageFilter.GaussianBlur(image.width / 48))
    tone = np.asarray(gray, np.float32)
    lines = np.clip((tone + 8) / (np.asarray(blurred, np.float32) + 8), 0, 1) ** 1.6
    sketch = 252 * lines * (0.72 + 0.28 * tone / 255)
    return np.repeat(np.clip(sketch, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def _pixel_art(image: Image.Image) -> np.ndarray:
    """Blocks of a thirty-second of the picture in a palette of five levels a channel."""
    small = image.resize((32, 32), Image.Resampling.BOX)
    levels = np.round(np.asarray(small, np.float32) / 255 * 5) / 5 * 255
    blocks = Image.fromarray(levels.astype(np.uint8))
    return np.asarray(blocks.resize(image.size, Image.Resampling.NEAREST))


def _watercolor(image: Image.Image, rng: np.random.Generator) -> np.ndarray:
    """Edges that wander, pigment that thins and pools, paper that shines through."""
    width, height = image.size
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(width / 200)), np.float32)
    dy, dx = (_clouds(rng, 12, (width, height)) * width * 0.014 for _ in range(2))
    rows = np.clip(np.arange(height)[:, None] + dy, 0, height - 1).astype(int)
    columns = np.clip(np.arange(width)[None, :] + dx, 0, width - 1).astype(int)
    pigment = 0.82 + 0.16 * _clouds(rng, 8, (width, height))[:, :, None]
    paper = np.array([252, 248, 238], np.float32)
    painted: np.ndarray = np.clip(paper + (soft[rows, columns] - paper) * pigment, 0, 255).astype(np.uint8)
    return painted


def _clouds(rng: np.random.Generator, cells: int, size: tuple[int, int]) -> np.ndarray:
    """Smooth noise of about `cells` blots across, float32 (H, W), mostly within -1 .. 1."""
    coarse = Image.fromarray(rng.uniform(-1, 1, (cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize(size, Image.Resampling.BICUBIC))
