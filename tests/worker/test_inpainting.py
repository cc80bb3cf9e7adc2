"""Inpainting around the engine, compared with numpy's own arithmetic."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from contract.blobs import Blobs
from contract.errors import ErrorCode, JobFailed
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


@pytest.mark.parametrize("area", ["masked", "whole"])
@pytest.mark.parametrize(("inverted", "told"), [(False, "black everywhere; paint white"), (True, "paint black")])
def test_where_nothing_is_masked_there_is_nothing_to_do(blobs: Blobs, area: str, inverted: bool, told: str) -> None:
    mask = np.full((64, 64), 255 * inverted, np.uint8)
    with pytest.raises(JobFailed, match=told) as failed:
        inpaint(blobs, photo(64, 64), mask, area=area, invert_mask=inverted, width=64, height=64)
    assert failed.value.code is ErrorCode.BAD_IMAGE


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


SIDES = {"left": 24, "right": 0, "top": 8, "bottom": 40}


@pytest.mark.parametrize("painted", [False, True])
@pytest.mark.parametrize("blur", [0, 3])
def test_an_extended_picture_keeps_what_it_was_outside_the_mask(blobs: Blobs, painted: bool, blur: int) -> None:
    image = photo(112, 96)
    mask = np.zeros((96, 112), np.uint8)
    mask[30:40, 60:70] = 255
    order = inpaint(blobs, image, mask if painted else None, extend=SIDES, mask_blur=blur, width=136, height=144)
    assert order.request.mask is not None
    assert order.request.init is not None
    assert order.request.init.shape == (3, 144, 136)
    decoded = photo(136, 144)
    output = order.finish(decoded).pictures["output"]
    assert output.shape == (144, 136, 3)
    inside = np.s_[8 : 8 + 96, 24:]
    border = np.ones((144, 136), bool)
    border[inside] = False
    np.testing.assert_array_equal(output[border], decoded[border])
    # An independent reach: the painted part blurred, and five times the blur (Pillow's is three box filters) from an
    # edge that was extended. The right side was not.
    reach = gaussian_filter((mask > 0).astype(float), blur, truncate=6) > 1e-9 if blur else mask > 0
    reach = reach & painted
    y, x = np.mgrid[:96, :112]
    reach |= np.minimum.reduce([x, y, 95 - y]) < 6 * blur
    np.testing.assert_array_equal(output[inside][~reach], image[~reach])
    assert (~reach).sum() > 3000
    through = order.request.mask[0].numpy()
    assert (through[border] == 1).all()
    assert (through[inside][~reach] == 0).all()
    if painted:  # a square of ten pixels is not quite white any more at its middle
        assert through[8 + 35, 24 + 65] > 0.75
    np.testing.assert_array_equal(through[inside][:, -1][45:50], 0)


def test_the_mask_of_a_border_fades_without_a_step(blobs: Blobs) -> None:
    """From the old edge inward: no two neighbours differ by more than a Gaussian of this width does."""
    blur = 4
    order = inpaint(blobs, photo(128, 64), None, extend={"left": 64}, mask_blur=blur, width=192, height=64)
    assert order.request.mask is not None
    line = order.request.mask[0, 32].numpy()
    assert (line[:64] == 1).all()
    assert line[64] > 0.95  # two blurs from the middle of the slope
    assert line[64 + 2 * blur - 1] > 0.5 > line[64 + 2 * blur]
    assert (line[64 + 6 * blur :] == 0).all()
    steepest = 1 / (blur * np.sqrt(2 * np.pi))
    assert np.diff(line).max() <= 0
    assert np.abs(np.diff(line)).max() < 1.1 * steepest


def test_a_border_starts_from_the_colours_of_its_edge(blobs: Blobs) -> None:
    """And nothing of the picture's other side; the picture itself starts as it is."""
    image = np.zeros((64, 128, 3), np.uint8)
    image[:, :64], image[:, 64:] = (200, 40, 40), (40, 40, 200)
    order = inpaint(blobs, image, None, extend={"left": 32, "right": 32}, mask_blur=0, width=192, height=64)
    assert order.request.init is not None
    init = (order.request.init.numpy().transpose(1, 2, 0) + 1) * 127.5
    np.testing.assert_allclose(init[:, 32:160], image, atol=1e-3)
    np.testing.assert_allclose(init[:, 20:32], np.broadcast_to((200, 40, 40), (64, 12, 3)), atol=2)
    np.testing.assert_allclose(init[:, 160:172], np.broadcast_to((40, 40, 200), (64, 12, 3)), atol=2)
    assert init[:, 0, 0].min() > 120 > init[:, 0, 2].max()


