"""The judge: a plain convolutional network, trained on drawings alone, that says what a picture shows and where.

It is no part of the model and never trains it; it is kept beside it. It will judge generated pictures, so the drawings
it learns from are softened, compressed, brightened and noised as a generator might (`augment`); its words about a
picture are only as good as its accuracy on held-out drawings, which stands beside every number that it gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from worker.training import held_out
from worker.training.augment import RoundTrip, augment
from worker.training.clip import to_images
from worker.training.data import Batches, drawings, scene
from worker.training.loop import Schedule, Trainer, backward
from worker.training.precision import mixed
from worker.training.world.scenes import segment
from worker.training.world.vocabulary import FURRY, PATTERNS, PLACES, STYLES, SUBJECTS, TIMES, WEATHERS, Scene

HEADS = {"place": PLACES, "time": TIMES, "weather": WEATHERS, "style": STYLES, "pattern": PATTERNS}
PIXELS = 128  # width and height of the pictures that it judges; larger ones are made smaller
REDUCTION = 4  # pixels of the picture to one of the segmentation
FEATURES = 128
BATCH = 32
LEAST = 0.006  # share of a picture that a subject has to cover
UNKNOWN = -1  # what no loss asks for


class Block(nn.Module):
    """Two 3×3 convolutions beside a shortcut (He et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*_convolution(width, width), nn.ReLU(), *_convolution(width, width))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.body(x))


