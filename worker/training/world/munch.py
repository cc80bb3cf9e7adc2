"""After Edvard Munch's The Scream (1893): long strokes along one flow, a burning sky, deep blue-green below."""

from __future__ import annotations

import numpy as np
from PIL import Image

from worker.training.world.textures import clouds, displace, enclosed, enlarge, positions, to_bytes

_CELLS = 64  # the flow is followed on a grid of this many cells a side, whatever the picture's size
_SKY = np.array([(150, 30, 24), (214, 62, 26), (240, 120, 34), (250, 190, 70)], np.float32)
_DEPTHS = np.array([(14, 22, 34), (22, 52, 66), (44, 92, 94), (110, 140, 110)], np.float32)


def paint(image: Image.Image, rng: np.random.Generator) -> np.ndarray:
    """The drawing as Munch might have painted it, uint8 (H, W, 3)."""
    _, y = positions(image.size)
    stream = _stream(image, rng)
    strokes = enlarge(_line_integral_convolution(stream, rng), image.size)
    wave = enlarge(np.sin(2 * np.pi * 2.2 * stream), image.size) * 0.012
    moved = displace(np.dstack([np.asarray(image), enclosed(image)]), wave * 0.6, wave)
    drawing, subject = moved[..., :3], moved[..., 3]
    light = drawing @ np.full(3, 1 / 765, np.float32)

    bands = enlarge(np.sin(2 * np.pi * 3.5 * stream), image.size)
    sky = _along(_SKY, 0.5 + 0.3 * strokes + 0.28 * bands)
    depths = _along(_DEPTHS, 0.75 * light + 0.22 * strokes + 0.1 * bands)
    above = np.clip((0.62 - y) / 0.3, 0, 1)
    share = (0.12 + 0.76 * (1 - subject)) * np.maximum(above, 0.84)  # of Munch's palette, the rest is the drawing's
    share_sky, share_depths = share * above, share * (1 - above) * 0.62
    relief = 1 + 0.3 * strokes
    painted = drawing * ((1 - share_sky - share_depths) * relief)[..., None]
    painted += sky * (share_sky * (0.66 + 0.34 * light) * relief)[..., None]
    painted += depths * (share_depths * relief)[..., None] + 14 * strokes[..., None]
    return to_bytes(painted)


def _stream(image: Image.Image, rng: np.random.Generator) -> np.ndarray:
    """The stream function whose level lines the strokes follow: wavy bands that part around what is drawn."""
    grid = (_CELLS, _CELLS)
    _, y = positions(grid)
    tone = image.convert("L").resize((16, 16), Image.Resampling.BOX).resize(grid, Image.Resampling.BICUBIC)
    stream: np.ndarray = y + 0.2 * clouds(rng, 5, grid) + 0.25 * np.asarray(tone, np.float32) / 255
    return stream


def _line_integral_convolution(stream: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise smeared along the level lines (Cabral and Leedom, SIGGRAPH 1993), (cells, cells) of deviation 0.5."""
    down, across = np.gradient(stream)
    norm = np.hypot(down, across) + 1e-6
    vx, vy = (down / norm).ravel(), (-across / norm).ravel()
    noise = clouds(rng, 40, stream.shape).ravel()
    total = noise.copy()
    for direction in (1, -1):
        y, x = (np.ascontiguousarray(axis, np.float32).ravel() for axis in np.indices(stream.shape))
        at = np.arange(noise.size)
        for _ in range(10):
            x, y = (np.clip(p + direction * v[at], 0, _CELLS - 1) for p, v in ((x, vx), (y, vy)))
            at = np.rint(y).astype(np.intp) * _CELLS + np.rint(x).astype(np.intp)
            total += noise[at]
    strokes: np.ndarray = (total - total.mean()) / total.std() / 2
    return strokes.reshape(stream.shape)


def _along(colours: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The colour at 0 .. 1 along a row of colours: (H, W) to float32 (H, W, 3)."""
    stops, steps = np.linspace(0, 1, len(colours)), np.linspace(0, 1, 256)
    table = np.stack([np.interp(steps, stops, channel) for channel in colours.T], axis=1).astype(np.float32)
    taken: np.ndarray = np.take(table, (np.clip(at, 0, 1) * 255).astype(np.intp), axis=0)
    return taken
