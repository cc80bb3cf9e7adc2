"""Skies, and the light that lies over everything, for each time of day; lengths are hundredths of the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import skia

from worker.training.world.vocabulary import RGB

SKIES: dict[str, tuple[RGB, RGB]] = {  # top, horizon
    "day": ((120, 190, 245), (205, 232, 250)),
    "sunset": ((122, 74, 150), (255, 160, 80)),
    "night": ((22, 26, 66), (58, 64, 122)),
}
GRAY_SKIES: dict[str, tuple[RGB, RGB]] = {  # of rain
    "day": ((146, 156, 170), (192, 200, 208)),
    "sunset": ((118, 92, 112), (186, 132, 106)),
    "night": ((42, 46, 64), (62, 66, 88)),
}
RAIN_CLOUDS: dict[str, RGB] = {"day": (108, 117, 133), "sunset": (84, 64, 88), "night": (22, 24, 36)}
MIST: dict[str, RGB] = {"day": (208, 215, 221), "sunset": (222, 174, 146), "night": (76, 82, 108)}
LIGHT: dict[str, tuple[float, RGB]] = {  # how much of which tint lies over the ground
    "day": (0.0, (0, 0, 0)),
    "sunset": (0.25, (225, 100, 60)),
    "night": (0.5, (32, 38, 84)),
}
RAINBOW: tuple[RGB, ...] = (
    (235, 70, 70),
    (250, 160, 60),
    (252, 226, 90),
    (90, 195, 100),
    (75, 135, 230),
    (140, 90, 200),
)


class Brush:
    """Fills shapes in the light of a time of day."""

    def __init__(self, canvas: skia.Canvas, time: str) -> None:
        self.canvas = canvas
        self.time = time
        self.share, self.tint = LIGHT[time]

    def fill(self, colour: RGB, *, lit: bool = True, alpha: float = 1.0) -> skia.Paint:
        share = self.share if lit else 0.0
        toned = [round(c + (t - c) * share) for c, t in zip(colour, self.tint, strict=True)]
        return skia.Paint(AntiAlias=True, Color=skia.Color(*toned, round(255 * alpha)))

    def line(self, colour: RGB, width: float, *, lit: bool = True, alpha: float = 1.0) -> skia.Paint:
        paint = self.fill(colour, lit=lit, alpha=alpha)
        paint.setStyle(skia.Paint.kStroke_Style)
        paint.setStrokeWidth(width)
        paint.setStrokeCap(skia.Paint.kRound_Cap)
        return paint

    def rect(self, x: float, y: float, w: float, h: float, colour: RGB, *, lit: bool = True, round_: float = 0) -> None:
        self.canvas.drawRoundRect(skia.Rect.MakeXYWH(x, y, w, h), round_, round_, self.fill(colour, lit=lit))

    def ball(self, x: float, y: float, r: float, colour: RGB, *, lit: bool = True) -> None:
        self.canvas.drawCircle(x, y, r, self.fill(colour, lit=lit))

    def polygon(self, points: Sequence[tuple[float, float]], colour: RGB) -> None:
        path = skia.Path()
        path.addPoly([skia.Point(x, y) for x, y in points], True)
        self.canvas.drawPath(path, self.fill(colour))

    def hill(self, x: float, y: float, rx: float, ry: float, colour: RGB) -> None:
        self.canvas.drawOval(skia.Rect.MakeLTRB(x - rx, y - ry, x + rx, y + ry), self.fill(colour))

    def fade(self, y0: float, y1: float, top: int, bottom: int) -> None:
        """The whole picture in a gradient of two skia colours, which change between y0 and y1."""
        shader = skia.GradientShader.MakeLinear([skia.Point(0, y0), skia.Point(0, y1)], [top, bottom])
        self.canvas.drawRect(skia.Rect.MakeWH(100, 100), skia.Paint(Shader=shader))

    def cloud(self, x: float, y: float, colour: RGB = (255, 255, 255)) -> None:
        for dx, r in ((-8, 4.5), (0, 6.5), (8, 4.5)):
            self.ball(x + dx, y, r, colour)


def paint_sky(brush: Brush, weather: str, rng: np.random.Generator, sides: tuple[float, float] = (14.0, 84.0)) -> None:
    """The sky, all of the picture; the sun, or moon, is at one of the two `sides` (x), a cloud at the other."""
    turned = int(rng.integers(2))
    shift = rng.uniform(-4, 4)
    stars = rng.uniform((2, 2), (98, 34), (7, 2))  # drawn in any weather, so that the ground does not depend on it
    sun, cloud = sides[turned] + shift, sides[1 - turned] + shift
    if weather == "fog":
        colour = skia.Color(*MIST[brush.time])
        brush.fade(0, 55, colour, colour)
        return
    top, horizon = (GRAY_SKIES if weather == "rain" else SKIES)[brush.time]
    brush.fade(0, 55, skia.Color(*top), skia.Color(*horizon))
    if brush.time == "night" and weather != "rain":
        for x, y in stars:
            brush.ball(x, y, 0.9, (240, 240, 255), lit=False)
    if weather == "rain":
        for i, x in enumerate(np.arange(-4, 108, 14)):
            brush.ball(x + shift, 3, 8 + 4 * (i % 2), RAIN_CLOUDS[brush.time], lit=False)
    elif weather == "rainbow":
        _rainbow(brush)
    else:
        _sun(brush, sun, cloud)


def _sun(brush: Brush, x: float, cloud: float) -> None:
    if brush.time == "day":
        brush.ball(x, 14, 8, (255, 226, 90))
        brush.cloud(cloud, 14)
    elif brush.time == "sunset":
        brush.ball(x, 38, 11, (255, 222, 110), lit=False)
    else:
        brush.ball(x, 14, 8, (246, 244, 214), lit=False)


def _rainbow(brush: Brush) -> None:
    """An arc from edge to edge; no sun, which stands behind whoever sees a rainbow."""
    alpha = 0.6 if brush.time == "night" else 0.9
    for i, colour in enumerate(RAINBOW):
        r = 63 - 2.4 * i
        brush.canvas.drawArc(
            skia.Rect.MakeLTRB(50 - r, 74 - r, 50 + r, 74 + r), 180, 180, False,
            brush.line(colour, 2.6, lit=False, alpha=alpha),
        )  # fmt: skip
    for x in (13, 87):
        brush.cloud(x, 14)