class Classifier(nn.Module):
    """Down to a sixteenth of the picture's size and back up to a quarter, a million weights."""

    def __init__(self) -> None:
        super().__init__()
        self.to_quarter = nn.Sequential(
            *_convolution(3, 32, stride=2), nn.ReLU(), *_convolution(32, 64, stride=2), nn.ReLU()
        )
        self.to_eighth = nn.Sequential(*_convolution(64, 96, stride=2), nn.ReLU(), Block(96))
        self.to_sixteenth = nn.Sequential(
            *_convolution(96, FEATURES, stride=2), nn.ReLU(), Block(FEATURES), Block(FEATURES)
        )
        self.up = nn.ModuleList(
            nn.Sequential(*_convolution(wide, narrow), nn.ReLU()) for wide, narrow in ((FEATURES, 96), (96, 64))
        )
        self.segmentation = nn.Conv2d(64, 1 + len(SUBJECTS), 1)
        self.heads = nn.ModuleDict({name: nn.Linear(FEATURES, len(values)) for name, values in HEADS.items()})

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Images (B, 3, H, W) in -1 .. 1 → logits of the segmentation (B, 25, H/4, W/4), features (B, 128)."""
        quarter = self.to_quarter(images)  # (B, 64, H/4, W/4)
        eighth = self.to_eighth(quarter)
        sixteenth = self.to_sixteenth(eighth)
        up = eighth + self.up[0](_double(sixteenth))
        up = quarter + self.up[1](_double(up))
        return self.segmentation(up), sixteenth.mean(dim=(2, 3))


def _convolution(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs)


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


@dataclass(frozen=True)
class Seen:
    """What one picture shows. Kinds are of SUBJECTS, the most visible first; positions x, y in 0 .. 1 from top left."""

    shares: dict[str, float]  # of the picture that each kind covers
    centroids: dict[str, tuple[float, float]]
    masks: dict[str, np.ndarray] = field(repr=False)  # bool (H/4, W/4)
    place: str
    time: str
    weather: str
    style: str
    pattern: str  # of the first subject, plain where it has no coat
    features: np.ndarray = field(repr=False)  # float32 (128,)

    @property
    def kind(self) -> str:
        """The most visible subject; empty if there is none."""
        return next(iter(self.shares), "")


@torch.inference_mode()
def look(model: Classifier, pictures: np.ndarray, batch: int = 64) -> Iterator[Seen]:
    """What each of uint8 (N, H, W, 3) shows."""
    model.eval()
    for start in range(0, len(pictures), batch):
        logits, features = model(to_images(pictures[start : start + batch]))
        labels = logits.argmax(dim=1).numpy()  # (B, H/4, W/4)
        heads = {name: model.heads[name](features).argmax(dim=1).tolist() for name in HEADS}
        for row, (label, feature) in enumerate(zip(labels, features.numpy(), strict=True)):
            yield _seen(label, {name: HEADS[name][found[row]] for name, found in heads.items()}, feature)


def _seen(label: np.ndarray, words: dict[str, str], features: np.ndarray) -> Seen:
    shares = np.bincount(label.ravel(), minlength=1 + len(SUBJECTS))[1:] / label.size
    order = [int(i) for i in np.argsort(-shares) if shares[i] >= LEAST]
    masks = {SUBJECTS[i]: label == 1 + i for i in order}
    if not order or SUBJECTS[order[0]] not in FURRY:
        words |= {"pattern": "plain"}
    return Seen(
        shares={SUBJECTS[i]: float(shares[i]) for i in order},
        centroids={kind: _centroid(mask) for kind, mask in masks.items()},
        masks=masks,
        features=features,
        **words,
    )


def _centroid(mask: np.ndarray) -> tuple[float, float]:
    y, x = np.nonzero(mask)
    return float(x.mean() + 0.5) / mask.shape[1], float(y.mean() + 0.5) / mask.shape[0]


def areas(scenes: Sequence[Scene], pixels: int = PIXELS) -> Tensor:
    """What the segmentation should answer for drawings of `pixels`, int64 (B, pixels / 4, pixels / 4)."""
    return torch.from_numpy(np.stack([segment(each, pixels // REDUCTION) for each in scenes])).long()


def targets(scenes: Sequence[Scene]) -> dict[str, Tensor]:
    """What the heads should answer, int64 (B,) each; UNKNOWN for the pattern of what has none, or of two subjects."""
    first = [each.subjects[0] for each in scenes]
    found = {name: [HEADS[name].index(getattr(each, name)) for each in scenes] for name in HEADS if name != "pattern"}
    found["pattern"] = [
        PATTERNS.index(subject.pattern)
        if len(each.subjects) == 1 and subject.kind in FURRY and subject.pattern in PATTERNS
        else UNKNOWN
        for each, subject in zip(scenes, first, strict=True)
    ]
    return {name: torch.tensor(values) for name, values in found.items()}


def loss_of(model: Classifier, images: Tensor, labels: Tensor, asked: dict[str, Tensor]) -> Tensor:
    """Cross-entropy of the segmentation (labels (B, H/4, W/4), int64) plus that of every head; a scalar."""
    logits, features = model(images)
    weights = torch.ones(1 + len(SUBJECTS))
    weights[0] = 0.5  # most of a picture is nobody's, and soon told
    loss: Tensor = F.cross_entropy(logits.float(), labels, weights)
    for name, values in asked.items():
        if (values != UNKNOWN).any():
            loss = loss + 0.15 * F.cross_entropy(model.heads[name](features).float(), values, ignore_index=UNKNOWN)
    return loss


def train(
    runs: Path, minutes: float, round_trip: RoundTrip | None = None, begin: Classifier | None = None
) -> Classifier:
    """Train for `minutes`, half of the drawings mirrored; from random weights, or on from those of `begin`."""
    torch.manual_seed(0)
    model = begin.train() if begin else Classifier()
    trainer = Trainer(model, Schedule(minutes, peak_rate=2e-3), runs / "classifier")
    pictures, batches = drawings(runs, PIXELS), Batches(np.arange(len(drawings(runs, PIXELS))), BATCH, seed=6)

    def descend(step: int) -> float:
        rng, chosen = np.random.default_rng([6, step]), np.sort(batches.indices(step))
        scenes = [scene(int(index)) for index in chosen]
        images, labels = to_images(pictures[chosen]), areas(scenes)
        mirrored = torch.from_numpy(rng.random(len(chosen)) < 0.5)
        images[mirrored], labels[mirrored] = images[mirrored].flip(3), labels[mirrored].flip(2)
        images = augment(images, rng, round_trip)
        with mixed():
            loss = loss_of(model, images, labels, targets(scenes))
        return backward(loss)

    trainer.run(descend)
    return model.eval()


def save(model: Classifier, folder: Path) -> None:
    """As `folder/model.safetensors`, float16 on disk."""
    folder.mkdir(parents=True, exist_ok=True)
    halves = {name: value.half() if value.is_floating_point() else value for name, value in model.state_dict().items()}
    save_file(halves, folder / "model.safetensors")


def load(folder: Path) -> Classifier:
    """What `save` wrote, in float32."""
    model = Classifier()
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval()


def accuracy(model: Classifier, count: int = 500) -> dict[str, float]:
    """On held-out drawings: share right per head and for the kinds seen, and the share of pixels labelled right."""
    scenes = held_out.scenes(count)
    seen = list(look(model, held_out.pictures(scenes)))
    right: dict[str, list[float]] = {name: [] for name in ("kinds", "area", *HEADS)}
    for each, found in zip(scenes, seen, strict=True):
        asked = {subject.kind for subject in each.subjects}
        right["kinds"].append(set(list(found.shares)[: len(asked)]) == asked)
        said = sum((1 + SUBJECTS.index(kind)) * mask for kind, mask in found.masks.items())
        right["area"].append(float((areas([each])[0].numpy() == said).mean()))
        for name, values in targets([each]).items():
            if values[0] != UNKNOWN:
                right[name].append(getattr(found, name) == HEADS[name][values[0]])
    return {name: float(np.mean(values)) for name, values in right.items() if values}
