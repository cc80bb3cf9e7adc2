"""Every style keeps the picture and adds what it is known by."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from worker.training.world.styles import apply
from worker.training.world.vocabulary import COLOURS, STYLES

Pixels = NDArray[np.uint8]


def square(colour: str, size: int = 128) -> Pixels:
    """A big outlined square before a blue sky and a green meadow, drawn large and shrunk."""
    image = Image.new("RGB", (512, 512), (120, 190, 245))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 330, 512, 512), (104, 176, 76))
    draw.rectangle((120, 130, 390, 430), COLOURS[colour], (28, 18, 26), 8)
    return np.asarray(image.resize((size, size), Image.Resampling.BOX))


def plain(size: int, *rgb: int) -> Pixels:
    return np.full((size, size, 3), rgb, np.uint8)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("size", [64, 100, 128, 256, 512])
def test_shape_type_and_the_same_seed(style: str, size: int) -> None:
    drawing = square("red", size)
    before = drawing.copy()
    picture = apply(drawing, style, 5)
    assert picture.shape == (size, size, 3)
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, apply(drawing, style, 5))
    assert np.array_equal(drawing, before)


@pytest.mark.parametrize("style", ["watercolor", "chalk", "mosaic", "munch"])
def test_another_seed_other_accidents(style: str) -> None:
    assert not np.array_equal(apply(square("red"), style, 1), apply(square("red"), style, 2))


def test_an_unknown_style_is_refused() -> None:
    with pytest.raises(ValueError, match="cubism"):
        apply(square("red"), "cubism", 0)


@pytest.mark.parametrize("style", STYLES)
def test_twice_the_size_is_the_same_picture(style: str) -> None:
    """Another seed's accidents differ by far more; what remains is anti-aliasing and, for blocks and tesserae, some
    on a contour that fall to its other side."""
    small, large = (apply(square("red", size), style, 3).astype(float) for size in (128, 256))
    shrunk = large.reshape(128, 2, 128, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - shrunk).mean() < (8 if style in ("pixel art", "mosaic") else 3)


@pytest.mark.parametrize("style", [style for style in STYLES if style != "pencil sketch"])
@pytest.mark.parametrize("colour", ["red", "yellow", "green", "blue", "purple"])
def test_the_subject_keeps_its_hue(style: str, colour: str) -> None:
    inside = apply(square(colour), style, 7)[40:100, 38:90].reshape(-1, 3)
    hue, saturation, _ = colorsys.rgb_to_hsv(*np.median(inside, axis=0) / 255)
    asked, _, _ = colorsys.rgb_to_hsv(*(value / 255 for value in COLOURS[colour]))
    assert abs((hue - asked + 0.5) % 1 - 0.5) < 20 / 360  # the named hues lie 40 degrees and more apart
    assert saturation > 0.35


def test_flat_is_the_drawing_itself() -> None:
    assert np.array_equal(apply(square("red"), "flat", 0), square("red"))


def test_a_pencil_is_gray() -> None:
    picture = apply(square("red"), "pencil sketch", 0)
    assert (picture == picture[:, :, :1]).all()


def test_watercolor_leaves_a_margin_of_paper_and_pools_at_contours() -> None:
    picture = apply(square("blue"), "watercolor", 0).astype(float)
    assert picture[:, [0, -1]].min() > 215
    assert picture[[0, -1]].min() > 215
    wash = apply(np.vstack([plain(256, 120, 190, 245)[:128], plain(256, 104, 176, 76)[:128]]), "watercolor", 0)
    rows = wash[:, 40:216].astype(float).mean(axis=(1, 2))
    assert rows[120:136].min() < min(rows[60:110].mean(), rows[146:200].mean()) - 8


def test_pixel_art_has_blocks_in_few_colours() -> None:
    picture = apply(square("red"), "pixel art", 0)
    blocks = picture.reshape(32, 4, 32, 4, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) <= 16


def test_chalk_is_light_lines_on_a_dark_board() -> None:
    picture = apply(square("black"), "chalk", 0).astype(float)
    assert np.median(picture.mean(axis=2)) < 90
    contour = picture[60:90, 26:34].max(axis=1).mean(axis=1)  # the outline's left side is at 30 of 128
    assert np.median(contour) > 150
    board = np.median(apply(plain(128, 0, 0, 0), "chalk", 0), axis=(0, 1))
    assert board[1] > board[0]  # a green one
    assert board.max() < 70


def test_mosaic_is_stones_of_one_colour_in_paler_grout() -> None:
    dark = np.repeat(np.linspace(0, 60, 512).astype(np.uint8)[:, None, None], 512, axis=1).repeat(3, axis=2)
    picture = apply(dark, "mosaic", 4)
    cores = ndimage.binary_erosion(picture.max(axis=2) < 90, iterations=2)
    stones, count = ndimage.label(cores)
    assert 200 < count < 360  # about 16 x 16, and pieces of them at the edge
    spread = ndimage.maximum(picture[..., 0], stones, range(1, count + 1)) - ndimage.minimum(
        picture[..., 0], stones, range(1, count + 1)
    )
    assert np.mean(spread == 0) > 0.97  # a few stones touch
    grout = (picture.min(axis=2) > 190).mean()
    assert 0.1 < grout < 0.4


def test_mosaic_stones_have_the_mean_colour() -> None:
    picture = apply(plain(256, 100, 60, 160), "mosaic", 4).reshape(-1, 3).astype(float)
    stones = picture[picture[:, 1] < 75]
    np.testing.assert_allclose(stones.mean(axis=0), (100, 60, 160), rtol=0.03)


def test_munch_burns_above_and_is_deep_below() -> None:
    day = square("red")
    before, after = day.astype(float), apply(day, "munch", 2).astype(float)
    warmth = [(picture[:42, :, 0] - picture[:42, :, 2]).mean() for picture in (before, after)]
    assert warmth[1] > max(warmth[0], 0) + 60
    below, was = after[100:, :, :].mean(axis=(0, 1)), before[100:, :, :].mean(axis=(0, 1))
    assert (below < was).all()
    assert below[:2].sum() / below[2] < was[:2].sum() / was[2]  # bluer


def test_munch_strokes_run_along_a_flow() -> None:
    """Locally the strokes' gradients point one way, as those of isotropic noise as coarse do not."""
    picture = apply(plain(256, 120, 190, 245), "munch", 2).astype(float).mean(axis=2)
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(256, 256)), 3)
    assert np.hypot(*np.gradient(picture)).mean() > 2  # none in the plain drawing
    assert coherence(picture) > coherence(noise) + 0.2


def coherence(field: NDArray[np.float64]) -> float:
    """Mean anisotropy of the structure tensor, 0 (every way alike) to 1 (parallel strokes)."""
    gy, gx = np.gradient(field)
    xx, yy, xy = (ndimage.gaussian_filter(product, 12) for product in (gx * gx, gy * gy, gx * gy))
    return float((np.hypot(xx - yy, 2 * xy) / (xx + yy)).mean())
