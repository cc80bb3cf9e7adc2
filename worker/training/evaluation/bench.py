"""What every row needs: held-out scenes, pictures painted after their captions, and the judge's eyes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from worker.training import classifier, held_out
from worker.training.classifier import Seen, look
from worker.training.evaluation import colour
from worker.training.evaluation.painter import Gallery, Painter, Wishes, fingerprint
from worker.training.sizes import SIZES, Size
from worker.training.world.captions import caption
from worker.training.world.vocabulary import Scene

APART = 100_000  # held-out scenes between two sets of drawings that share none


class Bench:
    """A model to measure, the classifier that judges it, and how many pictures: `count` for most of the rows."""

    def __init__(self, model: Path, runs: Path, count: int) -> None:
        self.model, self.count = model, count
        self.painter = Painter(model)
        self.weights = fingerprint(model)
        self.gallery = Gallery(self.painter, runs / "evaluation" / self.weights)
        self.judge = classifier.load(model.parent / "judge")
        self.guidance: float = json.loads((model / "recommended.json").read_text())["guidance"]

    @property
    def size(self) -> Size:
        """The model's."""
        return next(size for size in SIZES.values() if size.pixels == self.painter.size)

    @cached_property
    def palette(self) -> colour.Palette:
        """The eleven colours as drawings have them."""
        return colour.palette()

    @cached_property
    def any_scenes(self) -> list[Scene]:
        """As they come, four times `count`."""
        return held_out.scenes(4 * self.count)

    @cached_property
    def single(self) -> list[int]:
        """Which of them are the first `count` with one kind of subject, in any style."""
        return [i for i, scene in enumerate(self.any_scenes) if len(scene.subjects) == 1][: self.count]

    @cached_property
    def plain(self) -> list[Scene]:
        """`count` of one plain subject in no special style."""
        return self.first(self.count, colour.plain)

    def first(self, count: int, wanted: Callable[[Scene], bool]) -> list[Scene]:
        """The first `count` held-out scenes of a kind."""
        return list(_first(count, wanted))

    def generated(self, name: str, scenes: Sequence[Scene], guidance: float = 0.0) -> np.ndarray:
        """A picture for the complete caption of each scene, uint8 (N, 128, 128, 3); guidance as recommended if 0."""
        return self.painted(name, self.wishes(scenes, guidance))

    def wishes(self, scenes: Sequence[Scene], guidance: float = 0.0) -> Wishes:
        """The complete captions of scenes as prompts."""
        return Wishes([words(scene) for scene in scenes], guidance or self.guidance)

    def painted(self, name: str, wishes: Wishes) -> np.ndarray:
        """What is wished for, as the judge looks at it, uint8 (N, 128, 128, 3)."""
        return reduced(self.gallery.pictures(name, wishes))

    def seen(self, pictures: np.ndarray) -> list[Seen]:
        """What the judge sees."""
        return list(look(self.judge, pictures))

    @cached_property
    def of_plain(self) -> np.ndarray:
        """A generated picture for each of the plain scenes."""
        return self.generated("plain", self.plain)

    @cached_property
    def drawings_of_plain(self) -> np.ndarray:
        """Their drawings."""
        return held_out.pictures(self.plain)


def _first(count: int, wanted: Callable[[Scene], bool]) -> Iterator[Scene]:
    skip, found = 0, 0
    while found < count:
        for scene in filter(wanted, held_out.scenes(100, skip)):
            if found < count:
                yield scene
            found += 1
        skip += 100


def words(scene: Scene) -> str:
    """A complete caption of a scene, always the same."""
    return caption(scene, np.random.default_rng([9, scene.seed]), complete=True)


def reduced(pictures: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W, 3) as the judge looks at it: 128 pixels wide, means of squares."""
    scale = pictures.shape[1] // classifier.PIXELS
    if scale == 1:
        return pictures
    count, side = len(pictures), classifier.PIXELS
    means: np.ndarray = pictures.reshape(count, side, scale, side, scale, 3).mean(axis=(2, 4)).round().astype(np.uint8)
    return means
