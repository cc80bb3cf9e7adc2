"""Batches: every drawing in its turn, and runs of drawings that look alike."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from worker.training.data import Batches, Lookalikes, mirrored, pairs_again, scene, stratified
from worker.training.world.scenes import segment
from worker.training.world.vocabulary import FURRY, SUBJECTS, Scene, Subject

MEMBERS = np.arange(6000)


@pytest.fixture(scope="module")
def lookalikes() -> Lookalikes:
    return Lookalikes(MEMBERS, seed=1)


def test_a_pass_shows_every_drawing_once_and_the_next_one_in_another_order() -> None:
    batches = Batches(MEMBERS, 60, seed=1)
    first, second = (
        np.concatenate([batches.indices(step) for step in range(start, start + 100)]) for start in (0, 100)
    )
    assert np.array_equal(np.sort(first), MEMBERS)
    assert np.array_equal(np.sort(second), MEMBERS)
    assert not np.array_equal(first, second)


def test_a_batch_of_lookalikes_is_eight_runs_of_eight(lookalikes: Lookalikes) -> None:
    assert lookalikes.size == 64
    assert lookalikes.indices(3).shape == (64,)
    assert np.array_equal(lookalikes.indices(3), Lookalikes(MEMBERS, seed=1).indices(3)), "a resumed run finds it again"
    assert not np.array_equal(lookalikes.indices(3), lookalikes.indices(4))


def first(scene: Scene) -> Subject:
    return scene.subjects[0]


@pytest.mark.parametrize(
    ("runs", "differing", "agreeing"),
    [
        (slice(0, 4), lambda scene: first(scene).kind, lambda scene: first(scene).colour),
        (slice(4, 5), lambda scene: first(scene).colour, lambda scene: first(scene).kind),
        (slice(5, 6), lambda scene: (first(scene).pattern, first(scene).eyes), lambda scene: first(scene).kind),
        (slice(6, 7), lambda scene: scene.place, lambda scene: first(scene).kind),
        (slice(7, 8), lambda scene: first(scene).kind, lambda scene: {each.kind for each in scene.subjects}),
    ],
    ids=["kind", "colour", "coat", "place", "order"],
)
def test_runs_differ_in_one_attribute(
    lookalikes: Lookalikes,
    runs: slice,
    differing: Callable[[Scene], object],
    agreeing: Callable[[Scene], object],
) -> None:
    """Neighbours within a run agree in the others, but where a group ends; in the one, they are as mixed as chance."""
    same, other = [], []
    for step in range(15):
        for run in lookalikes.indices(step).reshape(-1, Lookalikes.RUN)[runs]:
            for one, next_one in pairwise(scene(int(index)) for index in run):
                other.append(differing(one) == differing(next_one))
                same.append(agreeing(one) == agreeing(next_one))
    assert np.mean(other) < 0.55
    assert np.mean(same) > np.mean(other) + 0.15  # of 6,000 drawings a pair of kinds has but three


def test_coats_are_compared_among_animals_and_order_among_pairs(lookalikes: Lookalikes) -> None:
    runs = lookalikes.indices(2).reshape(-1, Lookalikes.RUN)
    assert all(first(scene(int(index))).kind in FURRY for index in runs[5])
    assert all(scene(int(index)).relation == "left of" for index in runs[7])


def test_a_pass_of_runs_shows_no_drawing_twice(lookalikes: Lookalikes) -> None:
    steps = len(MEMBERS) // Lookalikes.RUN // 4
    shown = np.concatenate([lookalikes.indices(step)[: 4 * Lookalikes.RUN] for step in range(steps)])
    assert len(np.unique(shown)) == len(shown)


def test_pairs_are_shown_thrice_a_pass() -> None:
    times = np.bincount(pairs_again(500))
    assert len(times) == 500
    assert all(times[index] == {1: 1, 2: 3}[len(scene(index).subjects)] for index in range(500))


def test_a_mirrored_drawing_is_told_as_what_it_shows() -> None:
    """Where the marks of each subject lie once the drawing's columns are turned."""
    found = 0
    for shown in map(scene, range(200)):
        told, marks = mirrored(shown), segment(shown)[:, ::-1]
        assert sorted(each.kind for each in told.subjects) == sorted(each.kind for each in shown.subjects)
        if shown.relation == "left of":
            first, second = (
                np.flatnonzero((marks == 1 + SUBJECTS.index(each.kind)).any(axis=0)).mean() for each in told.subjects
            )
            assert first < second, shown
            found += 1
        else:
            assert told == shown
    assert found > 20


def test_stratified_numbers_are_one_from_each_slice() -> None:
    numbers = stratified(8, np.random.default_rng(0))
    assert sorted((numbers * 8).astype(int)) == list(range(8))
