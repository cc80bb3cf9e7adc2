"""The training set: drawing i follows from seed i, its captions are made up anew each time it is shown."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from tqdm import tqdm

from worker.training.world.captions import caption
from worker.training.world.scenes import draw, sample
from worker.training.world.vocabulary import FURRY, Scene

COUNT = 40_000
HELD_OUT = 10_000_000  # the first scene that no training ever sees


@lru_cache(2 * COUNT)
def scene(index: int) -> Scene:
    """Scene `index` of the training set, or from HELD_OUT on one of those that measure what was learnt."""
    return sample(np.random.default_rng(index))


def named_for_the_world(runs: Path, what: str, pixels: int, count: int = COUNT) -> Path:
    """A file in `runs` made from the drawings of today's world: yesterday's has another name."""
    return runs / f"{what}-{pixels}-{count}-{_fingerprint()}"


def drawings(runs: Path, pixels: int = 128, count: int = COUNT) -> np.ndarray:
    """All drawings, uint8 (count, pixels, pixels, 3), kept in a file under `runs` that is mapped, not loaded."""
    path = named_for_the_world(runs, "drawings", pixels, count).with_suffix(".npy")
    if not path.exists():
        unfinished = path.with_suffix(".part")
        found = open_memmap(unfinished, mode="w+", dtype=np.uint8, shape=(count, pixels, pixels, 3))
        with ProcessPoolExecutor(2) as pool:
            drawn = pool.map(partial(_drawing, pixels), range(count), chunksize=100)
            for index, picture in enumerate(tqdm(drawn, "drawings", count, smoothing=0)):
                found[index] = picture
        found.flush()
        unfinished.rename(path)
    return open_memmap(path, mode="r")


def _drawing(pixels: int, index: int) -> np.ndarray:
    return draw(scene(index), pixels)


@cache
def _fingerprint() -> str:
    """Of the world as it is drawn now."""
    return hashlib.sha256(b"".join(draw(scene(index), 64).tobytes() for index in range(64))).hexdigest()[:8]


class Batches:
    """Indices of drawings in an order shuffled anew for every pass, and captions for them."""

    def __init__(self, members: np.ndarray, size: int, seed: int, *, complete: bool = False) -> None:
        self.members, self.size, self.seed, self.complete = members, size, seed, complete

    def indices(self, step: int) -> np.ndarray:
        """Indices of the drawings of training step `step`, int64 (size,). A resumed run goes on where it was."""
        per_pass = len(self.members) // self.size
        order = np.random.default_rng([self.seed, step // per_pass]).permutation(self.members)
        start = step % per_pass * self.size
        return order[start : start + self.size]

    def captions(self, step: int, dropped: float = 0.0) -> list[str]:
        """A caption for each drawing of the step; the share `dropped` of them empty."""
        rng = np.random.default_rng([self.seed, step])
        words = [caption(scene(int(index)), rng, complete=self.complete) for index in self.indices(step)]
        return ["" if rng.random() < dropped else text for text in words]


Look = tuple[object, ...]
# What drawings can differ in, and what is the same for two that differ in nothing else.
ALIKE: dict[str, Callable[[Scene], Look]] = {
    "kind": lambda drawn: (*_setting(drawn), drawn.subjects[0].colour, len(drawn.subjects)),
    "colour": lambda drawn: (*_setting(drawn), drawn.subjects[0].kind, len(drawn.subjects)),
    "coat": lambda drawn: (drawn.subjects[0].kind, drawn.subjects[0].colour, drawn.style, drawn.place),
    "place": lambda drawn: (drawn.style, drawn.time, len(drawn.subjects), drawn.subjects[0].kind),
    "order": lambda drawn: (drawn.style, *sorted(subject.kind for subject in drawn.subjects), drawn.place),
}


def _setting(drawn: Scene) -> Look:
    return drawn.style, drawn.time, drawn.place, drawn.weather


def _can_differ(name: str, drawn: Scene) -> bool:
    """Whether it is worth comparing: animals with a coat, pairs where one stands left of the other."""
    if name == "coat":
        return len(drawn.subjects) == 1 and drawn.subjects[0].kind in FURRY
    return name != "order" or drawn.relation == "left of"


class Lookalikes(Batches):
    """Batches whose captions colour and place alone do not tell apart (hard negatives, Robinson et al. 2021).

    A batch is made of runs of eight drawings that agree in all but one attribute, mostly the subject. Among drawings
    drawn at random colour, place and time say which caption belongs to which, and CLIP would hardly learn what things
    look like.
    """

    RUN = 8
    DIFFERING = ("kind", "kind", "kind", "kind", "colour", "coat", "place", "order")  # one run in a batch each

    def __init__(self, members: np.ndarray, seed: int) -> None:
        super().__init__(members, self.RUN * len(self.DIFFERING), seed)

    def indices(self, step: int) -> np.ndarray:
        seen = {name: step * self.DIFFERING.count(name) for name in ALIKE}
        chosen = []
        for name in self.DIFFERING:
            turn, number = divmod(seen[name], len(self._runs(name, 0)))
            chosen.append(self._runs(name, turn)[number])
            seen[name] += 1
        return np.concatenate(chosen)

    @cache  # noqa: B019  # a few orders of 40,000 numbers, for as long as the training runs
    def _runs(self, differing: str, turn: int) -> np.ndarray:
        """Drawings in runs that agree in everything but `differing`, where there are so many, (pool, RUN)."""
        rng = np.random.default_rng([self.seed, *differing.encode(), turn])
        known = [(int(index), scene(int(index))) for index in self.members]
        kept = [(index, drawn) for index, drawn in known if _can_differ(differing, drawn)]
        looks = [repr(ALIKE[differing](drawn)) for _, drawn in kept]
        order = np.array([index for index, _ in kept])[
            np.lexsort([rng.random(len(kept)), np.unique(looks, return_inverse=True)[1]])
        ]
        return rng.permutation(order[: len(order) // self.RUN * self.RUN].reshape(-1, self.RUN))


def pairs_again(count: int) -> np.ndarray:
    """Which of the first `count` drawings the U-Net learns from in a pass: every one, those of two subjects thrice.

    Who is what, and who stands where, is the hardest to learn; so, half of what it sees shows that.
    """
    return np.concatenate([np.arange(count), pairs_among(count), pairs_among(count)])


def pairs_among(count: int) -> np.ndarray:
    """Which of the first `count` drawings show two subjects."""
    return np.array([index for index in range(count) if len(scene(index).subjects) == 2])


def mirrored(shown: Scene) -> Scene:
    """What a drawing of it shows once left and right have changed places."""
    if shown.relation != "left of":
        return shown
    first, second = shown.subjects
    return replace(shown, subjects=(second, first))


def stratified(count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` numbers in 0 .. 1, one from each of `count` equal slices, float64 (count,): less noise in the loss."""
    return (rng.permutation(count) + rng.random(count)) / count
