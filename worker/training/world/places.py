"""The backgrounds: a sky for each time of day, and a ground for each place, in hundredths of the picture."""

from __future__ import annotations

import numpy as np
import skia

RGB = tuple[int, int, int]

PLACES = ("beach", "sea", "meadow", "mountains", "snow", "desert", "city")

SKIES: dict[str, tuple[RGB, RGB]] = {  # top, horizon
    "day": ((120, 190, 245), (205, 232, 250)),
    "sunset": ((122, 74, 150), (255, 160, 80)),
    "night": ((22, 26, 66), (58, 64, 122)),
}
LIGHT: dict[str, tuple[float, RGB]] = {  # how much of which tint lies over the ground
    "day": (0.0, (0, 0, 0)),
    "sunset": (0.25, (225, 100, 60)),
    "night": (0.5, (32, 38, 84)),
}


class Brush:
    """Fills shapes in the light of a time of day."""

    def __init__(self, canvas: skia.Canvas, time: str) -> None:
        self.canvas = canvas
        self.share, self.tint = LIGHT[time]

    def fill(self, colour: RGB, *, lit: bool = True) -> skia.Paint:
        share = self.share if lit else 0.0
        toned = [round(c + (t - c) * share) for c, t in zip(colour, self.tint, strict=True)]
        return skia.Paint(AntiAlias=True, Color=skia.Color(*toned))

    def rect(self, x: float, y: float, w: float, h: float, colour: RGB, *, lit: bool = True) -> None:
        self.canvas.drawRect(skia.Rect.MakeXYWH(x, y, w, h), self.fill(colour, lit=lit))

    def ball(self, x: float, y: float, r: float, colour: RGB, *, lit: bool = True) -> None:
        self.canvas.drawCircle(x, y, r, self.fill(colour, lit=lit))

    def polygon(self, points: list[tuple[float, float]], colour: RGB) -> None:
        path = skia.Path()
        path.addPoly([skia.Point(x, y) for x, y in points], True)
        self.canvas.drawPath(path, self.fill(colour))

    def hill(self, x: float, y: float, rx: float, ry: float, colour: RGB) -> None:
        self.canvas.drawOval(skia.Rect.MakeLTRB(x - rx, y - ry, x + rx, y + ry), self.fill(colour))


def paint(canvas: skia.Canvas, place: str, time: str, rng: np.random.Generator) -> None:
    """Sky and ground, all of the picture."""
    brush = Brush(canvas, time)
    _sky(brush, time, rng)
    GROUNDS[place](brush, rng)


def paint_foreground(canvas: skia.Canvas, place: str, time: str, rng: np.random.Generator) -> None:
    """What stands before the subjects: on the sea, the water that they float in."""
    if place == "sea":
        brush = Brush(canvas, time)
        _wave(brush, 86 + rng.uniform(-1, 1), (30, 92, 165), rng)
        _wave(brush, 93 + rng.uniform(-1, 1), (22, 74, 145), rng)


def _sky(brush: Brush, time: str, rng: np.random.Generator) -> None:
    top, horizon = (skia.Color(*colour) for colour in SKIES[time])
    shader = skia.GradientShader.MakeLinear([skia.Point(0, 0), skia.Point(0, 55)], [top, horizon])
    brush.canvas.drawRect(skia.Rect.MakeWH(100, 100), skia.Paint(Shader=shader))
    side = rng.choice([14.0, 84.0]) + rng.uniform(-4, 4)
    if time == "day":
        brush.ball(side, 14, 8, (255, 226, 90))
        cloud = 98 - side
        for dx, r in ((-8, 4.5), (0, 6.5), (8, 4.5)):
            brush.ball(cloud + dx, 14, r, (255, 255, 255))
    elif time == "sunset":
        brush.ball(side, 38, 11, (255, 222, 110), lit=False)
    else:
        brush.ball(side, 14, 8, (246, 244, 214), lit=False)
        for _ in range(7):
            brush.ball(rng.uniform(2, 98), rng.uniform(2, 34), 0.9, (240, 240, 255), lit=False)


