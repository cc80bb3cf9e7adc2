"""Scenes: sampled at random, drawn at any size, and told apart pixel by pixel. Everything follows from seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import skia

from worker.training.world import places, styles, subjects, weather
from worker.training.world.vocabulary import (
    COLOURS,
    EYED,
    EYES,
    FURRY,
    PATTERNS,
    RELATIONS,
    SIZES,
    STYLES,
    SUBJECTS,
    TIMES,
    WEATHERS,
    Scene,
    Subject,
)

_OUTDOORS = ("beach", "meadow", "mountains", "snow", "desert", "city", "forest", "garden")
_AT_HOME = (*_OUTDOORS, "room", "room")
PLACES_OF: dict[str, tuple[str, ...]] = dict.fromkeys(SUBJECTS, _OUTDOORS) | {
    "cat": _AT_HOME,
    "kitten": _AT_HOME,
    "dog": _AT_HOME,
    "person": _AT_HOME,
    "chair": ("room", "room", "room", "garden", "meadow", "beach", "forest", "city"),
    "umbrella": _AT_HOME,
    "robot": _AT_HOME,
    "bird": (*_OUTDOORS, "sky"),
    "butterfly": ("garden", "garden", "meadow", "meadow", "forest", "mountains", "sky", "room", "beach"),
    "balloon": ("sky", "sky", "sky", "meadow", "mountains", "desert", "city", "snow", "sea", "beach"),
    "plane": ("sky", "sky", "sky", "mountains", "city", "desert", "sea", "snow", "beach", "meadow"),
    "duck": ("sea", "sea", "meadow", "garden", "beach", "city", "snow", "forest"),
    "boat": ("sea", "sea", "beach"),
    "fish": ("sea", "sea", "beach"),
    "lighthouse": ("beach", "beach", "sea", "mountains", "snow", "meadow"),
    "palm tree": ("beach", "beach", "desert", "desert", "city", "meadow", "garden"),
    "mushroom": ("forest", "forest", "meadow", "garden", "mountains", "snow"),
    "flower": ("meadow", "garden", "meadow", "garden", "mountains", "snow", "desert", "city", "beach", "forest"),
}
# Who can stand behind somebody without being hidden, and who is small enough to sit.
_BACKDROPS = ("house", "lighthouse", "tree", "palm tree", "elephant", "car", "balloon", "boat")
_SITTERS = ("cat", "kitten", "dog", "rabbit", "bird", "duck", "person", "flower", "mushroom", "umbrella")

ARRANGEMENTS = {"alone": 0.62, "counted": 0.12, "left of": 0.15, "above": 0.04, "in front of": 0.035, "on": 0.035}
FLAT = 0.7  # share of drawings in no other style
_SCALES = {"small": 0.62, "medium": 1.0, "big": 1.22}


def sample(rng: np.random.Generator, *, kinds: tuple[str, ...] = SUBJECTS) -> Scene:
    """A random scene, with a subject of `kinds`: mostly one, in a clear sky, in the flat style."""
    arrangement = _pick(rng, tuple(ARRANGEMENTS), list(ARRANGEMENTS.values()))
    pair, place = _cast(rng, arrangement, kinds)
    count = int(rng.integers(2, 4)) if arrangement == "counted" else 1
    time = _pick(rng, TIMES, [0.5, 0.25, 0.25])
    return Scene(
        subjects=tuple(_dress(rng, kind, alone=arrangement == "alone") for kind in pair),
        place=place,
        time=time,
        style=_pick(rng, STYLES, [FLAT, *[(1 - FLAT) / (len(STYLES) - 1)] * (len(STYLES) - 1)]),
        seed=int(rng.integers(2**31)),
        weather=_weather(rng, place, time),
        count=count,
        relation=arrangement if arrangement in RELATIONS else "",
    )


def _cast(rng: np.random.Generator, arrangement: str, kinds: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Who is there, and a place that suits all of them."""
    firsts, seconds = {
        "above": (subjects.FLYING, SUBJECTS),
        "in front of": (SUBJECTS, _BACKDROPS),
        "on": (_SITTERS, tuple(subjects.SEATS)),
    }.get(arrangement, (SUBJECTS, SUBJECTS))
    while True:
        first, second = _pick(rng, kinds), _pick(rng, seconds)
        if first not in firsts:
            first = _pick(rng, firsts)
        place = _pick(rng, PLACES_OF[first])
        if arrangement not in RELATIONS:
            return (first,), place
        fits = place in PLACES_OF[second] or (arrangement == "above" and place == "sky")
        if first != second and fits and (place != "sky" or second in subjects.FLYING):
            return (first, second), place


def _dress(rng: np.random.Generator, kind: str, *, alone: bool) -> Subject:
    return Subject(
        kind,
        colour=_pick(rng, tuple(COLOURS)),
        pattern=_pick(rng, PATTERNS, [0.58, 0.14, 0.14, 0.14]) if kind in FURRY else "plain",
        eyes=_pick(rng, ("", *EYES), [0.4, 0.2, 0.2, 0.2]) if kind in EYED else "",
        size=_pick(rng, SIZES, [0.1, 0.8, 0.1]) if alone else "medium",
    )


def _weather(rng: np.random.Generator, place: str, time: str) -> str:
    weather = _pick(rng, WEATHERS, [0.76, 0.08, 0.08, 0.08])
    suits = weather in ("clear", "rain") if place == "room" else weather != "rainbow" or time == "day"
    return weather if suits else "clear"


