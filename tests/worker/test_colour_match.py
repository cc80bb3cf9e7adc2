"""A cast put on a picture by this file's own arithmetic is taken off again."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy.ndimage import maximum_filter, zoom

from worker.colour_match import encoded, linear, match_colours, near


def smooth(width: int, height: int, seed: int = 1) -> npt.NDArray[np.float64]:
    """Coloured hills, sRGB from 0.15 to 0.75, (H, W, 3): room for a cast on either side."""
    hills = zoom(np.random.default_rng(seed).random((5, 5, 3)), (height / 5, width / 5, 1), order=3)
    low, high = float(hills.min()), float(hills.max())
    return np.asarray(0.15 + 0.6 * (hills - low) / (high - low), dtype=np.float64)


def pixels(picture: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    return (picture * 255 + 0.5).astype(np.uint8)


def light(picture: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(picture <= 0.04045, picture / 12.92, ((picture + 0.055) / 1.055) ** 2.4)


def back(value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * np.maximum(value, 0.0031308) ** (1 / 2.4) - 0.055)


def square(side: int) -> npt.NDArray[np.uint8]:
    """A mask of the middle."""
    mask = np.zeros((side, side), np.uint8)
    mask[side // 3 : side * 2 // 3, side // 3 : side * 2 // 3] = 255
    return mask


def off(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    return np.abs(one.astype(np.float64) - other)


def test_a_cast_of_light_is_taken_off_everywhere() -> None:
    """Factor and veil for each channel, in linear light: what is left is rounding, also under the mask."""
    original = smooth(96, 96)
    cast = back(light(original) * (0.75, 1.0, 1.2) + (0.02, 0.0, 0.01))
    tinted = pixels(cast)
    assert off(tinted, pixels(original)).mean() > 6
    found = match_colours(tinted, pixels(original), square(96))
    assert off(found, pixels(original)).max() <= 2
    assert off(found, pixels(original)).mean() < 0.5


def test_a_cast_of_values_is_taken_off_nearly() -> None:
    """A decoder shifts sRGB values, not light: 12 levels and a tenth of contrast come down to 2 in the mean."""
    original = smooth(96, 96)
    tinted = pixels(original * 0.9 + np.array([12, -6, 12]) / 255)
    before, after = (off(p, pixels(original)) for p in (tinted, match_colours(tinted, pixels(original), square(96))))
    assert before.mean() > 5
    assert after.mean() < 2
    assert after.mean() < before.mean() / 3


def test_what_was_painted_does_not_count() -> None:
    """A red patch under the mask changes nothing for the rest, and itself only as the rest does."""
    original = pixels(smooth(96, 96))
    painted = original.copy()
    painted[square(96) > 0] = (255, 0, 0)
    found = match_colours(painted, original, square(96))
    assert off(found, painted).max() <= 1


def test_only_what_is_known_nearby_counts() -> None:
    original = pixels(smooth(64, 400))
    mask = np.zeros((400, 64), np.uint8)
    mask[:40] = 255
    tinted = original.copy()
    tinted[200:] = 0  # far away the decoder lost everything
    assert off(match_colours(tinted, original, mask)[:104], original[:104]).max() <= 1


def test_where_nothing_is_known_nothing_is_done() -> None:
    decoded, original = pixels(smooth(32, 32)), pixels(smooth(32, 32, seed=2))
    for grey in (1, 128, 255):
        assert match_colours(decoded, original, np.full((32, 32), grey, np.uint8)) is decoded
    assert match_colours(decoded, original, np.zeros((32, 32), np.uint8)) is decoded


def test_a_flat_picture_is_shifted_and_not_stretched() -> None:
    """With no spread to compare, noise of a level must not be blown up."""
    known = np.full((32, 32, 3), 100, np.uint8)
    known[:, ::4] = 180
    decoded = np.full((32, 32, 3), 120, np.uint8)
    decoded[0, 0] = 121
    found = match_colours(decoded, known, square(32))
    assert np.ptp(found) <= 3
    assert abs(float(linear(found).mean()) - float(linear(known)[square(32) == 0].mean())) < 0.01


@pytest.mark.parametrize("reach", [0, 1, 5, 100])
def test_near_is_a_square_around_each(reach: int) -> None:
    there = np.random.default_rng(reach).random((40, 30)) > 0.995
    there[7, 3] = True
    expected = maximum_filter(there.astype(np.uint8), size=2 * reach + 1, mode="constant") > 0
    np.testing.assert_array_equal(near(there, reach), expected)


def test_bytes_come_back_from_light_as_they_were() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(1, -1, 1).repeat(3, axis=2)
    np.testing.assert_array_equal(encoded(linear(values)), values)
    np.testing.assert_allclose(linear(values)[0, :, 0], light(np.arange(256) / 255), atol=1e-6)
