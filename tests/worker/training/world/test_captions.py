"""Captions say what is in the drawing, and nothing else."""

from __future__ import annotations

import re

import numpy as np
import pytest

from worker.training.world.captions import NOUNS, PATTERNS, PLACES, STYLES, WEATHERS, caption, plainly, plural
from worker.training.world.scenes import sample
from worker.training.world.vocabulary import COLOURS, Scene, Subject


def pairs(count: int, *, complete: bool = False) -> list[tuple[Scene, str]]:
    rng = np.random.default_rng(7)
    return [(scene, caption(scene, rng, complete=complete)) for scene in (sample(rng) for _ in range(count))]


def said(words: str, forms: tuple[str, ...]) -> bool:
    return any(re.search(rf"\b{re.escape(form)}\b", words) for form in forms if form)


def test_the_same_rng_says_the_same() -> None:
    assert pairs(50) == pairs(50)


def test_words_agree_with_the_scene() -> None:
    for scene, text in pairs(800):
        words = text.replace("grey", "gray")
        for subject in scene.subjects:
            nouns = NOUNS[subject.kind]
            assert said(words, tuple(map(plural, nouns)) if scene.count > 1 else nouns), words
        colours = {name for name in COLOURS if said(words, (name,))}
        eyes = {subject.eyes for subject in scene.subjects}
        assert colours <= {subject.colour for subject in scene.subjects} | eyes, words
        for place, forms in PLACES.items():
            assert place == scene.place or not said(words, forms[0]), words
        for weather, forms in WEATHERS.items():
            assert weather == scene.weather or not said(words, forms[0]), words
        for style, forms in STYLES.items():
            if style != "flat":
                assert said(words, (*forms[0], *forms[1])) == (scene.style == style), words
        patterns = {subject.pattern for subject in scene.subjects}
        for pattern in ("tabby", "bicolor", "spotted", "calico"):
            assert pattern in patterns or not said(words, PATTERNS[pattern]), words
        assert said(words.replace("two-", ""), ("two",)) == (scene.count == 2), words
        assert said(words, ("three",)) == (scene.count == 3), words


def test_a_complete_caption_leaves_nothing_out() -> None:
    for scene, text in pairs(400, complete=True):
        words = text.replace("grey", "gray")
        assert said(words, (*PLACES[scene.place][0], *PLACES[scene.place][1])), words
        if scene.weather != "clear":
            assert said(words, (*WEATHERS[scene.weather][0], *WEATHERS[scene.weather][1])), words
        for subject in scene.subjects:
            assert scene.style == "pencil sketch" or said(words, (subject.colour,)), words
            assert subject.pattern == "plain" or said(words, PATTERNS[subject.pattern]), words
            assert not subject.eyes or f"{subject.eyes} eyes" in words


@pytest.mark.parametrize(
    ("relation", "forward", "backward"),
    [
        ("left of", r"left of", r"right of"),
        ("above", r"above|over", r"below"),
        ("in front of", r"in front of|before", r"behind"),
        ("on", r" on ", r"$^"),
    ],
)
def test_relations_read_from_either_side(relation: str, forward: str, backward: str) -> None:
    scene = Scene((Subject("cat", "red"), Subject("house", "blue")), "meadow", "day", "flat", 1, relation=relation)
    directions = set()
    for index in range(200):
        words = caption(scene, np.random.default_rng(index))
        cat, house = (re.search(rf"\b({'|'.join(NOUNS[kind])})\b", words) for kind in ("cat", "house"))
        assert cat
        assert house
        between = words[min(cat.end(), house.end()) : max(cat.start(), house.start())]
        if re.search(forward, between):
            assert cat.start() < house.start(), words
            directions.add("forward")
        elif re.search(backward, between):
            assert house.start() < cat.start(), words
            directions.add("backward")
        else:
            assert relation == "left of"
            assert " and " in between, words
            assert cat.start() < house.start(), words
    assert "forward" in directions


def test_captions_vary() -> None:
    scene = Scene((Subject("cat", "red", "tabby", "green"),), "beach", "sunset", "munch", 1)
    found = {caption(scene, np.random.default_rng(index)) for index in range(200)}
    assert len(found) > 100
    assert any(text.count(",") >= 2 for text in found)  # tag lists


def test_plainly_is_always_the_same() -> None:
    scene = Scene((Subject("cat", "gray", "tabby", "green"),), "beach", "sunset", "watercolor", 1)
    assert plainly(scene) == "a watercolor of a gray tabby cat with green eyes on a beach at sunset"
    scene = Scene((Subject("duck", "red", size="small"),), "sea", "day", "flat", 1, weather="rain", count=3)
    assert plainly(scene) == "a flat illustration of three small red ducks on the sea in the rain by day"


def test_plurals() -> None:
    assert [plural(noun) for noun in ("cat", "palm tree", "bench", "person", "hot air balloon", "fish")] == [
        "cats", "palm trees", "benches", "people", "hot air balloons", "fish",
    ]  # fmt: skip
