"""Drawings follow from seeds, and show what their captions say."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion

from worker.training.captions import NOUNS, PLACES, STYLES, caption
from worker.training.scenes import COLOURS, PLACES_OF, SUBJECTS, TIMES, Scene, Subject, draw, sample


def scenes(count: int) -> list[Scene]:
    rng = np.random.default_rng(7)
    return [sample(rng) for _ in range(count)]


def test_same_seed_same_drawing_and_caption() -> None:
    for index in range(20):
        first, second = (sample(np.random.default_rng(index)) for _ in range(2))
        assert first == second
        assert np.array_equal(draw(first), draw(second))
        assert caption(first, np.random.default_rng(index)) == caption(second, np.random.default_rng(index))


def test_another_seed_another_drawing() -> None:
    pictures = [draw(scene) for scene in scenes(20)]
    assert len({picture.tobytes() for picture in pictures}) == 20


@pytest.mark.parametrize("size", [64, 128, 256])
def test_sizes_and_type(size: int) -> None:
    for scene in scenes(8):
        picture = draw(scene, size)
        assert picture.shape == (size, size, 3)
        assert picture.dtype == np.uint8


def test_a_larger_drawing_is_the_same_drawing() -> None:
    scene = Scene((Subject("boat", "red"),), "sea", "day", "flat", 3)
    small, large = draw(scene, 64).astype(float), draw(scene, 256).astype(float)
    shrunk = large.reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
    assert np.abs(small - shrunk).mean() < 6  # of 255: anti-aliasing of the outlines only


@cache  # each subject in green, or red, is what all its other colours are told from
def large(kind: str, colour: str) -> NDArray[np.uint8]:
    return draw(Scene((Subject(kind, colour),), PLACES_OF[kind][0], "day", "flat", 11), 256)


@pytest.mark.parametrize("kind", SUBJECTS)
@pytest.mark.parametrize("colour", list(COLOURS))
def test_the_subject_has_its_colour(kind: str, colour: str) -> None:
    """Within the outline of what changes with the subject's colour, most pixels are nearest to that colour."""
    other = "green" if colour != "green" else "red"
    asked, counter = (large(kind, name).astype(int) for name in (colour, other))
    changed = np.abs(asked - counter).sum(axis=2) > 60  # (256, 256)
    assert changed.mean() > 0.06  # drawn large
    subject = asked[binary_erosion(changed, iterations=4)]  # (N, 3), the outline is 4 pixels wide
    distances = {name: np.abs(subject - np.array(rgb)).sum(axis=1) for name, rgb in COLOURS.items()}
    nearest = np.argmin(np.stack(list(distances.values())), axis=0)
    assert list(distances)[np.bincount(nearest).argmax()] == colour


def test_times_of_day_differ_in_light() -> None:
    pictures = [draw(Scene((Subject("cat", "red"),), "meadow", time, "flat", 5)).mean() for time in TIMES]
    assert pictures == sorted(pictures, reverse=True)


def test_a_pencil_sketch_has_no_colour_and_pixel_art_has_blocks() -> None:
    sketch = draw(Scene((Subject("cat", "red"),), "meadow", "day", "pencil sketch", 5))
    assert np.array_equal(sketch[..., 0], sketch[..., 2])
    blocks = draw(Scene((Subject("cat", "red"),), "meadow", "day", "pixel art", 5)).reshape(32, 4, 32, 4, 3)
    assert np.array_equal(blocks.min(axis=(1, 3)), blocks.max(axis=(1, 3)))


def test_caption_words_agree_with_the_scene() -> None:
    for index, scene in enumerate(scenes(300)):
        words = caption(scene, np.random.default_rng(index)).replace("grey", "gray")
        for subject in scene.subjects:
            assert any(noun in words for noun in NOUNS[subject.kind]), words
        spoken = {name for name in COLOURS if name in words.replace("blue sky", "").split()}
        assert spoken <= {subject.colour for subject in scene.subjects}, words
        said = {place for place, forms in PLACES.items() for form in forms[0] if form in words}
        assert said <= {scene.place}, words
        for style in ("pencil sketch", "pixel art", "watercolor"):
            assert any(form in words for form in STYLES[style]) == (scene.style == style), words


def test_left_and_right_agree_with_the_drawing() -> None:
    found = 0
    for index, scene in enumerate(scenes(400)):
        if len(scene.subjects) == 1:
            continue
        words = caption(scene, np.random.default_rng(index))
        left, right = (NOUNS[subject.kind] for subject in scene.subjects)
        if " left of " in words:
            head, tail = words.split(" left of ")
        elif " right of " in words:
            tail, head = words.split(" right of ")
        else:
            continue
        found += 1
        assert any(noun in head for noun in left), words
        assert any(noun in tail for noun in right), words
    assert found > 30
