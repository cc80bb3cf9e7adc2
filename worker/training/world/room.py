"""A room: wallpaper, floor boards, a rug, a picture, and a window on the sky; lengths are hundredths of the picture."""

from __future__ import annotations

import numpy as np
import skia

from worker.training.world import weather as weathers
from worker.training.world.light import Brush, paint_sky

FRAME = (250, 246, 238)
FLOOR = 70.0  # y, where it meets the wall


def paint(brush: Brush, weather: str, rng: np.random.Generator) -> None:
    """All of the picture; the weather stays outside."""
    left = bool(rng.integers(2))
    shift = rng.uniform(-2, 2)
    _wall(brush)
    _floor(brush)
    brush.hill(50, 88, 40, 9, (196, 120, 104))
    brush.hill(50, 88, 33, 6, (222, 168, 140))
    _picture(brush, (82 if left else 18) + shift, 24)
    _window(brush, (8 if left else 56) + shift, 9, 36, weather, rng)


def _wall(brush: Brush) -> None:
    brush.rect(0, 0, 100, 100, (240, 218, 186))
    for x in range(0, 100, 14):
        brush.rect(x, 0, 7, FLOOR, (232, 204, 168))
    brush.rect(0, FLOOR - 4, 100, 4, FRAME)


def _floor(brush: Brush) -> None:
    brush.rect(0, FLOOR, 100, 31, (186, 130, 82))
    for x in range(-100, 220, 20):  # the joints between boards run towards one point
        brush.canvas.drawLine(50 + (x - 50) * 0.6, FLOOR, x, 101, brush.line((160, 109, 67), 2.0))


def _picture(brush: Brush, x: float, y: float) -> None:
    brush.rect(x - 9, y - 11, 18, 22, (132, 88, 56))
    brush.rect(x - 6.5, y - 8.5, 13, 17, (236, 232, 214))
    brush.ball(x, y - 2, 3.2, (232, 140, 80))
    brush.polygon([(x - 6.5, y + 8.5), (x - 1, y + 1), (x + 6.5, y + 8.5)], (96, 140, 150))


def _window(brush: Brush, x: float, y: float, size: float, weather: str, rng: np.random.Generator) -> None:
    """A square window with four panes."""
    brush.rect(x - 3, y - 3, size + 6, size + 6, FRAME)
    canvas = brush.canvas
    canvas.save()
    canvas.clipRect(skia.Rect.MakeXYWH(x, y, size, size), skia.ClipOp.kIntersect, True)
    canvas.translate(x, y)
    canvas.scale(0.7, 0.7)  # the picture's upper left half, a little smaller
    paint_sky(brush, weather, rng, (13.0, 38.0))
    brush.hill(10, 58, 40, 16, (120, 185, 80))
    brush.hill(48, 60, 30, 16, (105, 175, 70))
    weathers.paint_far(brush, weather)
    weathers.paint(canvas, weather, brush.time, rng)
    canvas.restore()
    brush.rect(x + size / 2 - 1.2, y, 2.4, size, FRAME)
    brush.rect(x, y + size / 2 - 1.2, size, 2.4, FRAME)
    brush.rect(x - 4.5, y + size + 2, size + 9, 3.5, (222, 210, 192))
