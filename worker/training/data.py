"""The training set: drawing i follows from seed i, its captions are made up anew each time it is shown."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from worker.training.captions import caption
from worker.training.scenes import Scene, draw, sample

COUNT = 24_000
SIZE = 128


def scene(index: int) -> Scene:
    """Scene `index` of the training set."""
    return sample(np.random.default_rng(index))


def drawings(runs: Path, count: int = COUNT) -> np.ndarray:
    """All drawings, uint8 (count, 128, 128, 3), kept in a file under `runs` that is mapped, not loaded."""
    path = runs / "drawings.npy"
    if not path.exists():
        unfinished = path.with_suffix(".part")
        shape = (count, SIZE, SIZE, 3)
        pixels = np.lib.format.open_memmap(unfinished, mode="w+", dtype=np.uint8, shape=shape)
        for index in range(count):
            pixels[index] = draw(scene(index), SIZE)
        pixels.flush()
        unfinished.rename(path)
    return np.lib.format.open_memmap(path, mode="r")


class Batches:
    """Indices of drawings in an order shuffled anew for every pass, and captions for them."""

    def __init__(self, members: np.ndarray, size: int, seed: int) -> None:
        self.members, self.size, self.seed = members, size, seed

    def indices(self, step: int) -> np.ndarray:
        """Indices of the drawings of training step `step`, int64 (size,). A resumed run goes on where it was."""
        per_pass = len(self.members) // self.size
        order = np.random.default_rng([self.seed, step // per_pass]).permutation(self.members)
        start = step % per_pass * self.size
        return order[start : start + self.size]

    def captions(self, step: int, dropped: float = 0.0) -> list[str]:
        """A caption for each drawing of the step; the share `dropped` of them empty."""
        rng = np.random.default_rng([self.seed, step])
        words = [caption(scene(int(index)), rng) for index in self.indices(step)]
        return ["" if rng.random() < dropped else text for text in words]


class Lookalikes(Batches):
    """Batches whose captions colour and place alone do not tell apart (hard negatives, Robinson et al. 2021).

    A batch is made of runs of eight drawings that agree in all but one attribute, mostly the subject. Among drawings
    drawn at random colour, place and time say which caption belongs to which, and CLIP would hardly learn what things
    look like.
    """

    RUN = 8
    DIFFERING: ClassVar = {"kind": 5, "colour": 2, "place": 1}  # what differs within a run → such runs in a batch

    def __init__(self, members: np.ndarray, seed: int) -> None:
        super().__init__(members, self.RUN * sum(self.DIFFERING.values()), seed)

    def indices(self, step: int) -> np.ndarray:
        pool = len(self.members) // self.RUN
        numbered = [(name, step * share + i) for name, share in self.DIFFERING.items() for i in range(share)]
        return np.concatenate([self._runs(name, number // pool)[number % pool] for name, number in numbered])

    @cache  # noqa: B019  # two or three orders of 24,000 numbers, for as long as the training runs
    def _runs(self, differing: str, turn: int) -> np.ndarray:
        """All drawings in runs that agree in everything but `differing`, where there are so many, (pool, RUN)."""
        rng = np.random.default_rng([self.seed, *differing.encode(), turn])
        alike = [values for name, values in _looks(self.members).items() if name != differing]
        order = self.members[np.lexsort([rng.random(len(self.members)), *alike])]
        return rng.permutation(order[: len(order) // self.RUN * self.RUN].reshape(-1, self.RUN))


def _looks(members: np.ndarray) -> dict[str, np.ndarray]:
    """How drawings look: every attribute numbered, int64 (N,)."""
    scenes = [scene(int(index)) for index in members]
    looks = {
        "kind": [each.subjects[0].kind for each in scenes],
        "colour": [each.subjects[0].colour for each in scenes],
        "time": [each.time for each in scenes],
        "place": [each.place for each in scenes],
        "style": [f"{each.style} {len(each.subjects)}" for each in scenes],
    }
    return {name: np.unique(values, return_inverse=True)[1] for name, values in looks.items()}


def mostly_plain(count: int) -> np.ndarray:
    """Those of the first `count` drawings that the U-Net learns from, int64 (N,), N near 0.74 `count`.

    All with one subject in the flat style; of those with two, two in five, and of the other styles every second: what
    is asked for most has to be learnt best.
    """
    keep = []
    for index in range(count):
        drawn = scene(index)
        share = (0.4 if len(drawn.subjects) == 2 else 1.0) * (0.5 if drawn.style != "flat" else 1.0)
        if np.random.default_rng([index, 1]).random() < share:
            keep.append(index)
    return np.array(keep)


def stratified(count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` numbers in 0 .. 1, one from each of `count` equal slices, float64 (count,): less noise in the loss."""
    return (rng.permutation(count) + rng.random(count)) / count
