"""The backgrounds: what lies under and behind the subjects at each place, in hundredths of the picture."""

from __future__ import annotations

import numpy as np
import skia

from worker.training.world import room
from worker.training.world.light import Brush, paint_sky
from worker.training.world.vocabulary import RGB
from worker.training.world.weather import paint_far

INDOORS = ("room",)  # where the weather is seen through the window only

SIDES: dict[str, tuple[float, float]] = {"mountains": (35, 65), "forest": (36, 64)}  # sun and cloud in the gaps

# The y at which a subject's feet stand; in the sky, where the lower edge of one in the middle is.
GROUND: dict[str, tuple[float, float]] = {
    "beach": (82, 90),
    "sea": (88, 92),  # in the water of the foreground
    "meadow": (82, 90),
    "mountains": (82, 90),
    "snow": (82, 90),
    "desert": (82, 90),
    "city": (84, 92),
    "forest": (84, 92),
    "room": (84, 92),
    "garden": (84, 92),
    "sky": (66, 78),
}


def paint(canvas: skia.Canvas, place: str, time: str, rng: np.random.Generator, weather: str = "clear") -> None:
    """Sky and ground, all of the picture; `weather.paint` adds what is before the subjects, if not INDOORS."""
    brush = Brush(canvas, time)
    if place in INDOORS:
        room.paint(brush, weather, rng)
        return
    paint_sky(brush, weather, rng, SIDES.get(place, (14, 84)))
    GROUNDS[place](brush, rng)
    paint_far(brush, weather)


def paint_foreground(canvas: skia.Canvas, place: str, time: str, rng: np.random.Generator) -> None:
    """What stands before the subjects: on the sea, the water that they float in."""
    if place == "sea":
        brush = Brush(canvas, time)
        _wave(brush, 84 + rng.uniform(-1, 1), (30, 92, 165), rng)
        _wave(brush, 92 + rng.uniform(-1, 1), (22, 74, 145), rng)


def _wave(brush: Brush, y: float, colour: RGB, rng: np.random.Generator) -> None:
    """Water from its pointed crests, at `y`, down to the picture's lower edge, with foam along the crests."""
    path = skia.Path()
    x = -20 + float(rng.uniform(0, 20))
    path.moveTo(x - 20, y)
    while x < 120:
        path.quadTo(x - 10, y + 8, x, y)
        x += 20
    foam = skia.Path(path)
    path.lineTo(x, 101)
    path.lineTo(-40, 101)
    path.close()
    brush.canvas.drawPath(path, brush.fill(colour))
    brush.canvas.drawPath(foam, brush.line((205, 230, 245), 2.0))


def _beach(brush: Brush, rng: np.random.Generator) -> None:
    horizon = 48 + rng.uniform(-2, 2)
    brush.rect(0, horizon, 100, 30, (40, 130, 200))
    x = rng.uniform(10, 40)
    for dy, colour in ((15.0, (225, 240, 245)), (18.0, (240, 212, 150))):
        brush.rect(0, horizon + dy + 3, 100, 60, colour)
        for i in range(-1, 4):  # the shore in bays
            brush.hill(x + 32 * i, horizon + dy + 4, 20, 5, colour)


def _sea(brush: Brush, rng: np.random.Generator) -> None:
    horizon = 50 + rng.uniform(-2, 2)
    brush.rect(0, horizon, 100, 60, (58, 140, 205))
    _wave(brush, horizon + 8, (48, 124, 195), rng)
    _wave(brush, horizon + 20, (38, 108, 182), rng)


def _meadow(brush: Brush, rng: np.random.Generator) -> None:
    x = rng.uniform(15, 35)
    brush.hill(x, 74, 60, 22, (135, 195, 90))
    brush.hill(x + 60, 76, 60, 22, (120, 185, 80))
    brush.rect(0, 64, 100, 40, (105, 175, 70))
    for _ in range(9):
        brush.ball(rng.uniform(3, 97), rng.uniform(70, 97), 1.5, (255, 245, 170))


def _mountains(brush: Brush, rng: np.random.Generator) -> None:
    shift = rng.uniform(-6, 6)
    for x, y, half in ((18 + shift, 24, 34), (82 + shift, 20, 38), (50 + shift, 32, 30)):
        foot = 68.0
        slope = half / (foot - y)
        brush.polygon([(x, y), (x + half, foot), (x - half, foot)], (136, 142, 164))
        brush.polygon([(x, y), (x + half, foot), (x + half * 0.2, foot)], (104, 110, 136))
        snow = [
            (x, y),
            (x + slope * 14, y + 14),
            (x + 4, y + 10),
            (x, y + 15),
            (x - 4, y + 10),
            (x - slope * 14, y + 14),
        ]
        brush.polygon(snow, (250, 250, 255))
    brush.rect(0, 66, 100, 40, (110, 140, 95))


def _fir(brush: Brush, x: float, foot: float, size: float, colour: RGB) -> None:
    """Three tiers on a trunk, `size` high, half as wide; each a little lighter than the one below."""
    r, g, b = colour
    brush.rect(x - size * 0.05, foot - size * 0.2, size * 0.1, size * 0.2, (96, 66, 46))
    for i, (top, half) in enumerate(((0.28, 0.27), (0.52, 0.22), (0.72, 0.16))):
        y = foot - size * top
        tip = foot - size * min(top + 0.4, 1.0)
        brush.polygon(
            [(x, tip), (x + size * half, y + size * 0.12), (x - size * half, y + size * 0.12)],
            (r + 9 * i, g + 9 * i, b + 9 * i),
        )


