"""Batches: every drawing in its turn, and runs of drawings that look alike."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from worker.training.data import Batches, Lookalikes, scene, stratified
from worker.training.world.vocabulary import Scene

MEMBERS = np.arange(6000)

LOOKS: dict[str, Callable[[Scene], str]] = {
    "kind": lambda scene: scene.subjects[0].kind,
    "colour": lambda scene: scene.subjects[0].colour,
    "place": lambda scene: scene.place,
}


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


@pytest.mark.parametrize(("differing", "first", "share"), [("kind", 0, 5), ("colour", 5, 2), ("place", 7, 1)])
def test_runs_differ_in_one_attribute(lookalikes: Lookalikes, differing: str, first: int, share: int) -> None:
    """Neighbours within a run agree in the others, but where a group ends; in the one, they are as mixed as chance."""
    pairs: dict[str, list[bool]] = {name: [] for name in LOOKS}
    for step in range(40):
        runs = lookalikes.indices(step).reshape(-1, Lookalikes.RUN)[first : first + share]
        for run in runs:
            scenes = [scene(int(index)) for index in run]
            for name, look in LOOKS.items():
                pairs[name] += [look(a) == look(b) for a, b in pairwise(scenes)]
    agreeing = {name: float(np.mean(found)) for name, found in pairs.items()}
    assert agreeing.pop(differing) < 0.45
    assert min(agreeing.values()) > 0.6, agreeing


def test_a_pass_of_runs_shows_no_drawing_twice(lookalikes: Lookalikes) -> None:
    steps = len(MEMBERS) // Lookalikes.RUN // Lookalikes.DIFFERING["kind"]
    shown = np.concatenate([lookalikes.indices(step)[: 5 * Lookalikes.RUN] for step in range(steps)])
    assert len(np.unique(shown)) == len(shown)


def test_stratified_numbers_are_one_from_each_slice() -> None:
    numbers = stratified(8, np.random.default_rng(0))
    assert sorted((numbers * 8).astype(int)) == list(range(8))