@dataclass(frozen=True)
class Box:
    """Where a subject stands: left, top and width of its square box, in hundredths of the picture."""

    left: float
    top: float
    width: float


def draw(scene: Scene, size: int = 128) -> np.ndarray:
    """The picture of a scene, uint8 (size, size, 3)."""
    rng = np.random.default_rng(scene.seed)
    surface = _surface(size)
    canvas = surface.getCanvas()
    places.paint(canvas, scene.place, scene.time, rng, scene.weather)
    for subject, box in _from_back(scene):
        outlined = scene.style != "watercolor"
        subjects.paint(canvas, subject, box.left, box.top, box.width, outlined=outlined)
    places.paint_foreground(canvas, scene.place, scene.time, rng)
    if scene.place != "room":  # there it is seen through the window
        weather.paint(canvas, scene.weather, scene.time, rng)
    return styles.apply(_pixels(surface), scene.style, scene.seed)


def segment(scene: Scene, size: int = 128) -> np.ndarray:
    """Whose every pixel is, uint8 (size, size): 0 nobody's, 1 + SUBJECTS.index(kind) a subject's.

    Of the drawing before its style: brush strokes that wander do not change what belongs to whom.
    """
    surface = _surface(size)
    canvas = surface.getCanvas()
    for subject, box in _from_back(scene):
        mark = 1 + SUBJECTS.index(subject.kind)
        canvas.save()
        canvas.translate(box.left, box.top)
        canvas.scale(box.width / 100, box.width / 100)
        canvas.drawPath(subjects.silhouette(subject.kind), skia.Paint(Color=skia.Color(mark, mark, mark)))
        canvas.restore()
    return _pixels(surface)[:, :, 0]


def layout(scene: Scene) -> list[Box]:
    """Where everybody stands: a counted subject as often as it is there, a pair in the scene's order."""
    rng = np.random.default_rng([scene.seed, 1])
    kinds = [subject.kind for subject in scene.subjects] * scene.count
    match scene.relation:
        case "above":
            return [_hung(rng, kinds[0], 0.5, 26 + rng.uniform(-3, 3)), _stood(rng, scene, kinds[1], 0.58, 50, 16)]
        case "in front of":
            behind = _stood(rng, scene, kinds[1], 0.95, 50, 12, feet=-8)
            aside = behind.left + behind.width / 2 + float(rng.choice([-16, 16]))
            return [_stood(rng, scene, kinds[0], 0.6, aside, 3, feet=4), behind]
        case "on":
            seat = _stood(rng, scene, kinds[1], 0.92, 50, 10, feet=3)
            width = 100 * subjects.HEIGHTS[kinds[0]] * 0.55 * rng.uniform(0.94, 1.06)
            top = seat.top + seat.width * subjects.SEATS[kinds[1]] / 100 - width
            return [Box(seat.left + (seat.width - width) / 2 + rng.uniform(-3, 3), top, width), seat]
    if len(kinds) == 1:
        scale = _SCALES[scene.subjects[0].size]
        return [_stood(rng, scene, kinds[0], scale, 50, 16)]
    scale, centres = {2: (0.64, (26, 74)), 3: (0.46, (18, 50, 82))}[len(kinds)]
    return [_stood(rng, scene, kind, scale, centre, 2) for kind, centre in zip(kinds, centres, strict=True)]


def _stood(
    rng: np.random.Generator, scene: Scene, kind: str, scale: float, centre: float, spread: float, *, feet: float = 0
) -> Box:
    """On the ground, or in the air where its kind or the place asks for it; within the picture as far as it goes."""
    if kind in subjects.FLYING and (kind != "bird" or scene.place == "sky"):
        return _hung(rng, kind, scale, 46 + rng.uniform(-8, 8), centre, spread)
    width = min(100 * subjects.HEIGHTS[kind] * scale * rng.uniform(0.93, 1.07), 88)
    low, high = places.GROUND[scene.place]
    foot = max(min(rng.uniform(low, high) + feet, 97), width + 2)
    return Box(_within(centre - width / 2 + rng.uniform(-spread, spread), width), foot - width, width)


def _hung(
    rng: np.random.Generator, kind: str, scale: float, middle: float, centre: float = 50, spread: float = 18
) -> Box:
    width = min(100 * subjects.HEIGHTS[kind] * scale * rng.uniform(0.93, 1.07), 88)
    top = min(max(middle - width / 2, 2), 96 - width)
    return Box(_within(centre - width / 2 + rng.uniform(-spread, spread), width), top, width)


def _within(left: float, width: float) -> float:
    return min(max(left, 1.0), 99.0 - width) if width < 98 else left


def _from_back(scene: Scene) -> Iterator[tuple[Subject, Box]]:
    """In the order of painting: whoever is named first stands in front."""
    boxes = layout(scene)
    who = scene.subjects * scene.count
    return zip(reversed(who), reversed(boxes), strict=True)


def _surface(size: int) -> skia.Surface:
    surface = skia.Surface(size, size)
    surface.getCanvas().scale(size / 100, size / 100)  # everything is drawn in hundredths of the picture
    return surface


def _pixels(surface: skia.Surface) -> np.ndarray:
    pixels: np.ndarray = surface.toarray(colorType=skia.ColorType.kRGBA_8888_ColorType)[:, :, :3]
    return pixels


def _pick(rng: np.random.Generator, words: tuple[str, ...], shares: list[float] | None = None) -> str:
    return str(words[int(rng.choice(len(words), p=shares))])
