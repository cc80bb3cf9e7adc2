"""Pictures read, resized and laid over each other, compared with numpy's own arithmetic."""

import numpy as np
from PIL import Image

from tests.worker.kit import photo, rng
from worker.pictures import colours, composite, coverage, difference


def test_what_is_transparent_is_white_in_a_picture_and_black_in_a_mask() -> None:
    strokes = np.zeros((4, 4, 4), np.uint8)
    strokes[0] = 255  # one opaque white line on nothing
    image = Image.fromarray(strokes)
    assert (np.asarray(colours(image)) == 255).all()
    np.testing.assert_array_equal(np.asarray(coverage(image))[:, 0], [255, 0, 0, 0])


def test_composite_is_exact_at_both_ends_and_rounded_between() -> None:
    below, above = photo(64, 64), photo(64, 64)
    mask = rng.integers(0, 256, (64, 64), dtype=np.uint8)
    mask[:8], mask[8:16] = 0, 255
    got = composite(below, above, mask)
    share = mask[..., None] / 255.0
    exact = below * (1 - share) + above * share
    assert np.abs(got - exact).max() <= 0.5 + 1e-9
    np.testing.assert_array_equal(got[:8], below[:8])
    np.testing.assert_array_equal(got[8:16], above[8:16])


def test_the_largest_difference_is_told_of_what_is_asked_for() -> None:
    one = photo(8, 8)
    other = one.copy()
    one[2, 3], other[2, 3] = (10, 250, 0), (12, 3, 0)
    one[5, 5], other[5, 5] = (0, 0, 255), (0, 0, 0)
    where = np.ones((8, 8), bool)
    assert difference(one, other, where) == 255
    where[5, 5] = False
    assert difference(one, other, where) == difference(other, one, where) == 247
    where[2, 3] = False
    assert difference(one, other, where) == 0
    assert difference(one, other, np.zeros((8, 8), bool)) is None
