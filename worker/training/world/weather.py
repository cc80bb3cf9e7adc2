"""What the weather puts before things; what it does to the sky is in `light`. Lengths are hundredths of the picture."""

from __future__ import annotations

import numpy as np
import skia

from worker.training.world.light import MIST, Brush


def paint(canvas: skia.Canvas, weather: str, time: str, rng: np.random.Generator) -> None:
    """The rain or the fog before the subjects of an outdoor place; a clear sky and a rainbow stay behind them."""
    brush = Brush(canvas, time)
    if weather == "rain":
        _rain(brush, rng)
    elif weather == "fog":
        _veil(brush, 0.3, 0.1)
        shift = rng.uniform(-4, 4)
        _bank(brush, -10, 28 + shift, 82)
        _bank(brush, 72 + shift, 110, 94)


def paint_far(brush: Brush, weather: str) -> None:
    """The fog between the subjects and what is behind them."""
    if weather == "fog":
        _veil(brush, 0.7, 0.25)
        for left, right, y in ((-10, 58, 34), (40, 110, 48), (-10, 66, 62)):
            _bank(brush, left, right, y)


def _rain(brush: Brush, rng: np.random.Generator) -> None:
    brush.canvas.drawRect(skia.Rect.MakeWH(100, 100), brush.fill((112, 122, 138), alpha=0.18))
    streak = brush.line((226, 238, 250), 2.0, alpha=0.8)
    for row, y in enumerate(range(-6, 100, 17)):
        for x in range(-4 + 10 * (row % 2), 112, 20):
            left, top = x + rng.uniform(-3, 3), y + rng.uniform(-3, 3)
            brush.canvas.drawLine(left, top, left - 4, top + 11, streak)


def _veil(brush: Brush, top: float, bottom: float) -> None:
    """Mist of opacity `top` above, which thins out to `bottom` below."""
    upper, lower = (skia.Color(*MIST[brush.time], round(255 * alpha)) for alpha in (top, bottom))
    brush.fade(25, 85, upper, lower)


def _bank(brush: Brush, left: float, right: float, y: float) -> None:
    r, g, b = (round(c + (255 - c) * 0.4) for c in MIST[brush.time])
    paint = brush.fill((r, g, b), lit=False, alpha=0.7)
    brush.canvas.drawRoundRect(skia.Rect.MakeLTRB(left, y - 3.5, right, y + 3.5), 3.5, 3.5, paint)
