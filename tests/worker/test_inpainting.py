"""Inpainting around the engine, compared with numpy's own arithmetic."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from contract.blobs import Blobs
from contract.errors import JobFailed
from tests.worker.kit import inpaint, photo
from worker.inpainting import region


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path)


@pytest.mark.parametrize("area", ["whole", "masked"])
@pytest.mark.parametrize("size", [(128, 128), (150, 101)])
def test_outside_the_blurred_mask_every_byte_is_the_originals(blobs: Blobs, area: str, size: tuple[int, int]) -> None:
    image = photo(*size)
    mask = np.zeros(size[::-1], np.uint8)
    mask[40:60, 50:80] = 255
    order = inpaint(blobs, image, mask, area=area, mask_blur=3, padding=8, width=128, height=128)
    decoded = photo(128, 128)
    finished = order.finish(decoded).pictures
    # An independent blur, with a little room since Pillow's is three box filters.
    reach = gaussian_filter((mask > 0).astype(float), 3, truncate=6) > 1e-9
    np.testing.assert_array_equal(finished["output"][~reach], image[~reach])
    assert (finished["output"][45:55, 60:70] != image[45:55, 60:70]).mean() > 0.9
    np.testing.assert_array_equal(finished["raw"], decoded)
    assert finished["output"].shape == image.shape


def test_an_inverted_mask_repaints_the_rest(blobs: Blobs) -> None:
    mask = np.zeros((64, 64), np.uint8)
    mask[:, :32] = 255
    order = inpaint(blobs, photo(64, 64), mask, invert_mask=True, mask_blur=0, width=64, height=64)
    assert order.request.mask is not None
    np.testing.assert_array_equal(order.request.mask[0].numpy(), 1 - mask / 255)


def test_the_region_takes_padding_and_aspect_and_stays_inside() -> None:
    mask = Image.new("L", (200, 100))
    mask.paste(255, (10, 40, 30, 50))
    assert region(mask, 5, (128, 128)) == (5, 30, 35, 60)
    assert region(mask, 5, (256, 128)) == (0, 35, 40, 55)
    assert region(mask, 500, (128, 128)) == (0, 0, 200, 100)


def test_a_black_mask_says_that_nothing_is_masked(blobs: Blobs) -> None:
    with pytest.raises(JobFailed, match="black everywhere"):
        inpaint(blobs, photo(64, 64), np.zeros((64, 64), np.uint8), area="masked", width=64, height=64)


def test_a_masked_region_is_enlarged_to_the_working_size(blobs: Blobs) -> None:
    image = np.zeros((256, 256, 3), np.uint8)
    image[64:96, 64:96] = (255, 0, 0)
    mask = np.zeros((256, 256), np.uint8)
    mask[64:96, 64:96] = 255
    order = inpaint(blobs, image, mask, area="masked", padding=0, mask_blur=0, width=128, height=128)
    assert order.request.init is not None
    assert order.request.init.shape == (3, 128, 128)
    assert float(order.request.init[0].mean()) > 0.9  # all red: only the masked square was cut out


def test_what_changed_outside_the_mask_is_measured(blobs: Blobs) -> None:
    """Of `output` nothing; of `raw` what the decoder did to the known part, at the working size."""
    image = photo(128, 128)
    mask = np.zeros((128, 128), np.uint8)
    mask[40:60, 50:80] = 255
    order = inpaint(blobs, image, mask, mask_blur=0, width=128, height=128)
    decoded = image.copy()
    decoded[45, 60] ^= 0x80  # inside: does not count
    decoded[100, 10] = np.where(image[100, 10] > 127, image[100, 10] - 7, image[100, 10] + 5)
    expected = 7 if (image[100, 10] > 127).any() else 5
    assert order.finish(decoded).measured == {"outside": {"output": 0, "raw": expected}}


def test_where_all_is_repainted_there_is_nothing_outside_to_measure(blobs: Blobs) -> None:
    order = inpaint(blobs, photo(64, 64), np.full((64, 64), 255, np.uint8), width=64, height=64)
    assert order.finish(photo(64, 64)).measured == {"outside": {"output": None, "raw": None}}
