"""Drawings follow from seeds, and show what their scenes say."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, label

from worker.training.world.scenes import ARRANGEMENTS, PLACES_OF, draw, layout, sample, segment
from worker.training.world.subjects import FLYING
from worker.training.world.vocabulary import (
    EYED,
    FURRY,
    HELD_OUT_PATTERNS,
    HELD_OUT_SUBJECTS,
    PLACES,
    STYLES,
    SUBJECTS,
    TIMES,
    WEATHERS,
    Scene,
    Subject,
)


def scenes(count: int) -> list[Scene]:
    rng = np.random.default_rng(7)
    return [sample(rng) for _ in range(count)]


def centre(mask: np.ndarray) -> tuple[float, float]:
    """Mean y and x of a bool (H, W)."""
    y, x = np.nonzero(mask)
    return float(y.mean()), float(x.mean())


def test_same_seed_same_drawing() -> None:
    for index in range(20):
        first, second = (sample(np.random.default_rng(index)) for _ in range(2))
        assert first == second
        assert np.array_equal(draw(first), draw(second))
        assert np.array_equal(segment(first), segment(second))


def test_another_seed_another_drawing() -> None:
    pictures = [draw(scene) for scene in scenes(20)]
    assert len({picture.tobytes() for picture in pictures}) == 20


@pytest.mark.parametrize("size", [64, 128, 256])
def test_sizes_and_type(size: int) -> None:
    for scene in scenes(8):
        picture = draw(scene, size)
        assert picture.shape == (size, size, 3)
        assert picture.dtype == np.uint8
        assert segment(scene, size).shape == (size, size)


def test_a_larger_drawing_is_the_same_drawing() -> None:
    scene = Scene((Subject("boat", "red"),), "sea", "day", "flat", 3)
    small, large = draw(scene, 64).astype(float), draw(scene, 256).astype(float)
    shrunk = large.reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
    assert np.abs(small - shrunk).mean() < 6  # of 255: anti-aliasing of the outlines only


def test_the_world_is_as_large_as_promised_and_all_of_it_is_sampled() -> None:
    found = scenes(4000)
    assert len(SUBJECTS) >= 24
    assert len(PLACES) >= 10
    for words, attribute in ((PLACES, "place"), (TIMES, "time"), (WEATHERS, "weather"), (STYLES, "style")):
        assert {getattr(scene, attribute) for scene in found} == set(words)
    assert {scene.subjects[0].kind for scene in found} == set(SUBJECTS)
    assert {scene.count for scene in found} == {1, 2, 3}
    assert {scene.relation for scene in found} == {"", "left of", "above", "in front of", "on"}
    shares = Counter(len(scene.subjects) for scene in found)
    assert shares[1] / len(found) > ARRANGEMENTS["alone"]


def test_what_is_held_out_is_never_sampled_and_can_be_drawn() -> None:
    for scene in scenes(4000):
        for subject in scene.subjects:
            assert subject.kind not in HELD_OUT_SUBJECTS
            assert subject.pattern not in HELD_OUT_PATTERNS
            assert subject.pattern == "plain" or subject.kind in FURRY
            assert not subject.eyes or subject.kind in EYED
    places = [Scene((Subject(kind, "red"),), "meadow", "day", "flat", 1) for kind in ("cat", *HELD_OUT_SUBJECTS)]
    assert np.abs(draw(places[0]).astype(int) - draw(places[1])).mean() > 5
    cats = [Scene((Subject("cat", "red", pattern),), "meadow", "day", "flat", 1) for pattern in ("plain", "calico")]
    assert np.abs(draw(cats[0]).astype(int) - draw(cats[1])).mean() > 5


def test_subjects_stand_where_they_belong() -> None:
    for scene in scenes(1000):
        first = scene.subjects[0]
        assert scene.place in PLACES_OF[first.kind]
        assert scene.place != "sky" or all(subject.kind in FLYING for subject in scene.subjects)


def test_a_segmentation_covers_what_changes_with_the_subject() -> None:
    """The same scene with another colour: nearly every pixel that differs is the subject's, or its outline's."""
    for kind in SUBJECTS:
        scenes = [Scene((Subject(kind, colour),), PLACES_OF[kind][0], "day", "flat", 11) for colour in ("red", "green")]
        changed = np.abs(draw(scenes[0]).astype(int) - draw(scenes[1])).sum(axis=2) > 60
        # Half of an outline lies outside of what it outlines.
        mine = binary_dilation(segment(scenes[0]) == 1 + SUBJECTS.index(kind))
        assert changed.mean() > 0.04, kind
        assert (changed & mine).sum() > 0.93 * changed.sum(), kind


def test_every_subject_is_to_be_seen_and_within_the_picture() -> None:
    for scene in scenes(400):
        marks = segment(scene)
        for subject in scene.subjects:
            assert (marks == 1 + SUBJECTS.index(subject.kind)).mean() > 0.015, scene
        for box in layout(scene):
            assert box.left > -2
            assert box.left + box.width < 102


def test_relations_by_the_segmentation() -> None:
    found: Counter[str] = Counter()
    for scene in scenes(1500):
        if not scene.relation:
            continue
        marks = segment(scene)
        (y, x), (other_y, other_x) = (centre(marks == 1 + SUBJECTS.index(each.kind)) for each in scene.subjects)
        found[scene.relation] += 1
        match scene.relation:
            case "left of":
                assert x + 20 < other_x, scene
            case "above":
                assert y + 15 < other_y, scene
            case "on":
                assert y < other_y, scene
            case "in front of":
                first, second = layout(scene)
                assert first.width < second.width, scene
                assert first.top + first.width > second.top + 0.75 * second.width, scene
    assert min(found.values()) > 20
    assert len(found) == 4


def test_a_counted_subject_is_there_so_often() -> None:
    for scene in scenes(600):
        if scene.count > 1 and scene.subjects[0].kind in ("mushroom", "house", "cat", "person", "bird"):
            _, number = label(segment(scene) > 0)
            assert number == scene.count, scene


def test_times_of_day_differ_in_light() -> None:
    pictures = [draw(Scene((Subject("cat", "red"),), "meadow", time, "flat", 5)).mean() for time in TIMES]
    assert pictures == sorted(pictures, reverse=True)
