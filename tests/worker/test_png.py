"""PNGs as Pillow reads them, chunk by chunk as the specification has them, and filtered as it says, byte by byte."""

import io
import zlib

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from worker.png import encode

RNG = np.random.default_rng(1)
GRADIENT = np.add.outer(np.arange(70), np.arange(40)).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (31, 17), (32, 8), (33, 8), (70, 40)])
@pytest.mark.parametrize("plain", [True, False])
def test_pillow_reads_back_every_pixel(size: tuple[int, int], channels: int, plain: bool) -> None:
    noise = RNG.integers(0, 256, (*size, channels), dtype=np.uint8)
    pixels = np.repeat(GRADIENT[: size[0], : size[1], None], channels, axis=2) if plain else noise
    image = Image.open(io.BytesIO(encode(pixels, {"k": "é"})))
    assert image.mode == {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    np.testing.assert_array_equal(np.asarray(image).reshape(pixels.shape), pixels)
    assert image.info["k"] == "é"


def test_texts_beyond_latin_1_are_international() -> None:
    found = Image.open(io.BytesIO(encode(GRADIENT[..., None], {"k": "猫\n🐈", "plain": "a"})))
    assert found.info == {"k": "猫\n🐈", "plain": "a"}


def chunks(png: bytes) -> dict[bytes, bytes]:
    """Kind → data, checksums checked."""
    found, at = {}, 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4])
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert int.from_bytes(png[at + 8 + length : at + 12 + length]) == zlib.crc32(kind + data)
        found[kind] = data
        at += length + 12
    return found


def paeth(left: int, above: int, corner: int) -> int:
    """The specification's words: the nearest of the three to left + above - corner, in this order."""
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))


def test_lines_are_filtered_as_the_specification_says() -> None:
    pixels: npt.NDArray[np.uint8] = RNG.integers(0, 256, (35, 7, 3), dtype=np.uint8)
    parts = chunks(encode(pixels, {}))
    assert list(parts) == [b"IHDR", b"IDAT", b"IEND"]
    lines = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(35, 1 + 21)
    assert set(lines[:, 0]) == {4}
    grown = np.pad(pixels, ((1, 0), (1, 0), (0, 0))).astype(int)
    for y, x, c in np.ndindex(35, 7, 3):
        guess = paeth(*(int(grown[at]) for at in ((y + 1, x, c), (y, x + 1, c), (y, x, c))))
        assert lines[y, 1 + 3 * x + c] == (int(pixels[y, x, c]) - guess) % 256


def test_a_picture_is_no_larger_than_pillow_makes_it_with_the_same_matching() -> None:
    """A drawing with grain in it, as pictures have: within a twentieth of what a filter chosen line by line gives."""
    ys, xs = np.mgrid[:128, :128]
    drawing = np.stack([ys + xs, 2 * ys, 255 - xs], axis=-1) + RNG.normal(0, 2, (128, 128, 3))
    drawing[(ys - 60) ** 2 + (xs - 70) ** 2 < 900] = (200, 40, 10)
    pixels = drawing.clip(0, 255).astype(np.uint8)
    theirs = io.BytesIO()
    Image.fromarray(pixels).save(theirs, "PNG", compress_level=1, compress_type=3)
    assert len(encode(pixels, {})) < 1.05 * len(theirs.getvalue())
