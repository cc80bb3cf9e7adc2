"""Enlarging: Lanczos as Pillow has it, and tiles that leave no seam."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from contract.jobs import Job, JobState
from contract.settings import ROOT, Settings
from contract.upscale import Upscale, starts, total_steps
from tests.worker.bench import Bench, Pixels, at_work
from tests.worker.engine.tiny import tiny
from worker.models.loader import Components, load
from worker.upscale import blend, faded

IMAGE = "img_" + "a" * 26
rng = np.random.default_rng(5)


@pytest.fixture
def bench(settings: Settings) -> Iterator[Bench]:
    torch.set_num_threads(1)
    with at_work(settings, tiny()) as bench:
        yield bench


def photo(width: int, height: int) -> Pixels:
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def upscaled(bench: Bench, image: Pixels, **fields: Any) -> tuple[Job, Pixels]:
    redraw = {"model": "mini", "seed": 3, "tile": 64, "overlap": 16, "steps": 4} if "method" not in fields else {}
    request = Upscale.model_validate({"image": IMAGE, **redraw, **fields})
    large = (round(image.shape[1] * request.factor), round(image.shape[0] * request.factor))
    job = bench.run(bench.submit(request, total_steps(request, *large), {IMAGE: bench.put(image)}))
    assert (job.state, job.error) == (JobState.SUCCEEDED, None)
    (made,) = job.images
    assert (made.index, made.role) == (0, "output")
    return job, bench.pixels(made)


# --- weights --------------------------------------------------------------------------------------------------


@given(st.integers(1, 1500), st.integers(8, 32).map(lambda n: 8 * n), st.data())
def test_weights_sum_to_one_everywhere(length: int, tile: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(8, tile // 2))
    total = np.zeros(max(length, tile))
    for begin, weights in faded(length, tile, overlap):
        assert weights.min() >= -1e-12
        total[begin : begin + tile] += weights
    np.testing.assert_allclose(total, 1, atol=1e-12)


def test_a_fade_is_a_raised_cosine_in_the_middle_of_what_two_tiles_share() -> None:
    """200 pixels in tiles of 128: they share 56, of which the middle 32 are the fade."""
    (first, one), (second, other) = faded(200, 128, 32)
    assert (first, second) == (0, 72)
    np.testing.assert_array_equal(one[:84], 1)
    np.testing.assert_array_equal(other[44:], 1)
    np.testing.assert_allclose(one[84:116], [(1 + np.cos(np.pi * (i + 0.5) / 32)) / 2 for i in range(32)], atol=1e-12)
    np.testing.assert_allclose(one[116:], 0, atol=1e-12)
    assert np.abs(np.diff(one)).max() < np.pi / 2 / 32, "no step is steeper than the cosine's middle"


def test_tiles_of_one_picture_blend_to_that_picture() -> None:
    whole = photo(200, 150)
    across, down = faded(200, 64, 16), faded(150, 64, 16)
    tiles = [whole[top : top + 64, left : left + 64] for top in starts(150, 64, 16) for left in starts(200, 64, 16)]
    np.testing.assert_array_equal(blend(tiles, across, down), whole)


def test_blending_is_the_weighted_sum() -> None:
    across, down = faded(100, 64, 20), faded(90, 64, 24)
    tiles = [photo(64, 64) for _ in range(4)]
    expected = np.zeros((90, 100, 3))
    for y in range(90):
        for x in range(100):
            for i, (top, rows) in enumerate(down):
                for j, (left, columns) in enumerate(across):
                    if top <= y < top + 64 and left <= x < left + 64:
                        expected[y, x] += rows[y - top] * columns[x - left] * tiles[2 * i + j][y - top, x - left]
    assert np.abs(blend(tiles, across, down) - expected).max() <= 0.5 + 1e-3


# --- jobs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "factor"), [((64, 48), 2.0), ((33, 77), 1.5), ((41, 29), 3.3)])
def test_lanczos_is_pillows_byte_for_byte(bench: Bench, size: tuple[int, int], factor: float) -> None:
    image = photo(*size)
    job, made = upscaled(bench, image, method="lanczos", factor=factor)
    large = (round(size[0] * factor), round(size[1] * factor))
    expected = Image.fromarray(image).resize(large, Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(made, np.asarray(expected))
    assert (job.progress.step, job.progress.steps) == (1, 1)
    stored = bench.store.image(job.images[0].id)
    assert stored is not None
    assert (stored.seed, stored.metadata["model"]) == (None, None), "no model and no noise had a part in it"


@pytest.mark.parametrize(("size", "factor"), [((51, 37), 2.0), ((45, 33), 1.5), ((20, 60), 3.0)])
def test_redrawn_pictures_have_exactly_the_size(bench: Bench, size: tuple[int, int], factor: float) -> None:
    job, made = upscaled(bench, photo(*size), factor=factor)
    assert made.shape == (round(size[1] * factor), round(size[0] * factor), 3)
    assert job.images[0].seed == 3


def test_all_tiles_share_calls(bench: Bench) -> None:
    """99 x 99 enlarged to 198 is 4 x 4 tiles of 64 with 16 shared, and 0.5 of 4 steps are 2."""
    before = bench.engine.stats
    job, _ = upscaled(bench, photo(99, 99), strength=0.5, guidance=1)
    after = bench.engine.stats
    assert (after.images - before.images, job.progress.steps) == (16, 32)
    assert after.calls - before.calls <= 4


def test_the_same_request_gives_the_same_bytes(bench: Bench) -> None:
    image = photo(60, 50)
    one, other = upscaled(bench, image), upscaled(bench, image)
    assert one[0].images[0].sha256 == other[0].images[0].sha256
    assert upscaled(bench, image, seed=4)[0].images[0].sha256 != one[0].images[0].sha256


def test_the_noise_of_a_tile_is_that_of_seed_plus_its_number(bench: Bench) -> None:
    """On a flat picture tiles differ by their noise alone, so tile 1 of seed 3 is tile 0 of seed 4.

    64 x 112 pixels are two tiles, at 0 and 48; columns 16 to 47 of either are not faded.
    """
    flat = np.full((32, 56, 3), 128, np.uint8)
    (_, one), (_, other) = (upscaled(bench, flat, strength=1.0, seed=seed) for seed in (3, 4))
    np.testing.assert_array_equal(one[:, 64:96], other[:, 16:48])
    assert (one[:, 16:48] != other[:, 16:48]).any()


# --- against the bundled model ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mini() -> Components:
    return load(ROOT / "models" / "mini", torch.device("cpu"), torch.float32)


def through_the_vae(mini: Components, pixels: Pixels) -> Pixels:
    """(128, 128, 3) encoded and decoded, by diffusers alone."""
    with torch.inference_mode():
        given_in = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 127.5 - 1
        out = mini.vae.decode(mini.vae.encode(given_in).latent_dist.mode()).sample[0]
    return np.asarray(((out / 2 + 0.5).clamp(0, 1) * 255).round().byte().permute(1, 2, 0))


def test_with_next_to_no_strength_it_is_lanczos_but_for_the_vaes_loss(settings: Settings, mini: Components) -> None:
    torch.set_num_threads(1)
    with Image.open(ROOT / "models" / "mini" / "grid.png") as grid:
        image = np.asarray(grid.convert("RGB").crop((20, 30, 121, 107)))
    with at_work(settings, mini) as bench:
        fields = {"tile": 128, "overlap": 32, "steps": 50, "strength": 0.001, "guidance": 1}
        _, made = upscaled(bench, image, **fields)
    large = np.asarray(Image.fromarray(image).resize((202, 154), Image.Resampling.LANCZOS)).astype(float)
    lost = 0.0  # mean over the four corners, which cover all
    for rows in (slice(0, 128), slice(26, 154)):
        for columns in (slice(0, 128), slice(74, 202)):
            tile = large[rows, columns].astype(np.uint8)
            lost += np.abs(through_the_vae(mini, tile) - large[rows, columns]).mean() / 4
    assert made.shape == large.shape
    # One step is made in any case; beside the loss of a VAE of 28 dB what it redraws is seen (4.4 of 3.8 levels).
    assert 0 < np.abs(made - large).mean() <= lost * 1.25
    assert lost < 12, "the bundled VAE is no worse than that"
