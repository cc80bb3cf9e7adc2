"""Scenes in words: other words, other order, something left out, each time anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, SupportsInt

import numpy as np

from worker.training.world.vocabulary import FURRY, Scene, Subject

Forms = tuple[tuple[str, ...], tuple[str, ...]]  # in a sentence; in a list

NOUNS: dict[str, tuple[str, ...]] = {
    "cat": ("cat",),
    "kitten": ("kitten", "kitty"),
    "dog": ("dog", "puppy"),
    "rabbit": ("rabbit", "bunny"),
    "horse": ("horse", "pony"),
    "elephant": ("elephant",),
    "bird": ("bird",),
    "duck": ("duck",),
    "fish": ("fish",),
    "butterfly": ("butterfly",),
    "person": ("person", "man", "human"),
    "boat": ("boat", "sailboat"),
    "house": ("house", "cottage"),
    "lighthouse": ("lighthouse",),
    "tree": ("tree",),
    "palm tree": ("palm tree", "palm"),
    "flower": ("flower", "blossom"),
    "mushroom": ("mushroom", "toadstool"),
    "car": ("car", "automobile"),
    "plane": ("plane", "airplane"),
    "balloon": ("balloon", "hot air balloon"),
    "umbrella": ("umbrella", "parasol"),
    "bench": ("bench",),
    "chair": ("chair",),
    "robot": ("robot",),
}
PLURALS = {"man": "men", "person": "people", "fish": "fish", "butterfly": "butterflies", "bench": "benches",
           "kitty": "kitties", "puppy": "puppies", "bunny": "bunnies", "pony": "ponies"}  # fmt: skip
COUNTS = {2: ("two",), 3: ("three",)}
PATTERNS: dict[str, tuple[str, ...]] = {
    "plain": ("plain",),
    "tabby": ("tabby", "striped"),
    "bicolor": ("bicolor", "two-colored"),
    "spotted": ("spotted", "dotted"),
    "calico": ("calico",),
}
SIZES: dict[str, tuple[str, ...]] = {
    "small": ("small", "little", "tiny"),
    "medium": ("",),
    "big": ("big", "large", "huge"),
}
PLACES: dict[str, Forms] = {
    "beach": (("on a beach", "on the beach", "at the beach", "on the shore"), ("beach", "seaside")),
    "sea": (("on the sea", "at sea", "in the sea", "in the ocean"), ("sea", "ocean", "waves", "sea, wave")),
    "meadow": (("in a meadow", "in the meadow", "on a meadow", "on the grass"), ("meadow", "grass", "field")),
    "mountains": (("in the mountains", "in front of mountains", "by the mountains"), ("mountains", "mountain")),
    "snow": (("in the snow", "in snow", "on the snow", "in winter"), ("snow", "winter")),
    "desert": (("in the desert", "in a desert", "on the sand dunes"), ("desert", "dunes")),
    "city": (("in the city", "in a city", "in town", "on a street"), ("city", "town", "street")),
    "forest": (("in the forest", "in a forest", "in the woods"), ("forest", "woods")),
    "room": (("in a room", "in the room", "indoors", "in a room with a window"), ("room", "indoors", "window")),
    "garden": (("in the garden", "in a garden", "by the garden fence"), ("garden", "fence")),
    "sky": (("in the sky", "high in the sky", "up in the clouds", "in the air"), ("sky", "clouds")),
}
TIMES: dict[str, Forms] = {
    "day": (("by day", "in the daytime", "on a sunny day", "in the sunshine"), ("day", "daytime", "daylight")),
    "sunset": (("at sunset", "at sunset", "at dusk", "in the evening"), ("sunset", "evening", "dusk")),
    "night": (("at night", "at night", "by night", "in the moonlight"), ("night", "moonlight", "stars")),
}
WEATHERS: dict[str, Forms] = {
    "clear": (("",), ("",)),
    "rain": (("in the rain", "on a rainy day", "in pouring rain"), ("rain", "rainy")),
    "fog": (("in the fog", "in thick fog", "in the mist"), ("fog", "mist", "foggy")),
    "rainbow": (("under a rainbow", "with a rainbow"), ("rainbow",)),
}
# Before "of"; after a comma.
STYLES: dict[str, Forms] = {
    "flat": (("flat illustration", "picture", "drawing", "image"), ("flat illustration", "illustration")),
    "pencil sketch": (("pencil sketch", "pencil drawing", "sketch"), ("pencil sketch", "pencil drawing")),
    "watercolor": (("watercolor", "watercolour", "watercolor painting"), ("watercolor", "watercolor painting")),
    "pixel art": (("pixel art", "pixel art picture"), ("pixel art", "8-bit pixel art")),
    "chalk": (("chalk drawing", "chalk picture"), ("chalk on a blackboard", "chalk drawing", "blackboard")),
    "mosaic": (("mosaic", "tile mosaic"), ("mosaic", "mosaic of tiles")),
    "munch": (
        ("Edvard Munch painting", "painting in Edvard Munch style"),
        ("in Edvard Munch style", "in the style of Edvard Munch", "Edvard Munch"),
    ),
}
# How often each attribute goes unsaid.
UNSAID = {
    "colour": 0.06, "pattern": 0.08, "plain": 0.96, "eyes": 0.12, "size": 0.1, "place": 0.08, "weather": 0.08,
    "day": 0.55, "sunset": 0.1, "night": 0.1, "flat": 0.88, "munch": 0.7,
}  # fmt: skip


def caption(scene: Scene, rng: Chance, *, complete: bool = False) -> str:
    """A description of `scene`; the words follow from `rng`. A complete one leaves no attribute out."""
    drop = {part: rng.random() < share and not complete for part, share in UNSAID.items()}
    drop["plain"] = drop["plain"] or complete  # what nobody says
    drop["colour"] = drop["colour"] or scene.style == "pencil sketch"
    listed = rng.random() < 0.25
    style = "" if drop["flat"] and scene.style == "flat" else scene.style
    place = "" if drop["place"] else _pick(PLACES[scene.place][listed], rng)
    weather = "" if drop["weather"] else _pick(WEATHERS[scene.weather][listed], rng)
    untimed = drop[scene.time] or (scene.style == "munch" and drop["munch"])  # his skies burn unasked
    time = "" if untimed else _pick(TIMES[scene.time][listed], rng)
    if "sunny" in time and scene.weather != "clear":
        time = "by day"
    named = [_name(subject, scene.count, drop, rng) for subject in scene.subjects]
    if listed:
        parts = [_relate(named, scene.relation, rng), place, weather, time]
        return _list([*parts, _pick(STYLES[style][1], rng) if style else ""], rng)
    return _sentence(style, named, scene, place, (weather, time), rng)


def plainly(scene: Scene) -> str:
    """All of a scene in the same words and the same order each time, the first of each list."""
    return caption(scene, _Even(), complete=True)


class Chance(Protocol):
    """What captions ask of a random generator; numpy's is one."""

    def random(self) -> float: ...
    def integers(self, high: int, /) -> SupportsInt: ...
    def permutation(self, x: Any, /) -> Any: ...