def _wave(brush: Brush, y: float, colour: RGB, rng: np.random.Generator) -> None:
    phase = rng.uniform(0, 20)
    path = skia.Path()
    path.moveTo(-20 + phase - 20, 101)
    path.lineTo(-20 + phase - 20, y)
    for i in range(8):
        x = -40 + phase + 20 * i
        path.quadTo(x + 10, y + (5 if i % 2 else -5), x + 20, y)
    path.lineTo(140, 101)
    path.close()
    brush.canvas.drawPath(path, brush.fill(colour))


def _beach(brush: Brush, rng: np.random.Generator) -> None:
    horizon = 48 + rng.uniform(-2, 2)
    brush.rect(0, horizon, 100, 30, (40, 130, 200))
    brush.rect(0, horizon + 15, 100, 3, (225, 240, 245))
    brush.rect(0, horizon + 18, 100, 60, (240, 212, 150))


def _sea(brush: Brush, rng: np.random.Generator) -> None:
    horizon = 50 + rng.uniform(-2, 2)
    brush.rect(0, horizon, 100, 60, (58, 140, 205))
    _wave(brush, horizon + 12, (48, 124, 195), rng)
    _wave(brush, horizon + 24, (38, 108, 182), rng)


def _meadow(brush: Brush, rng: np.random.Generator) -> None:
    x = rng.uniform(15, 35)
    brush.hill(x, 74, 60, 22, (135, 195, 90))
    brush.hill(x + 60, 76, 60, 22, (120, 185, 80))
    brush.rect(0, 64, 100, 40, (105, 175, 70))
    for _ in range(9):
        brush.ball(rng.uniform(3, 97), rng.uniform(70, 97), 1.3, (255, 245, 170))


def _mountains(brush: Brush, rng: np.random.Generator) -> None:
    shift = rng.uniform(-6, 6)
    for x, y, half in ((18 + shift, 24, 34), (82 + shift, 20, 38), (50 + shift, 32, 30)):
        foot = 68.0
        slope = half / (foot - y)
        brush.polygon([(x, y), (x + half, foot), (x - half, foot)], (125, 130, 150))
        brush.polygon([(x, y), (x + slope * 12, y + 12), (x, y + 9), (x - slope * 12, y + 12)], (250, 250, 255))
    brush.rect(0, 66, 100, 40, (110, 140, 95))


def _snow(brush: Brush, rng: np.random.Generator) -> None:
    brush.hill(rng.uniform(20, 80), 72, 70, 18, (226, 234, 244))
    brush.rect(0, 66, 100, 40, (238, 243, 250))
    for x in (rng.uniform(4, 16), rng.uniform(84, 96)):
        for y in (62, 52, 43):
            brush.polygon([(x, y - 12), (x + 9, y + 4), (x - 9, y + 4)], (70, 120, 110))
    for _ in range(16):
        brush.ball(rng.uniform(2, 98), rng.uniform(2, 60), 1.1, (255, 255, 255), lit=False)


def _desert(brush: Brush, rng: np.random.Generator) -> None:
    brush.hill(rng.uniform(10, 40), 76, 60, 20, (226, 168, 92))
    brush.hill(rng.uniform(70, 95), 78, 60, 22, (218, 158, 82))
    brush.rect(0, 68, 100, 40, (232, 178, 100))
    x = rng.choice([9.0, 91.0]) + rng.uniform(-2, 2)
    for dx, y, w, h in ((-2.5, 42, 5, 28), (-8, 50, 3, 9), (-8, 56, 8, 3), (5, 47, 3, 9), (0, 53, 8, 3)):
        brush.rect(x + dx, y, w, h, (70, 130, 70))


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


GROUNDS = {
    "beach": _beach,
    "sea": _sea,
    "meadow": _meadow,
    "mountains": _mountains,
    "snow": _snow,
    "desert": _desert,
    "city": _city,
}
