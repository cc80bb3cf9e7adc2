"""The evaluation: its measures against closed forms, its painter against diffusers' pipeline, its table by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from scipy.linalg import sqrtm

from worker.training import held_out
from worker.training.classifier import Seen
from worker.training.evaluation import colour, painter
from worker.training.evaluation.bench import reduced
from worker.training.evaluation.frechet import distance
from worker.training.evaluation.painter import Gallery, Painter, Wishes
from worker.training.evaluation.report import Report, Row, table, write
from worker.training.evaluation.rows import hole, saturated
from worker.training.world.vocabulary import COLOURS

MODEL = Path(__file__).parents[3] / "models" / "mini"


@pytest.fixture(scope="module")
def mini() -> Painter:
    return Painter(MODEL)


def whitened(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Features of mean 0 and covariance 1, exactly."""
    raw = rng.standard_normal((rows, columns))
    raw -= raw.mean(axis=0)
    return raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw, rowvar=False))).T


def test_distance_of_diagonal_gaussians() -> None:
    """Σ (μ - ν)² + (σ - τ)² over the axes."""
    rng = np.random.default_rng(0)
    sigma, tau, apart = np.array([1.0, 2.0, 0.5]), np.array([3.0, 2.0, 1.0]), np.array([0.0, 1.0, -2.0])
    first, second = whitened(rng, 200, 3) * sigma, whitened(rng, 300, 3) * tau + apart
    assert distance(first, second) == pytest.approx(np.square(apart).sum() + np.square(sigma - tau).sum(), abs=1e-9)
    assert distance(first, first) == pytest.approx(0, abs=1e-9)


def test_distance_with_scipys_root_of_a_matrix() -> None:
    rng = np.random.default_rng(1)
    first = rng.standard_normal((100, 6)) @ rng.standard_normal((6, 6))
    second = rng.standard_normal((100, 6)) @ rng.standard_normal((6, 6)) + 0.5
    a, b = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    apart = first.mean(axis=0) - second.mean(axis=0)
    expected = apart @ apart + np.trace(a + b - 2 * np.real(sqrtm(a @ b)))
    assert distance(first, second) == pytest.approx(float(expected), rel=1e-8)


def test_distance_with_fewer_features_than_dimensions_is_finite() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.standard_normal((2, 5, 16)).astype(np.float32)
    assert distance(first, second) > 0


def test_the_painter_paints_what_diffusers_pipeline_paints(mini: Painter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painter, "STEPS", 3)
    prompts, negatives = ["a red boat on the sea", "a white house in the snow"], ["blue", "night"]
    made = mini.paint(Wishes(prompts, 4.5, negatives, first_seed=7))
    oracle = StableDiffusionPipeline.from_pretrained(MODEL, safety_checker=None)
    oracle.set_progress_bar_config(disable=True)
    seeds = [torch.Generator().manual_seed(seed) for seed in (7, 8)]
    expected = oracle(
        prompts, negative_prompt=negatives, num_inference_steps=3, guidance_scale=4.5, generator=seeds, output_type="np"
    ).images
    assert np.abs(made - (expected * 255).round()).max() <= 1