class _Even:
    """Neither rare nor contrary: what is said in most cases, and the first of several words."""

    def random(self) -> float:
        return 0.5

    def integers(self, _: int, /) -> int:
        return 0

    def permutation(self, x: Any, /) -> Any:
        return np.arange(x) if isinstance(x, int) else x


def _sentence(style: str, named: list[str], scene: Scene, place: str, sky: tuple[str, str], rng: Chance) -> str:
    weather, time = sky
    article = rng.random() >= 0.1 and scene.count == 1
    subject = _relate([_with_article(name, article) for name in named], scene.relation, rng)
    if time and rng.random() < 0.12:
        words = f"{time}, {' '.join(part for part in (subject, place, weather) if part)}"
        return f"{words}, {_pick(STYLES[style][1], rng)}" if style else words
    words = " ".join(part for part in (subject, place, *rng.permutation([weather, time])) if part)
    if not style:
        return words
    if rng.random() < 0.4:
        return f"{words}, {_pick(STYLES[style][1], rng)}"
    return f"{_with_article(_pick(STYLES[style][0], rng), article or scene.count > 1)} of {words}"


def _list(parts: list[str], rng: Chance) -> str:
    said = [part for part in parts if part]
    return ", ".join(said[i] for i in rng.permutation(len(said)))


def _relate(named: Sequence[str], relation: str, rng: Chance) -> str:
    """One subject, or two and what is between them, from either side."""
    if len(named) == 1:
        return named[0]
    first, second = named
    ways = {
        "left of": (
            f"{first} {_pick(('to the left of', 'left of', 'on the left of'), rng)} {second}",
            f"{second} {_pick(('to the right of', 'right of', 'on the right of'), rng)} {first}",
            f"{first} and {second}",
        ),
        "above": (f"{first} above {second}", f"{first} over {second}", f"{second} below {first}"),
        "in front of": (f"{first} in front of {second}", f"{first} before {second}", f"{second} behind {first}"),
        "on": (f"{first} on {second}", f"{first} on top of {second}", f"{first} sitting on {second}"),
    }
    return _pick(ways[relation], rng)


def _name(subject: Subject, count: int, drop: dict[str, bool], rng: Chance) -> str:
    noun = _pick(NOUNS[subject.kind], rng)
    if count > 1:
        noun = plural(noun)
    colour = "" if drop["colour"] else subject.colour
    if colour == "gray" and rng.random() < 0.4:
        colour = "grey"
    unsaid = drop["pattern"]
    if subject.pattern == "plain":
        unsaid = drop["plain"] or subject.kind not in FURRY
    pattern = "" if unsaid else _pick(PATTERNS[subject.pattern], rng)
    adjectives = [colour, pattern] if rng.random() < 0.7 else [pattern, colour]
    size = "" if drop["size"] else _pick(SIZES[subject.size], rng)
    number = _pick(COUNTS[count], rng) if count > 1 else ""
    eyes = f"with {subject.eyes} eyes" if subject.eyes and not drop["eyes"] else ""
    return " ".join(word for word in (number, size, *adjectives, noun, eyes) if word)


def plural(noun: str) -> str:
    """More than one of them: palm trees, benches, people."""
    head, _, last = noun.rpartition(" ")
    return f"{head} {PLURALS.get(last, last + 's')}".strip()


def _with_article(name: str, article: bool) -> str:
    if not article or name == "pixel art":
        return name
    return f"an {name}" if name[0].lower() in "aeiou" else f"a {name}"


def _pick(words: Sequence[str], rng: Chance) -> str:
    return words[int(rng.integers(len(words)))]