def _snow(brush: Brush, rng: np.random.Generator) -> None:
    brush.hill(rng.uniform(20, 80), 72, 70, 18, (226, 234, 244))
    brush.rect(0, 66, 100, 40, (238, 243, 250))
    for x in (rng.uniform(4, 16), rng.uniform(84, 96)):
        for y in (62, 52, 43):
            brush.polygon([(x, y - 12), (x + 9, y + 4), (x - 9, y + 4)], (70, 120, 110))
        brush.polygon([(x, 31), (x + 4, 38), (x - 4, 38)], (250, 252, 255))
    for i in range(16):  # one flake in each of 4 by 4 fields
        brush.ball(
            25 * (i % 4) + rng.uniform(3, 22), 15 * (i // 4) + rng.uniform(2, 13), 1.3, (255, 255, 255), lit=False
        )


def _desert(brush: Brush, rng: np.random.Generator) -> None:
    brush.hill(rng.uniform(10, 40), 76, 60, 20, (226, 168, 92))
    brush.hill(rng.uniform(70, 95), 78, 60, 22, (218, 158, 82))
    brush.rect(0, 68, 100, 40, (232, 178, 100))
    x = rng.choice([11.0, 89.0]) + rng.uniform(-2, 2)
    for dx, y, w, h in ((-3, 40, 6, 32), (-9, 48, 4, 12), (-9, 56, 9, 4), (5, 45, 4, 11), (0, 52, 9, 4)):
        brush.rect(x + dx, y, w, h, (70, 130, 70), round_=2)


def _city(brush: Brush, rng: np.random.Generator) -> None:
    x = -float(rng.uniform(0, 8))
    windows = (215, 230, 240) if brush.share == 0 else (255, 226, 120)
    while x < 100:
        width, top = rng.uniform(15, 20), rng.uniform(16, 40)
        tone = round(rng.uniform(135, 175))
        brush.rect(x, top, width - 1, 72 - top, (tone - 15, tone - 8, tone + 10))
        for wx in (x + width * 0.18, x + width * 0.58):
            for wy in np.arange(top + 5, 64, 12.0):
                brush.rect(wx, wy, 3.6, 5.5, windows, lit=False)
        x += width
    brush.rect(0, 70, 100, 4, (190, 190, 195))
    brush.rect(0, 74, 100, 30, (105, 105, 112))
    for dash in range(-4, 100, 24):
        brush.rect(dash, 94, 12, 2, (215, 215, 205))


def _forest(brush: Brush, rng: np.random.Generator) -> None:
    """Pale firs far off, dark ones near, at the sides, where the subject does not hide them."""
    shift = rng.uniform(-4, 4)
    for i in range(10):
        _fir(brush, 12 * i - 4 + shift, 77, 38 + 6 * (i % 2), (104, 152, 112))
    brush.rect(0, 66, 100, 40, (66, 112, 62))
    for left, size in ((2, 72), (21, 54), (71, 58), (90, 70)):
        _fir(brush, left + rng.uniform(0, 8), 76, size, (36, 92, 62))


def _garden(brush: Brush, rng: np.random.Generator) -> None:
    """A hedge, a white fence, a bed of flowers along it, a mown lawn."""
    shift = rng.uniform(-3, 3)
    for x in range(-8, 116, 14):
        brush.ball(x + shift, 48, 9, (62, 132, 66))
    brush.rect(0, 48, 100, 22, (62, 132, 66))
    for y in (54, 63):
        brush.rect(0, y, 100, 2.5, (246, 246, 240))
    for x in np.arange(-2, 104, 9.0) + shift:
        brush.polygon([(x, 72), (x, 50), (x + 2.5, 46), (x + 5, 50), (x + 5, 72)], (250, 250, 246))
    brush.rect(0, 71, 100, 30, (140, 204, 96))
    brush.rect(0, 80, 100, 9, (124, 192, 84))
    blossoms = ((236, 84, 96), (255, 214, 80), (240, 150, 200))
    for i, x in enumerate(np.arange(3, 100, 7.0) + shift):
        brush.ball(x, 72, 3.4, (62, 140, 62))
        brush.ball(x, 70 + rng.uniform(-1, 1), 2.4, blossoms[i % 3])


def _sky(brush: Brush, rng: np.random.Generator) -> None:
    """Clouds below, as from a plane."""
    shift = rng.uniform(-8, 8)
    for y, colour in ((92, (214, 232, 248)), (99, (246, 250, 255))):
        for i, x in enumerate(range(-12, 124, 16)):
            brush.ball(x + shift, y, 9 + 3 * (i % 2), colour)
        shift += 8


GROUNDS = {
    "beach": _beach,
    "sea": _sea,
    "meadow": _meadow,
    "mountains": _mountains,
    "snow": _snow,
    "desert": _desert,
    "city": _city,
    "forest": _forest,
    "garden": _garden,
    "sky": _sky,
}
