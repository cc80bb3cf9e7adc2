"""Files as another reader sees them."""

import io
import json
import struct

import numpy as np
from PIL import Image
from sd_parsers import ParserManager
from sd_parsers.data import Generators, Model

from contract import infotext
from contract.requests import Txt2Img
from worker import files

PIXELS = np.random.default_rng(1).integers(0, 256, (40, 56, 3), dtype=np.uint8)


def text_chunks(png: bytes) -> dict[str, str]:
    """The tEXt chunks of a PNG, read by the specification's layout (length, type, data, CRC)."""
    found, at = {}, 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"tEXt":
            key, value = png[at + 8 : at + 8 + length].split(b"\0", 1)
            found[key.decode("latin-1")] = value.decode("latin-1")
        at += length + 12
    return found


def test_a_png_holds_the_pixels_and_what_made_them() -> None:
    made_from = {"request": {"prompt": "a café, 猫"}, "seed": 3}
    data = files.png(PIXELS, made_from)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), PIXELS)
    assert json.loads(text_chunks(data)["darkroom"]) == made_from


def test_the_same_picture_gives_the_same_bytes() -> None:
    assert files.png(PIXELS, {"a": 1, "b": 2}) == files.png(PIXELS.copy(), {"b": 2, "a": 1})


def test_a_preview_is_a_small_jpeg_of_the_same_shape() -> None:
    image = Image.open(io.BytesIO(files.preview(np.full((16, 24, 3), (200, 40, 10), np.uint8))))
    assert (image.format, image.size) == ("JPEG", (256, 171))
    np.testing.assert_allclose(np.asarray(image).mean((0, 1)), (200, 40, 10), atol=3)


def test_other_programs_read_what_made_a_picture() -> None:
    """sd-parsers knows the grammar by itself; it leaves out values in quotes."""
    request = Txt2Img(
        prompt="", width=64, height=96, seed=12, steps=9, sampler="Euler a", guidance=6.5, schedule="simple"
    )
    prompt, negative = "a café,\n(猫:1.2): here", "dog, blurry"
    text = infotext.write(request, (prompt, negative), "mini", "0123456789abcdef")
    found = ParserManager().parse(io.BytesIO(files.png(PIXELS, {"seed": 12}, text)))
    assert found is not None
    (sampler,) = found.samplers
    assert found.generator is Generators.AUTOMATIC1111
    assert ([str(each) for each in sampler.prompts], [str(each) for each in sampler.negative_prompts]) == (
        [prompt], [negative],
    )  # fmt: skip
    assert sampler.model == Model(name="mini", hash="0123456789")
    assert (sampler.name, found.metadata["Size"]) == ("Euler a", "64x96")
    assert sampler.parameters == {"cfg_scale": "6.5", "seed": "12", "steps": "9", "scheduler": "Simple"}


def test_a_file_may_say_nothing() -> None:
    data = files.png(PIXELS, None)
    assert text_chunks(data) == {}
    assert b"iTXt" not in data
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), PIXELS)


def test_a_thumbnail_is_the_picture_at_256_pixels() -> None:
    """Of a smooth picture each of its pixels is the mean of those it stands for."""
    y, x = np.mgrid[0:384, 0:512]
    pixels = np.stack([x // 2, y // 2, 255 - x // 2], axis=-1).astype(np.uint8)
    data = files.thumbnail(pixels)
    assert data is not None
    small = Image.open(io.BytesIO(data))
    assert (small.format, small.size, small.mode) == ("WEBP", (256, 192), "RGB")
    means = pixels.reshape(192, 2, 256, 2, 3).mean((1, 3))
    assert np.abs(np.asarray(small) - means).mean() < 3
    assert len(data) < 20_000


def test_what_is_no_larger_needs_no_thumbnail() -> None:
    assert files.thumbnail(np.zeros((256, 256, 3), np.uint8)) is None
    tall = files.thumbnail(np.zeros((257, 64, 3), np.uint8))
    assert tall is not None
    assert Image.open(io.BytesIO(tall)).size == (64, 256)
