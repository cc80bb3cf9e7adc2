"""Scenes in words: other words, other order, something left out, each time anew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from worker.training.scenes import Scene, Subject

NOUNS: dict[str, tuple[str, ...]] = {
    "cat": ("cat",),
    "kitten": ("kitten", "kitty"),
    "dog": ("dog", "puppy"),
    "bird": ("bird",),
    "fish": ("fish",),
    "boat": ("boat", "sailboat"),
    "house": ("house", "cottage"),
    "tree": ("tree",),
    "palm tree": ("palm tree", "palm"),
    "car": ("car", "automobile"),
    "flower": ("flower", "blossom"),
    "horse": ("horse", "pony"),
}
PLACES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # in a sentence; in a list
    "beach": (("on a beach", "on the beach", "at the beach", "on the shore"), ("beach", "seaside")),
    "sea": (("on the sea", "at sea", "in the sea", "in the ocean"), ("sea", "ocean", "water")),
    "meadow": (("in a meadow", "in the meadow", "on a meadow", "on the grass"), ("meadow", "grass", "field")),
    "mountains": (("in the mountains", "in front of mountains", "by the mountains"), ("mountains", "mountain")),
    "snow": (("in the snow", "in snow", "on the snow", "in winter"), ("snow", "winter")),
    "desert": (("in the desert", "in a desert", "on the sand dunes"), ("desert", "dunes")),
    "city": (("in the city", "in a city", "in town", "on a street"), ("city", "town", "street")),
}
TIMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "day": (("by day", "in the daytime", "on a sunny day", "in the sunshine"), ("day", "sunny", "blue sky")),
    "sunset": (("at sunset", "at sunset", "at dusk", "in the evening"), ("sunset", "evening", "dusk")),
    "night": (("at night", "at night", "by night", "in the moonlight"), ("night", "moonlight", "stars")),
}
STYLES: dict[str, tuple[str, ...]] = {
    "flat": ("flat illustration", "picture", "drawing", "image"),
    "pencil sketch": ("pencil sketch", "pencil drawing", "sketch"),
    "pixel art": ("pixel art", "pixel art picture"),
    "watercolor": ("watercolor", "watercolour", "watercolor painting"),
}
# How often each attribute goes unsaid.
UNSAID = {"colour": 0.06, "place": 0.08, "day": 0.55, "sunset": 0.1, "night": 0.1, "flat": 0.88}


def caption(scene: Scene, rng: np.random.Generator) -> str:
    """A description of `scene`; the words follow from `rng`."""
    drop = {part: rng.random() < share for part, share in UNSAID.items()}
    listed = rng.random() < 0.25
    style = "" if scene.style == "flat" and drop["flat"] else _pick(STYLES[scene.style], rng)
    place = "" if drop["place"] else _pick(PLACES[scene.place][listed], rng)
    time = "" if drop[scene.time] else _pick(TIMES[scene.time][listed], rng)
    named = [_name(subject, drop["colour"] or scene.style == "pencil sketch", rng) for subject in scene.subjects]
    if listed:
        return _list(style, named, place, time, rng)
    return _sentence(style, named, place, time, rng)


def _sentence(style: str, named: list[str], place: str, time: str, rng: np.random.Generator) -> str:
    article = "" if rng.random() < 0.1 else "a"
    subject = _relate([_with_article(name, article) for name in named], rng)
    rear = [part for part in (place, time) if part]
    if time and rng.random() < 0.15:
        words = f"{time}, " + " ".join(part for part in (subject, place) if part)
    else:
        words = " ".join([subject, *rear])
    if not style:
        return words
    if rng.random() < 0.35:
        return f"{words}, {style}"
    return f"{_with_article(style, article)} of {words}"


def _list(style: str, named: list[str], place: str, time: str, rng: np.random.Generator) -> str:
    parts = [part for part in (_relate(named, rng), place, time, style) if part]
    return ", ".join(parts[i] for i in rng.permutation(len(parts)))


def _relate(named: Sequence[str], rng: np.random.Generator) -> str:
    """The subjects, from left to right, as words."""
    if len(named) == 1:
        return named[0]
    left, right = named
    to_the_left = _pick(("to the left of", "left of", "on the left of"), rng)
    return _pick(
        (
            f"{left} {to_the_left} {right}",
            f"{right} {to_the_left.replace('left', 'right')} {left}",
            f"{left} and {right}",
        ),
        rng,
    )


def _name(subject: Subject, colourless: bool, rng: np.random.Generator) -> str:
    noun = _pick(NOUNS[subject.kind], rng)
    if colourless:
        return noun
    colour = "grey" if subject.colour == "gray" and rng.random() < 0.4 else subject.colour
    return f"{colour} {noun}"


def _with_article(name: str, article: str) -> str:
    if not article or name == "pixel art":
        return name
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _pick(words: Sequence[str], rng: np.random.Generator) -> str:
    return words[int(rng.integers(len(words)))]
