"""Styles as transformations of the finished drawing, uint8 (H, W, 3) to uint8 (H, W, 3)."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from worker.training.world import mosaic, munch
from worker.training.world.textures import blur, clouds, displace, enclosed, positions

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
            return mosaic.lay(pixels, rng)
        case "munch":
            return munch.paint(image, rng)
    raise ValueError(f"no style is called {style!r}")


def _pencil_sketch(image: Image.Image) -> np.ndarray:
    """Colour dodge, the darkroom's own trick: grey over its blurred self leaves the lines."""
    gray = image.convert("L")
    tone = np.asarray(gray, np.float32)
    lines = np.clip((tone + 8) / (blur(gray, 1 / 48) + 8), 0, 1) ** 1.6
    sketch = 252 * lines * (0.72 + 0.28 * tone / 255)
    return np.repeat(np.clip(sketch, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def _pixel_art(image: Image.Image) -> np.ndarray:
    """Blocks of a thirty-second of the picture in sixteen colours of its own."""
    small = image.resize((32, 32), Image.Resampling.BOX).quantize(16, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    return np.asarray(small.convert("RGB").resize(image.size, Image.Resampling.NEAREST))


def _watercolor(image: Image.Image, rng: np.random.Generator) -> np.ndarray:
    """Contours that wander, pigment that thins, granulates and pools at its edges, a margin of bare paper.

    Transparent pigment of density d over paper shows paper * transmittance ** d (Bousseau et al., NPAR 2006).
    """
    size = image.size
    dx, dy = (0.016 * clouds(rng, 7, size) + 0.008 * clouds(rng, 20, size) for _ in range(2))
    washed = displace(blur(image, 1 / 160), dx, dy)
    soft = displace(blur(image, 1 / 40), dx, dy)
    pooled = np.clip(np.abs(washed - soft).max(axis=2) / 60, 0, 1)

    x, y = positions(size)
    inside = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) + 0.018 * clouds(rng, 9, size) - 0.045
    covered = np.clip(inside / 0.012 + 0.5, 0, 1)
    rim = covered * np.clip(1 - inside / 0.025, 0, 1)
    density = 0.78 + 0.2 * clouds(rng, 6, size) + 0.14 * clouds(rng, 36, size) + 0.7 * pooled + 0.4 * rim
    transmittance = np.clip(washed / 255, 0.06, 0.97)
    return (_PAPER * transmittance ** (density * covered)[..., None]).astype(np.uint8)


def _chalk(image: Image.Image, rng: np.random.Generator) -> np.ndarray:
    """Light contours and rubbed fills in pale chalks of the drawing's colours, on a dark green board."""
    size = image.size
    reach = 2 * round(image.width / 128) + 1
    inkless = np.asarray(image.filter(ImageFilter.MaxFilter(reach)).filter(ImageFilter.GaussianBlur(image.width / 256)))
    colour = inkless.astype(np.float32)
    light = colour.max(axis=2, keepdims=True)
    chalk = 255 - (255 - colour * (235 / np.maximum(light, 60))) * 0.8
    contour = np.clip(np.abs(blur(image, 1 / 220) - blur(image, 1 / 50)).max(axis=2) / 40 - 0.25, 0, 1)
    grain = clouds(rng, 44, size)
    hatching = _hatching(rng, size)
    fill = (light[..., 0] / 255) ** 1.5 * (0.16 + 0.4 * enclosed(image)) * np.clip(0.75 + 0.5 * hatching + 0.4 * grain, 0, 1.2)
    cover = np.clip(np.maximum(fill, contour * (0.85 + 0.4 * grain)), 0, 0.95)[..., None]
    board = _BOARD * (1 + 0.15 * clouds(rng, 5, size))[..., None]
    return np.clip(board + (chalk - board) * cover, 0, 255).astype(np.uint8)


def _hatching(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Slanting strokes, about 24 across the picture, that waver, -1 .. 1."""
    x, y = positions(size)
    return np.sin(2 * np.pi * (17 * (x + y) + 0.5 * clouds(rng, 8, size)))