def test_nothing_outside_the_mask_changes_and_something_inside_does(
    mini: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(painter, "STEPS", 2)
    start = held_out.pictures(held_out.scenes(1))
    mask = np.zeros((1, 128, 128), bool)
    mask[:, 30:90, 20:70] = True
    made = mini.paint(Wishes(["a red car in the city"], 4.5, start=start, masks=mask))
    np.testing.assert_array_equal(made[~mask], start[~mask])
    assert (made[mask] != start[mask]).any()


def test_little_strength_leaves_what_the_autoencoder_makes_of_it(
    mini: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(painter, "STEPS", 20)
    start = held_out.pictures(held_out.scenes(1))
    with torch.inference_mode():
        back = mini.decode(mini.encode(start)).astype(np.float32)
    near, far = (mini.paint(Wishes(["a red car"], 1.0, start=start, strength=share)) for share in (0.05, 0.4))
    assert np.abs(near - back).mean() < np.abs(far - back).mean()
    assert np.abs(near - back).mean() < 12


class Counting:
    """Paints every picture in its seed, and counts."""

    def __init__(self) -> None:
        self.batches = 0

    def paint(self, wishes: Wishes) -> np.ndarray:
        self.batches += 1
        seeds = wishes.first_seed + np.arange(len(wishes.prompts))
        return np.broadcast_to(seeds[:, None, None, None], (len(seeds), 4, 4, 3)).astype(np.uint8)


def test_pictures_are_painted_once_and_more_of_them_only_the_missing(tmp_path: Path) -> None:
    counting = Counting()
    gallery = Gallery(counting, tmp_path)  # type: ignore[arg-type]
    few = gallery.pictures("some", Wishes(["a cat"] * 64, 4.5))
    assert few[:, 0, 0, 0].tolist() == list(range(64))
    assert counting.batches == 2
    more = gallery.pictures("some", Wishes(["a cat"] * 70, 4.5))
    assert more[:, 0, 0, 0].tolist() == list(range(70))
    assert counting.batches == 3
    gallery.pictures("some", Wishes(["a dog"] * 64, 4.5))
    assert counting.batches == 5


def test_the_key_tells_wishes_apart() -> None:
    start = np.zeros((1, 8, 8, 3), np.uint8)
    wishes = [
        Wishes(["a cat"], 4.5),
        Wishes(["a cat"], 1.0),
        Wishes(["a cat"], 4.5, ["red"]),
        Wishes(["a cat"], 4.5, start=start, strength=0.5),
        Wishes(["a cat"], 4.5, start=start + 1, strength=0.5),
        Wishes(["a cat"], 4.5, first_seed=1),
    ]
    assert len({each.key() for each in wishes}) == len(wishes)


def test_colours_of_flat_patches() -> None:
    """A patch of each colour, references a little beside them: every one is found, its edge notwithstanding."""
    references = {"cat": np.array(list(COLOURS.values()), float) * 0.97}
    mask = np.zeros((32, 32), bool)
    mask[10:20, 10:20] = True
    seen = Seen({"cat": 0.1}, {"cat": (0.5, 0.5)}, {"cat": mask}, "beach", "day", "clear", "flat", "plain", np.zeros(1))
    for name, rgb in COLOURS.items():
        picture = np.zeros((128, 128, 3), np.uint8)
        picture[41:79, 41:79] = rgb  # a pixel less than the mask all around
        assert colour.measure(picture, mask) == pytest.approx(rgb)
        assert colour.name(picture, seen, "dog", references) == name


def test_holes_and_saturation_by_hand() -> None:
    labels = np.zeros((128, 128), np.uint8)
    labels[40:60, 30] = 3
    mask = hole(labels)
    assert mask.sum() == 36 * 17
    assert mask[32:68, 22:39].all()
    picture = np.full((1, 2, 2, 3), 128, np.uint8)
    picture[0, 0, 0, 1] = 255
    picture[0, 1, 1] = (5, 100, 100)
    assert saturated(picture) == 0.5


def test_larger_pictures_are_judged_as_means_of_squares() -> None:
    picture = np.zeros((1, 256, 256, 3), np.uint8)
    picture[0, 0, 0] = 200
    small = reduced(picture)
    assert small.shape == (1, 128, 128, 3)
    assert small[0, 0, 0].tolist() == [50, 50, 50]
    assert small.sum() == 150


def test_the_table_by_hand(tmp_path: Path) -> None:
    rows = (
        Row("subject", "share", 0.85, 0.92, 0.8, "classifier", 0.99),
        Row("saturated", "times", 1.2, 1.5, None, "pixels", least=False),
        Row("VAE", "dB", 24.94, 27.0, 25.0, "PSNR"),
        Row("img2img", "whether", 1.0, 1.0, None, "distance"),
        Row("CLIP", "share", None, 0.9, 0.8, "retrieval"),
    )
    lines = table(Report("abc", 500, rows)).splitlines()[2:]
    assert lines == [
        "| subject | 85.0% | 99.0% | ≥ 92.0% | ≥ 80.0% | floor | classifier |",
        "| saturated | 1.2× | – | ≤ 1.5× | – | aim | pixels |",
        "| VAE | 24.9 dB | – | ≥ 27.0 dB | ≥ 25.0 dB | below | PSNR |",
        "| img2img | yes | – | yes | – | aim | distance |",
        "| CLIP | – | – | ≥ 90.0% | ≥ 80.0% | not measured | retrieval |",
    ]
    write(Report("abc", 500, rows), tmp_path / "report.json")
    assert [row["verdict"] for row in json.loads((tmp_path / "report.json").read_text())["rows"]][:2] == [
        "floor",
        "aim",
    ]
