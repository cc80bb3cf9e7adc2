"""What there is in the world, and the two records that say what a drawing shows.

Words here are attributes, not captions: `captions` puts them into words, `scenes` into pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

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
ANIMALS = ("cat", "kitten", "dog", "rabbit", "horse", "elephant", "bird", "duck", "fish", "butterfly")
THINGS = (
    "person", "boat", "house", "lighthouse", "tree", "palm tree", "flower", "mushroom", "car", "plane", "balloon",
    "umbrella", "bench", "chair",
)  # fmt: skip
SUBJECTS = (*ANIMALS, *THINGS)
FURRY = ("cat", "kitten", "dog", "rabbit", "horse")  # those with a coat pattern
PATTERNS = ("plain", "tabby", "bicolor", "spotted")
EYED = ("cat", "kitten")  # those whose eyes have a colour
EYES: dict[str, RGB] = {"yellow": (250, 210, 40), "green": (70, 200, 90), "blue": (70, 150, 250)}
SIZES = ("small", "medium", "big")
RELATIONS = ("left of", "above", "in front of", "on")  # of the first subject to the second; right of is left of, turned

PLACES = ("beach", "sea", "meadow", "mountains", "snow", "desert", "city", "forest", "room", "garden", "sky")
TIMES = ("day", "sunset", "night")
WEATHERS = ("clear", "rain", "fog", "rainbow")
STYLES = ("flat", "pencil sketch", "watercolor", "pixel art", "chalk", "mosaic", "munch")

# Drawn, but never shown in training: there to be taught later (textual inversion, DreamBooth, LoRA).
HELD_OUT_SUBJECTS = ("robot",)
HELD_OUT_PATTERNS = ("calico",)


@dataclass(frozen=True)
class Subject:
    """One of SUBJECTS; `pattern` is plain but for the FURRY, `eyes` empty (black) but for the EYED."""

    kind: str
    colour: str
    pattern: str = "plain"
    eyes: str = ""
    size: str = "medium"


@dataclass(frozen=True)
class Scene:
    """One subject, `count` times, or two in a `relation`, at a place; `seed` decides what the words leave open."""

    subjects: tuple[Subject, ...]
    place: str
    time: str
    style: str
    seed: int
    weather: str = "clear"
    count: int = 1
    relation: str = ""
