"""Styles as transformations of the finished drawing, uint8 (H, W, 3) to uint8 (H, W, 3)."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from worker.training.world import mosaic, munch
from worker.training.world.textures import blur, clouds, displace, enclosed, positions, to_bytes

_PAPER = np.array([252, 248, 238], np.float32)
_BOARD = np.array([30, 50, 44], np.float32)


def apply(pixels: np.ndarray, style: str, seed: int) -> np.ndarray:
    """The drawing in the given style; `seed` places the brush's and the paper's accidents."""
    pixels = np.ascontiguousarray(pixels)
    image, rng = Image.fromarray(pixels), np.random.default_rng(seed)
    match style:
        case "flat":
            return pixels
        case "pencil sketch":
            return _pencil_sketch(image)
        case "watercolor":
            return _watercolor(image, rng)
        case "pixel art":
            return _pixel_art(image)
        case "chalk":
            return _chalk(image, rng)
        case "mosaic":
            return mosaic.lay(image, rng)
        case "munch":
            return munch.paint(image, rng)
    raise ValueError(f"no style is called {style!r}")


def _pencil_sketch(image: Image.Image) -> np.ndarray:
    """Colour dodge, the darkroom's own trick: grey over its blurred self leaves the lines."""
    gray = image.convert("L")
    tone = np.asarray(gray, np.float32)
    lines = np.clip((tone + 8) / (blur(gray, 1 / 48) + 8), 0, 1) ** 1.6
    sketch = 252 * lines * (0.72 + 0.28 * tone / 255)
    return np.repeat(to_bytes(sketch)[:, :, None], 3, axis=2)


def _pixel_art(image: Image.Image) -> np.ndarray:
    """Blocks of a thirty-second of the picture, none of a mixed colour, in sixteen colours of the picture's own."""
    parts = np.asarray(image.resize((96, 96), Image.Resampling.BOX)).reshape(32, 3, 32, 3, 3)
    parts = parts.swapaxes(1, 2).reshape(32, 32, 9, 3)
    off = np.abs(parts - parts.mean(axis=2, keepdims=True)).sum(axis=3, keepdims=True)
    off += 0.35 * parts.sum(axis=3, keepdims=True)  # rather the dark one, or contours would come apart
    typical = np.take_along_axis(parts, off.argmin(axis=2, keepdims=True), axis=2)[:, :, 0]
    blocks = Image.fromarray(typical).quantize(16, kmeans=3, dither=Image.Dither.NONE).convert("RGB")
    return np.asarray(blocks.resize(image.size, Image.Resampling.NEAREST))


def _watercolor(image: Image.Image, rng: np.random.Generator) -> np.ndarray:
    """Contours that wander, pigment that thins, granulates and pools at its edges, a margin of bare paper.

    Transparent pigment of density d over paper shows paper * transmittance ** d (Bousseau et al., NPAR 2006).
    """
    size = image.size
    dx, dy = (0.016 * clouds(rng, 7, size) + 0.008 * clouds(rng, 20, size) for _ in range(2))
    sharp = blur(image, 1 / 160)
    edges = np.clip(np.abs(sharp - blur(image, 1 / 40)).max(axis=2) / 60, 0, 1)
    moved = displace(np.dstack([sharp, edges]), dx, dy)
    washed, pooled = moved[..., :3], moved[..., 3]

    x, y = positions(size)
    inside = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) + 0.018 * clouds(rng, 9, size) - 0.045
    covered = np.clip(inside / 0.012 + 0.5, 0, 1)
    rim = covered * np.clip(1 - inside / 0.025, 0, 1)
    density = 0.7 + 0.22 * clouds(rng, 6, size) + 0.16 * clouds(rng, 30, size) + 0.6 * pooled + 0.4 * rim
    transmittance = np.clip(washed / 255, 0.06, 0.97)
    return to_bytes(_PAPER * transmittance ** (density * covered)[..., None])


def _chalk(image: Image.Image, rng: np.random.Generator) -> np.ndarray:
    """Pale contours and rubbed fills in chalks of the drawing's colours, on a dark green board."""
    size = image.size
    reach = 2 * round(image.width / 128) + 1  # MaxFilter takes odd numbers of pixels
    lightest, darkest = (
        np.asarray(image.filter(f(reach)), np.float32) for f in (ImageFilter.MaxFilter, ImageFilter.MinFilter)
    )
    contour = np.clip((lightest - darkest).max(axis=2) / 70 - 0.2, 0, 1)
    brightness = lightest.max(axis=2)
    chalk = lightest * (240 / np.maximum(brightness, 70))[..., None]
    chalk += (250 - chalk) * (0.06 + 0.42 * contour[..., None])

    grain = clouds(rng, 44, size)
    rubbed = 0.85 + 0.22 * _hatching(rng, size) + 0.2 * grain
    fill = brightness / 255 * (0.26 + 0.5 * enclosed(image)) * rubbed
    cover = np.clip(np.maximum(fill, contour * (0.8 + 0.3 * grain)), 0, 0.95)[..., None]
    board = _BOARD * (1 + 0.15 * clouds(rng, 5, size))[..., None]
    return to_bytes(board + (chalk - board) * cover)


def _hatching(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Slanting strokes, about eleven across the picture, that waver, -1 .. 1."""
    x, y = positions(size)
    strokes: np.ndarray = np.sin(2 * np.pi * (11 * (x + y) + 0.5 * clouds(rng, 8, size)))
    return strokes
