"""Captioned drawings: the world our model is trained on.

A `Scene` is a frozen record of attributes; `sample` draws one at random, `draw` renders it at any size and
`captions.caption` puts it into words, never twice the same. Everything follows from seeds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import skia

from worker.training import places, styles
from worker.training.shapes import FIXED, SHAPES

RGB = tuple[int, int, int]

COLOURS: dict[str, RGB] = {
    "red": (214, 40, 44),
    "orange": (245, 130, 32),
    "yellow": (252, 216, 48),
    "green": (46, 160, 70),
    "blue": (44, 96, 220),
    "purple": (132, 60, 184),
    "pink": (247, 145, 190),
    "brown": (128, 76, 40),
    "black": (30, 30, 34),
    "white": (250, 250, 250),
    "gray": (142, 142, 148),
}
SUBJECTS = tuple(SHAPES)
TIMES = ("day", "sunset", "night")
STYLES = ("flat", "pencil sketch", "pixel art", "watercolor")

_ANYWHERE = ("beach", "meadow", "mountains", "snow", "desert", "city")
PLACES_OF: dict[str, tuple[str, ...]] = dict.fromkeys(SUBJECTS, _ANYWHERE) | {
    "boat": ("sea", "sea", "beach"),
    "fish": ("sea", "sea", "beach"),
    "bird": (*_ANYWHERE, "sea"),
    "palm tree": ("beach", "beach", "desert", "desert", "city", "meadow"),
    "flower": ("meadow", "meadow", "mountains", "snow", "desert", "city", "beach"),
}
# Height of the subject over the height of the picture, for the subject alone.
HEIGHTS: dict[str, float] = {
    "kitten": 0.58, "bird": 0.58, "fish": 0.64, "flower": 0.66, "tree": 0.72, "palm tree": 0.76,
    "house": 0.64, "car": 0.66, "boat": 0.66, "cat": 0.66, "dog": 0.66, "horse": 0.7,
}  # fmt: skip


@dataclass(frozen=True)
class Subject:
    kind: str
    colour: str


@dataclass(frozen=True)
class Scene:
    """One or two subjects (from left to right) at a place; `seed` decides what the words leave open."""

    subjects: tuple[Subject, ...]
    place: str
    time: str
    style: str
    seed: int


def sample(rng: np.random.Generator) -> Scene:
    """A random scene: one subject in three of four, flat style in seven of ten."""
    kinds = [str(rng.choice(SUBJECTS))]
    place = str(rng.choice(PLACES_OF[kinds[0]]))
    if rng.random() < 0.25:
        kinds.append(str(rng.choice([kind for kind in SUBJECTS if place in PLACES_OF[kind]])))
        if rng.random() < 0.5:
            kinds.reverse()
    return Scene(
        subjects=tuple(Subject(kind, str(rng.choice(list(COLOURS)))) for kind in kinds),
        place=place,
        time=str(rng.choice(TIMES, p=[0.5, 0.25, 0.25])),
        style=str(rng.choice(STYLES, p=[0.73, 0.09, 0.09, 0.09])),
        seed=int(rng.integers(2**31)),
    )


def draw(scene: Scene, size: int = 128) -> np.ndarray:
    """The picture of a scene, uint8 (size, size, 3)."""
    rng = np.random.default_rng(scene.seed)
    surface = skia.Surface(size, size)
    canvas = surface.getCanvas()
    canvas.scale(size / 100, size / 100)  # everything below is in hundredths of the picture
    places.paint(canvas, scene.place, scene.time, rng)
    for subject, (left, top, width) in zip(scene.subjects, _layout(scene, rng), strict=True):
        _paint_subject(canvas, subject, scene, left, top, width)
    places.paint_foreground(canvas, scene.place, scene.time, rng)
    pixels = surface.toarray(colorType=skia.ColorType.kRGBA_8888_ColorType)[:, :, :3]
    return styles.apply(pixels, scene.style, scene.seed)


def _layout(scene: Scene, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Left, top and width of every subject's box, in hundredths of the picture."""
    boxes = []
    shrink = 0.66 if len(scene.subjects) == 2 else 1.0
    centres = (26.0, 74.0) if len(scene.subjects) == 2 else (50.0,)
    for subject, centre in zip(scene.subjects, centres, strict=True):
        width = 100 * HEIGHTS[subject.kind] * shrink * rng.uniform(0.92, 1.08)
        spread = (100 - width) / 2 * 0.45 if len(centres) == 1 else 2.0
        feet = rng.uniform(82, 90)
        boxes.append((centre - width / 2 + rng.uniform(-spread, spread), feet - width, width))
    return boxes


def _paint_subject(canvas: skia.Canvas, subject: Subject, scene: Scene, left: float, top: float, width: float) -> None:
    body = COLOURS[subject.colour]
    ink = (118, 118, 130) if subject.colour == "black" else _mix(body, (18, 16, 24), 0.78)
    tones = {
        "body": body,
        "shade": _mix(body, (0, 0, 0), 0.22) if subject.colour != "black" else (52, 52, 58),
        "light": _mix(body, (255, 255, 255), 0.35) if subject.colour != "black" else (62, 62, 68),
        "ink": ink,
        "paper": (252, 250, 244),
        "orange": COLOURS["orange"] if subject.colour not in ("orange", "yellow") else (200, 70, 30),
        "yellow": COLOURS["yellow"],
        "centre": COLOURS["yellow"] if subject.colour not in ("yellow", "orange", "white") else (120, 70, 30),
    } | FIXED
    outlined = scene.style != "watercolor"
    canvas.save()
    canvas.translate(left, top)
    canvas.scale(width / 100, width / 100)
    for role, words in SHAPES[subject.kind]:
        path = _path(words)
        canvas.drawPath(path, skia.Paint(AntiAlias=True, Color=skia.Color(*tones[role])))
        if outlined and role != "light":
            stroke = skia.Paint(AntiAlias=True, Color=skia.Color(*ink), Style=skia.Paint.kStroke_Style)
            stroke.setStrokeWidth(1.6 * 100 / width)  # 1.6 hundredths of the picture, whatever the subject's size
            stroke.setStrokeJoin(skia.Paint.kRound_Join)
            canvas.drawPath(path, stroke)
    canvas.restore()


def _mix(a: RGB, b: RGB, share: float) -> RGB:
    """`a` with `share` of `b` in it."""
    mixed = [round(x + (y - x) * share) for x, y in zip(a, b, strict=True)]
    return mixed[0], mixed[1], mixed[2]


def _path(words: str) -> skia.Path:
    """A path in the small language that `shapes` describes."""
    path = skia.Path()
    rest = words.split()
    while rest:
        verb, rest = rest[0], rest[1:]
        count = {"M": 2, "L": 2, "Q": 4, "C": 6, "Z": 0, "E": 4, "R": 4}[verb]
        n, rest = [float(word) for word in rest[:count]], rest[count:]
        match verb:
            case "M":
                path.moveTo(*n)
            case "L":
                path.lineTo(*n)
            case "Q":
                path.quadTo(*n)
            case "C":
                path.cubicTo(*n)
            case "Z":
                path.close()
            case "E":
                path.addOval(skia.Rect.MakeLTRB(n[0] - n[2], n[1] - n[3], n[0] + n[2], n[1] + n[3]))
            case "R":
                path.addRect(skia.Rect.MakeXYWH(*n))
    return path
