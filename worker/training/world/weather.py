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
        _veil(brush, 0.5, 0.12)
        _banks(brush, rng)


def paint_far(brush: Brush, weather: str) -> None:
    """The fog between the subjects and what is behind them."""
    if weather == "fog":
        _veil(brush, 0.75, 0.25)


def _rain(brush: Brush, rng: np.random.Generator) -> None:
    brush.canvas.drawRect(skia.Rect.MakeWH(100, 100), brush.fill((112, 122, 138), alpha=0.18))
    streak = brush.line((226, 238, 250), 1.7, alpha=0.8)
    for row, y in enumerate(range(-6, 100, 17)):
        for x in range(-4 + 10 * (row % 2), 112, 20):
            left, top = x + rng.uniform(-3, 3), y + rng.uniform(-3, 3)
            brush.canvas.drawLine(left, top, left - 4, top + 11, streak)


def _veil(brush: Brush, top: float, bottom: float) -> None:
    """Mist of opacity `top` above, which thins out to `bottom` below."""
    upper, lower = (skia.Color(*MIST[brush.time], round(255 * alpha)) for alpha in (top, bottom))
    brush.fade(25, 85, upper, lower)


def _banks(brush: Brush, rng: np.random.Generator) -> None:
    """Three long soft banks, at the sides rather than before the middle, where the subject stands."""
    for x, y in ((8, 40), (94, 58), (4, 76)):
        paint = brush.fill(MIST[brush.time], lit=False, alpha=0.75)
        paint.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, 2))
        left = x + rng.uniform(-6, 6)
        brush.canvas.drawRoundRect(skia.Rect.MakeLTRB(left - 32, y - 4, left + 32, y + 4), 4, 4, paint)
