"""The judge: it can learn, its answers are about the right place, and its augmentation keeps what a picture shows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from worker.training.augment import augment, jpeg, soften
from worker.training.classifier import Classifier, Seen, areas, look, loss_of, targets
from worker.training.clip import to_images
from worker.training.data import scene
from worker.training.loop import backward
from worker.training.world.scenes import draw, segment
from worker.training.world.vocabulary import PATTERNS, SUBJECTS, Scene, Subject


def test_it_learns_sixteen_drawings_by_heart() -> None:
    torch.manual_seed(0)
    scenes = [scene(index) for index in range(16)]
    pictures = np.stack([draw(each, 64) for each in scenes])
    model = Classifier()
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(36):
        optimizer.zero_grad()
        backward(loss_of(model, to_images(pictures), areas(scenes, 64), targets(scenes)))
        optimizer.step()
    seen = list(look(model, pictures))
    right = [
        found.kind in {subject.kind for subject in each.subjects} for each, found in zip(scenes, seen, strict=True)
    ]
    assert sum(right) >= 14
    assert sum(found.place == each.place for each, found in zip(scenes, seen, strict=True)) >= 14


class Painted(Classifier):
    """Answers with a cat in a rectangle and one pixel of a dog, whatever it is shown."""

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = torch.zeros(len(images), 1 + len(SUBJECTS), 32, 32)
        logits[:, 0] = 1.0
        logits[:, 1 + SUBJECTS.index("cat"), 8:16, 0:4] = 2.0  # rows 8 to 15, columns 0 to 3
        logits[:, 1 + SUBJECTS.index("dog"), 20, 20] = 2.0
        return logits, torch.zeros(len(images), 128)


def test_shares_and_centroids_by_hand() -> None:
    found: Seen = next(look(Painted(), np.zeros((1, 128, 128, 3), np.uint8)))
    assert found.shares == {"cat": 32 / 1024}  # the dog is too little to count
    assert found.centroids["cat"] == pytest.approx((2 / 32, 12 / 32))  # x from 0 to 4, y from 8 to 16, of 32
    assert found.masks["cat"].sum() == 32
    assert found.kind == "cat"


def test_no_pattern_is_asked_of_what_has_no_coat_nor_of_two() -> None:
    cat, boat = Subject("cat", "red", pattern="tabby"), Subject("boat", "red")
    scenes = [Scene(who, "beach", "day", "flat", 0) for who in ((cat,), (boat,), (cat, boat))]
    asked = targets(scenes)
    assert asked["pattern"].tolist() == [PATTERNS.index("tabby"), -1, -1]
    assert asked["place"].tolist() == [0, 0, 0]


def test_areas_are_those_of_the_drawing_at_a_quarter() -> None:
    drawn = scene(4)
    whole = segment(drawn, 128)[2::4, 2::4]
    assert areas([drawn]).shape == (1, 32, 32)
    assert (areas([drawn])[0].numpy() == whole).mean() > 0.95


def test_augmented_drawings_stay_close_and_in_range() -> None:
    images = to_images(np.stack([draw(scene(index)) for index in range(8)]))
    before = images.clone()
    made = augment(images, np.random.default_rng(0), round_trip=lambda rows: rows * 2)
    torch.testing.assert_close(images, before, atol=0, rtol=0)
    assert made.abs().max() <= 1
    assert (made - images).abs().mean() < 0.2
    assert (augment(images, np.random.default_rng(0), lambda rows: rows * 2) == made).all()


def test_softening_spreads_a_dot_and_keeps_its_sum() -> None:
    image = torch.zeros(1, 1, 8, 8)
    image[0, 0, 3, 3] = 1.0
    soft = soften(image, torch.ones(1, 1, 1, 1))
    assert soft.sum().item() == pytest.approx(1.0)  # a quarter in one pixel of four by four, made sixteen again
    assert soft.max() < 0.25
    torch.testing.assert_close(soften(image, torch.zeros(1, 1, 1, 1)), image)


def test_jpeg_of_one_colour_is_that_colour() -> None:
    image = torch.full((3, 16, 16), 0.25)
    assert (jpeg(image, 60) - image).abs().max() < 0.03