def test_an_extended_picture_is_worked_on_at_another_size(blobs: Blobs) -> None:
    """Twice as small: the known part still comes back byte by byte."""
    image = photo(256, 256)
    order = inpaint(blobs, image, None, extend={"bottom": 128}, width=128, height=192)
    output = order.finish(photo(128, 192)).pictures["output"]
    assert output.shape == (384, 256, 3)
    np.testing.assert_array_equal(output[: 256 - 24], image[: 256 - 24])
    assert (output[256:] != 0).any()


def test_around_a_border_is_its_part_of_the_picture(blobs: Blobs) -> None:
    """`area: masked` looks at the border, the fade and the padding, and not at the far side."""
    image = np.zeros((64, 512, 3), np.uint8)
    image[:, :300] = (0, 255, 0)
    order = inpaint(
        blobs, image, None, extend={"right": 64}, area="masked", padding=32, mask_blur=0, width=128, height=64
    )
    assert order.request.init is not None
    assert float(order.request.init[1].max()) < -0.99  # nothing green was cut out
    assert order.request.mask is not None
    assert 0.4 < float(order.request.mask.mean()) < 0.8


def test_a_small_picture_with_a_wide_blur_is_extended(blobs: Blobs) -> None:
    order = inpaint(blobs, photo(16, 16), None, extend={"left": 48, "top": 48}, mask_blur=64, width=64, height=64)
    assert order.finish(photo(64, 64)).pictures["output"].shape == (64, 64, 3)


def test_extending_by_nothing_changes_nothing(blobs: Blobs) -> None:
    image, mask = photo(64, 64), np.zeros((64, 64), np.uint8)
    mask[20:40, 20:40] = 255
    plain = inpaint(blobs, image, mask, width=64, height=64)
    zero = inpaint(blobs, image, mask, extend={}, width=64, height=64)
    decoded = photo(64, 64)
    np.testing.assert_array_equal(plain.finish(decoded).pictures["output"], zero.finish(decoded).pictures["output"])
    assert plain.request.init is not None
    assert zero.request.init is not None
    assert bool((plain.request.init == zero.request.init).all())


def test_colour_match_takes_the_decoders_cast_off_what_is_painted(blobs: Blobs) -> None:
    """And off nothing else: `raw` stays what the decoder gave, outside the mask every byte stays the original's."""
    y, x = np.mgrid[:96, :96]
    image = np.stack([60 + x, 60 + y, 150 - x // 2], axis=2).astype(np.uint8)
    mask = np.zeros((96, 96), np.uint8)
    mask[32:64, 32:64] = 255
    decoded = image + np.array([20, 0, 10], np.uint8)  # the picture as it was, with a cast
    outputs = {}
    for colour_match in (False, True):
        order = inpaint(blobs, image, mask, mask_blur=0, colour_match=colour_match, width=96, height=96)
        finished = order.finish(decoded)
        np.testing.assert_array_equal(finished.pictures["raw"], decoded)
        assert finished.measured == {"outside": {"output": 0, "raw": 20}}
        outputs[colour_match] = np.abs(finished.pictures["output"].astype(int) - image)
    assert outputs[False].max() == 20
    assert outputs[True].max() <= 6
    assert outputs[True][mask > 0].mean() < 2


def test_a_soft_mask_is_no_veil(blobs: Blobs) -> None:
    """From a quarter grey on, what was decoded stands alone; below, it fades; where the mask is black, nothing."""
    image = np.full((64, 256, 3), 40, np.uint8)
    mask = np.tile(np.arange(256, dtype=np.uint8), (64, 1))
    order = inpaint(blobs, image, mask, soft=True, mask_blur=0, width=256, height=64)
    assert order.request.soft
    decoded = np.full((64, 256, 3), 200, np.uint8)
    line = order.finish(decoded).pictures["output"][32, :, 0].astype(int)
    assert line[0] == 40
    np.testing.assert_allclose(line[1:64], 40 + 160 * np.arange(1, 64) * 4 / 255, atol=0.51)
    assert (line[64:] == 200).all()
    assert not inpaint(blobs, image, mask, mask_blur=0, width=256, height=64).request.soft
