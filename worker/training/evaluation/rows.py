"""The rows of generated pictures, each a function from the bench to what it measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from worker.training import held_out
from worker.training.classifier import PIXELS, Seen
from worker.training.evaluation import colour
from worker.training.evaluation.bench import APART, Bench, reduced, words
from worker.training.evaluation.frechet import distance
from worker.training.evaluation.painter import Wishes
from worker.training.evaluation.report import Row
from worker.training.world.captions import NOUNS, PLACES
from worker.training.world.scenes import segment
from worker.training.world.vocabulary import COLOURS, Scene, Subject

STRENGTHS = (0.3, 0.5, 0.7, 0.9)
ENDS = 5  # of 255: so near to black or white a channel counts as saturated
MARGIN = 8  # pixels around a subject that is to be painted over


def content(bench: Bench) -> list[Row]:
    """Subject, place and time of single subjects in any style."""
    scenes = [bench.any_scenes[i] for i in bench.single]
    until = bench.single[-1] + 1  # the rest is for the distance of distributions alone
    pictures = bench.generated("any", bench.any_scenes[:until])[bench.single]
    made, drawn = bench.seen(pictures), bench.seen(held_out.pictures(scenes))
    how = f"classifier, {len(scenes)} complete captions, all styles"
    right = {"subject": _kind_right, "place": lambda s, f: s.place == f.place, "time": lambda s, f: s.time == f.time}
    shares = {what: [_share(map(good, scenes, seen)) for seen in (made, drawn)] for what, good in right.items()}
    return [Row(what, "share", share, 0.92, 0.8, how, ruler) for what, (share, ruler) in shares.items()]


def colours(bench: Bench) -> list[Row]:
    """The colour of plain subjects."""
    asked = [scene.subjects[0].colour for scene in bench.plain]
    measured, drawn = (
        _share(name == each for name, each in zip(_named(bench, bench.plain, pictures), asked, strict=True))
        for pictures in (bench.of_plain, bench.drawings_of_plain)
    )
    how = f"mean in the subject's area, nearest of eleven, {len(asked)} plain subjects without style words"
    return [Row("colour of the subject", "share", measured, 0.88, 0.75, how, drawn)]


def order(bench: Bench) -> list[Row]:
    """Left and right of two subjects."""
    scenes = bench.first(max(bench.count // 2, 1), _beside)
    measured, drawn = (
        _share(map(_in_order, scenes, bench.seen(pictures)))
        for pictures in (bench.generated("order", scenes), held_out.pictures(scenes))
    )
    how = f"both there, and their centres in order, {len(scenes)} pairs"
    return [Row("left and right of two subjects", "share", measured, 0.8, 0.65, how, drawn)]


def negative(bench: Bench) -> list[Row]:
    """A colour in the negative prompt: how much rarer it becomes where the prompt leaves the colour open."""
    unwanted = [list(COLOURS)[i % len(COLOURS)] for i in range(len(bench.plain))]
    prompts = [_without_colour(scene) for scene in bench.plain]
    found = [
        _share(name == each for name, each in zip(_named(bench, bench.plain, pictures), unwanted, strict=True))
        for pictures in (
            bench.painted("open", Wishes(prompts, bench.guidance)),
            bench.painted("negative", Wishes(prompts, bench.guidance, unwanted)),
        )
    ]
    before, after = found[0], max(found[1], 1 / len(prompts))  # of none at all one could not say how rare it is
    how = (
        f"share of the unwanted of eleven colours {before:.1%} → {found[1]:.1%}, {len(prompts)} prompts without colour"
    )
    return [Row("negative prompt", "times", before / after, 5.0, 2.0, how)]


def guidance(bench: Bench) -> list[Row]:
    """What more guidance brings, and what too much costs: pixels at the ends of the range (Saharia et al. 2022)."""
    scenes = bench.plain[: max(bench.count // 3, 1)]
    pictures = {scale: bench.generated("guidance", scenes, scale) for scale in (1.0, 4.0, 7.5)}
    low, high = (_share(map(_kind_right, scenes, bench.seen(pictures[scale]))) for scale in (1.0, 4.0))
    made, drawn = saturated(pictures[7.5]), saturated(bench.drawings_of_plain[: len(scenes)])
    how = f"subject right {low:.1%} → {high:.1%}, {len(scenes)} pictures each"
    ends = f"pixels at either end of the range at 7.5, over the drawings' {drawn:.1%}"
    return [
        Row("guidance: subjects grow from 1 to 4", "whether", float(high > low), 1.0, None, how),
        Row("guidance: saturated pixels", "times", made / max(drawn, 1e-6), 1.5, None, ends, least=False),
    ]


def distributions(bench: Bench) -> list[Row]:
    """Fréchet distance of generated pictures and drawings, over that of two sets of drawings."""
    count = len(bench.any_scenes)
    ours, other, made = (
        np.stack([seen.features for seen in bench.seen(pictures)])
        for pictures in (
            held_out.pictures(bench.any_scenes),
            held_out.pictures(held_out.scenes(count, APART)),
            bench.generated("any", bench.any_scenes),
        )
    )
    ruler = distance(ours, other)
    how = f"Fréchet distance in the classifier's features, {count} against {count} drawings, over that of two such sets"
    return [Row("distance of distributions", "times", distance(made, other) / ruler, None, None, how, 1.0)]


def img2img(bench: Bench) -> list[Row]:
    """The stronger, the further from the picture that it began with."""
    scenes = bench.plain[: max(bench.count // 10, 1)]
    start = held_out.pictures(scenes, bench.size.pixels)
    others = [words(scene) for scene in bench.plain[-len(scenes) :]]
    away = [
        _distance(
            bench.gallery.pictures("img2img", Wishes(others, bench.guidance, start=start, strength=strength)), start
        )
        for strength in STRENGTHS
    ]
    grows = all(before < after for before, after in pairwise(away))
    found = ", ".join(f"{each:.1f}" for each in away)
    how = f"RMS distance at strengths {STRENGTHS}: {found} of 255, {len(scenes)} pictures"
    return [Row("img2img: distance grows with strength", "whether", float(grows), 1.0, None, how)]


def inpaint(bench: Bench) -> list[Row]:
    """Another subject in place of the one that was there."""
    scenes = bench.plain[: max(bench.count // 5, 1)]
    asked = [replace(scene, subjects=(_another(scene, bench.plain),)) for scene in scenes]
    start = held_out.pictures(scenes, bench.size.pixels)
    masks = np.stack([hole(segment(scene, bench.size.pixels)) for scene in scenes])
    prompts = [words(scene) for scene in asked]
    made = bench.gallery.pictures("inpaint", Wishes(prompts, bench.guidance, start=start, masks=masks))
    kept = [np.array_equal(new[~mask], old[~mask]) for new, old, mask in zip(made, start, masks, strict=True)]
    right = [_kind_right(scene, found) for scene, found in zip(asked, bench.seen(reduced(made)), strict=True)]
    how = (
        f"classifier, {len(scenes)} drawings, another subject asked for; nothing outside changed in {_share(kept):.0%}"
    )
    measured = _share(a and b for a, b in zip(right, kept, strict=True))
    return [Row("inpaint", "share", measured, 0.8, 0.65, how)]


def saturated(pictures: np.ndarray) -> float:
    """Share of the pixels of uint8 (N, H, W, 3) with a channel near either end."""
    return float(((pictures <= ENDS) | (pictures >= 255 - ENDS)).any(axis=3).mean())


def hole(labels: np.ndarray) -> np.ndarray:
    """The box around all subjects of labels (H, W), with a margin: bool (H, W)."""
    rows, columns = np.nonzero(labels)
    margin = MARGIN * len(labels) // PIXELS
    mask = np.zeros(labels.shape, bool)
    mask[
        max(rows.min() - margin, 0) : rows.max() + margin + 1,
        max(columns.min() - margin, 0) : columns.max() + margin + 1,
    ] = True
    return mask


def _kind_right(scene: Scene, found: Seen) -> bool:
    return found.kind == scene.subjects[0].kind


def _beside(scene: Scene) -> bool:
    """Whether a scene shows two kinds side by side, in no special style."""
    kinds = {subject.kind for subject in scene.subjects}
    return scene.relation == "left of" and scene.style == "flat" and len(kinds) == 2


def _in_order(scene: Scene, found: Seen) -> bool:
    left, right = (subject.kind for subject in scene.subjects)
    there = left in found.centroids and right in found.centroids
    return there and found.centroids[left][0] < found.centroids[right][0]


def _named(bench: Bench, scenes: Sequence[Scene], pictures: np.ndarray) -> list[str]:
    """The colour of each picture's subject."""
    seen = bench.seen(pictures)
    return [
        colour.name(picture, found, scene.subjects[0].kind, bench.palette)
        for scene, picture, found in zip(scenes, pictures, seen, strict=True)
    ]


def _without_colour(scene: Scene) -> str:
    noun = NOUNS[scene.subjects[0].kind][0]
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun} {PLACES[scene.place][0][0]}"


def _another(scene: Scene, among: Sequence[Scene]) -> Subject:
    """The first other kind that lives at the same place, after the scene itself."""
    start = among.index(scene)
    turned = [*among[start:], *among[:start]]
    return next(
        (each.subjects[0] for each in turned if each.place == scene.place and not _same_kind(each, scene)),
        next(each.subjects[0] for each in turned if not _same_kind(each, scene)),
    )


def _same_kind(one: Scene, other: Scene) -> bool:
    return one.subjects[0].kind == other.subjects[0].kind


def _distance(made: np.ndarray, start: np.ndarray) -> float:
    """Root of the mean square over all pixels, 0 .. 255."""
    return float(np.sqrt(np.square(made.astype(np.float32) - start).mean()))


def _share(right: Iterable[bool]) -> float:
    return float(np.mean(list(right)))
