"""One subject on a canvas: its silhouette, coat, eyes and outline."""

from __future__ import annotations

from functools import cache

import skia

from worker.training.world.animals import ANIMALS
from worker.training.world.coats import COATS
from worker.training.world.things import THINGS, Layer
from worker.training.world.vocabulary import COLOURS, EYES, RGB, Subject

SHAPES: dict[str, list[Layer]] = ANIMALS | THINGS
# Height of the subject's box over the height of the picture, for one subject of medium size alone.
HEIGHTS: dict[str, float] = {
    "cat": 0.68, "kitten": 0.6, "dog": 0.66, "rabbit": 0.66, "horse": 0.7, "elephant": 0.74, "bird": 0.58,
    "duck": 0.58, "fish": 0.64, "butterfly": 0.56, "person": 0.74, "boat": 0.66, "house": 0.64, "lighthouse": 0.8,
    "tree": 0.72, "palm tree": 0.76, "flower": 0.66, "mushroom": 0.58, "car": 0.66, "plane": 0.68, "balloon": 0.66,
    "umbrella": 0.64, "bench": 0.66, "chair": 0.62, "robot": 0.66,
}  # fmt: skip
FLYING = ("bird", "butterfly", "balloon", "plane")  # may hang in the air
SEATS: dict[str, float] = {  # what something can stand on, and where: y in the box, 0 (top) to 100 (feet)
    "bench": 74, "chair": 62, "boat": 72, "car": 35, "house": 10, "mushroom": 6, "elephant": 29,
}  # fmt: skip

FIXED: dict[str, RGB] = {
    "paper": (252, 250, 244),
    "glint": (255, 255, 255),
    "pupil": (24, 20, 28),
    "nose": (225, 105, 120),
    "ear": (245, 170, 175),
    "tongue": (235, 110, 120),
    "skin": (244, 196, 158),
    "hair": (96, 60, 40),
    "shoe": (60, 48, 48),
    "leaf": (60, 150, 65),
    "wood": (120, 78, 45),
    "brick": (160, 84, 62),
    "stone": (150, 146, 142),
    "cream": (244, 228, 196),
    "iron": (70, 72, 80),
    "glass": (185, 220, 240),
    "yellow": COLOURS["yellow"],
    "tyre": (45, 45, 50),
    "rim": (205, 205, 210),
    "ginger": COLOURS["orange"],
    "jet": COLOURS["black"],
}
PLAIN_EDGED = ("light", "pupil", "glint", "ear", "nose", "line")  # too small or too soft for an outline


def paint(
    canvas: skia.Canvas, subject: Subject, left: float, top: float, width: float, *, outlined: bool = True
) -> None:
    """Paint `subject` into its square box, all in hundredths of the picture."""
    toned = tones(subject)
    stroke = _fill(toned["ink"])
    stroke.setStyle(skia.Paint.kStroke_Style)
    stroke.setStrokeWidth((0.9 + width / 90) * 100 / width)  # 1.2 to 1.7 hundredths of the picture
    stroke.setStrokeJoin(skia.Paint.kRound_Join)
    canvas.save()
    canvas.translate(left, top)
    canvas.scale(width / 100, width / 100)
    part = 0
    for role, words in SHAPES[subject.kind]:
        path = parse(words)
        canvas.drawPath(path, _fill(toned[role]))
        if role == "body":
            _paint_coat(canvas, subject, part, path, toned)
            part += 1
        if outlined and role not in PLAIN_EDGED:
            canvas.drawPath(path, stroke)
    canvas.restore()


def silhouette(kind: str) -> skia.Path:
    """The union of all layers of `kind`, in its box of 100 by 100."""
    builder = skia.OpBuilder()
    for _, words in SHAPES[kind]:
        builder.add(parse(words), skia.PathOp.kUnion_PathOp)
    return builder.resolve()


def tones(subject: Subject) -> dict[str, RGB]:
    """The colour of every role, in shapes and coats."""
    colour = "white" if subject.pattern == "calico" else subject.colour
    body = COLOURS[colour]
    black, white = colour == "black", colour == "white"
    marking = _mix(body, (255, 255, 255), 0.62) if _is_dark(body) else _mix(body, (20, 12, 10), 0.62)
    return FIXED | {
        "body": body,
        "shade": (58, 58, 64) if black else _mix(body, (0, 0, 0), 0.22),
        "light": (62, 62, 68) if black else _mix(body, (255, 255, 255), 0.35),
        "ink": (118, 118, 130) if black else _mix(body, (18, 16, 24), 0.78),
        "line": (118, 118, 130) if black else _mix(body, (18, 16, 24), 0.78),
        "band": (165, 172, 184) if white else FIXED["paper"],
        "white": (165, 160, 158) if white else FIXED["paper"],
        "stripe": marking,
        "dot": marking,
        "iris": EYES.get(subject.eyes, FIXED["paper"]),
        "mane": _mix(FIXED["hair"], (0, 0, 0), 0.45) if colour == "brown" else FIXED["hair"],
        "beak": (200, 70, 30) if colour in ("orange", "yellow") else COLOURS["orange"],
        "legs": (200, 70, 30) if colour in ("orange", "yellow") else COLOURS["orange"],
        "centre": (120, 70, 30) if colour in ("yellow", "orange", "white") else COLOURS["yellow"],
    }


def _paint_coat(canvas: skia.Canvas, subject: Subject, part: int, path: skia.Path, toned: dict[str, RGB]) -> None:
    if subject.pattern == "plain":
        return
    canvas.save()
    canvas.clipPath(path, doAntiAlias=True)
    for where, role, words in COATS[subject.kind][subject.pattern]:
        if where == part:
            canvas.drawPath(parse(words), _fill(toned[role]))
    canvas.restore()


def _fill(colour: RGB) -> skia.Paint:
    return skia.Paint(AntiAlias=True, Color=skia.Color(*colour))


def _is_dark(colour: RGB) -> bool:
    """Whether a lighter marking tells better than a darker one: luma (Rec. 601) under 110."""
    red, green, blue = colour
    return 0.299 * red + 0.587 * green + 0.114 * blue < 110


def _mix(a: RGB, b: RGB, share: float) -> RGB:
    """`a` with `share` of `b` in it."""
    mixed = [round(x + (y - x) * share) for x, y in zip(a, b, strict=True)]
    return mixed[0], mixed[1], mixed[2]


@cache
def parse(words: str) -> skia.Path:
    """A path in the small language that `things` describes."""
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
