"""The colour of a subject: the mean inside its area, and whose of the eleven it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image, ImageFilter

from worker.training import held_out
from worker.training.classifier import PIXELS, REDUCTION, Seen
from worker.training.world.scenes import segment
from worker.training.world.vocabulary import COLOURS, SUBJECTS, Scene

MODELS = 3  # drawings of each kind and colour that the references are measured on
AFTER = 1_000_000  # held-out scenes that no row shows
EDGE = 5  # pixels; half of it, rounded down, is left out all around a subject

Palette = dict[str, np.ndarray]  # kind → mean colours, float64 (11, 3), in the order of COLOURS


def measure(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean colour of uint8 (H, W, 3) inside a mask of a quarter of its size, its edge left out, float64 (3,)."""
    whole = Image.fromarray(mask.astype(np.uint8) * 255).resize(picture.shape[1::-1], Image.Resampling.BILINEAR)
    area = np.asarray(whole) > 127
    inside = np.asarray(Image.fromarray(area).convert("L").filter(ImageFilter.MinFilter(EDGE))) > 127
    chosen: np.ndarray = picture[inside if inside.any() else area].mean(axis=0)
    return chosen


def palette() -> Palette:
    """What the eleven colours measure on drawings of each kind: a flower has a green stem, a boat a white sail."""
    models: dict[str, list[Scene]] = {kind: [] for kind in SUBJECTS}
    for scene in filter(plain, held_out.scenes(120 * len(SUBJECTS), AFTER)):
        models[scene.subjects[0].kind].append(scene)
    return {
        kind: np.stack([_reference(scenes[:MODELS], colour) for colour in COLOURS]) for kind, scenes in models.items()
    }


def _reference(models: list[Scene], colour: str) -> np.ndarray:
    painted = [replace(scene, subjects=(replace(scene.subjects[0], colour=colour),)) for scene in models]
    means = [
        measure(picture, segment(scene, PIXELS // REDUCTION) > 0)
        for scene, picture in zip(painted, held_out.pictures(painted), strict=True)
    ]
    mean: np.ndarray = np.mean(means, axis=0)
    return mean


def plain(scene: Scene) -> bool:
    """Whether a scene shows one kind in one colour in the flat style."""
    first = scene.subjects[0]
    return len(scene.subjects) == 1 and scene.style == "flat" and first.pattern == "plain"


def name(picture: np.ndarray, seen: Seen, kind: str, references: Palette) -> str:
    """The colour of `kind` in a picture, of the most visible subject if there is no such; empty if there is none."""
    shown = kind if kind in seen.masks else seen.kind
    if not shown:
        return ""
    apart = np.linalg.norm(references[shown] - measure(picture, seen.masks[shown]), axis=1)
    return list(COLOURS)[int(apart.argmin())]
