"""What pictures look like after intake, against pixel values computed here with numpy."""

import io
import json
import struct
import warnings
import zlib
from collections import Counter
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from api.pictures import Picture, read_picture, read_texts
from contract.errors import RequestError
from tests.api.kit import noise, png

Pixels = np.ndarray[Any, Any]


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def pixels(picture: Picture) -> tuple[str, Pixels]:
    """Mode and pixels of what comes out, read from the PNG."""
    image = Image.open(io.BytesIO(picture.png))
    assert image.format == "PNG"
    assert image.size == (picture.width, picture.height)
    assert image.info == {}
    return image.mode, np.asarray(image)


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 3), (20, 30, 4)])
def test_plain_pictures_pass_unchanged(shape: tuple[int, ...]) -> None:
    given = noise(*shape)
    mode, found = pixels(read_picture(png(given)))
    assert mode == {2: "L", 3: "RGB"}[len(shape)] if shape[-1] != 4 else "RGBA"
    np.testing.assert_array_equal(found, given)


def test_alpha_keeps_the_hidden_colour_and_the_holes() -> None:
    given = np.full((16, 16, 4), (255, 0, 0, 0), np.uint8)
    mode, found = pixels(read_picture(png(given)))
    assert mode == "RGBA"
    np.testing.assert_array_equal(found, given)


def test_sixteen_bit_grey_keeps_its_high_byte() -> None:
    ramp = np.arange(0, 65536, 256, dtype=np.uint16).reshape(16, 16) + 200
    mode, found = pixels(read_picture(png(ramp)))
    assert mode == "L"
    np.testing.assert_array_equal(found, (ramp >> 8).astype(np.uint8))


def test_sixteen_bit_colour_keeps_its_high_byte() -> None:
    given = np.random.default_rng(2).integers(0, 65536, (16, 16, 3), dtype=np.uint16)
    mode, found = pixels(read_picture(_png48(given)))
    assert mode == "RGB"
    np.testing.assert_array_equal(found, (given >> 8).astype(np.uint8))


def _png48(given: Pixels) -> bytes:
    """A PNG of 16 bits a channel, by hand: Pillow does not write these."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width, _ = given.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in given)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_one_bit_becomes_black_and_white() -> None:
    given = noise(16, 16) > 127
    mode, found = pixels(read_picture(saved(Image.fromarray(given), "PNG")))
    assert mode == "L"
    np.testing.assert_array_equal(found, given * np.uint8(255))


def test_a_palette_becomes_its_colours() -> None:
    palette = noise(256, 3)
    indices = noise(16, 16)
    image = Image.fromarray(indices).convert("P")
    image.putpalette(palette.tobytes())
    image.putdata(indices.reshape(-1).tolist())
    mode, found = pixels(read_picture(saved(image, "PNG")))
    assert mode == "RGB"
    np.testing.assert_array_equal(found, palette[indices])


def test_a_transparent_palette_entry_becomes_a_hole() -> None:
    image = Image.new("P", (16, 16), 0)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(1, (0, 0, 8, 16))
    mode, found = pixels(read_picture(saved(image, "PNG", transparency=0)))
    assert mode == "RGBA"
    np.testing.assert_array_equal(found[:, :8], np.full((16, 8, 4), (0, 0, 255, 255)))
    np.testing.assert_array_equal(found[:, 8:, 3], 0)


def test_a_transparent_colour_becomes_a_hole() -> None:
    given = np.full((16, 16, 3), (10, 20, 30), np.uint8)
    given[:, 8:] = (1, 2, 3)
    mode, found = pixels(read_picture(saved(Image.fromarray(given), "PNG", transparency=(1, 2, 3))))
    assert mode == "RGBA"
    np.testing.assert_array_equal(found[..., 3], np.where(np.arange(16) < 8, 255, 0)[None].repeat(16, 0))


def test_grey_with_alpha() -> None:
    grey, alpha = noise(16, 16), noise(16, 32)[:, 16:]
    image = Image.merge("LA", (Image.fromarray(grey), Image.fromarray(alpha.copy())))
    mode, found = pixels(read_picture(saved(image, "PNG")))
    assert mode == "RGBA"
    np.testing.assert_array_equal(found, np.dstack([grey, grey, grey, alpha]))


def test_cmyk_becomes_the_colours_it_prints() -> None:
    """Full cyan, magenta, yellow and black ink, and none: R = 255 (1-C)(1-K), and so on."""
    inks = np.array([(255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0), (0, 0, 0, 255), (0, 0, 0, 0)], float)
    given = np.repeat(np.repeat(inks[None], 16, 0), 16, 1).astype(np.uint8)
    mode, found = pixels(read_picture(saved(Image.fromarray(given, "CMYK"), "JPEG", quality=100)))
    assert mode == "RGB"
    expected = 255 * (1 - inks[:, :3] / 255) * (1 - inks[:, 3:] / 255)
    assert np.abs(found[8, 8::16].astype(float) - expected).max() <= 3  # JPEG's rounding


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda a: a),
        (2, lambda a: a[:, ::-1]),
        (3, lambda a: a[::-1, ::-1]),
        (4, lambda a: a[::-1]),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: a[::-1, ::-1].transpose(1, 0, 2)),
        (8, lambda a: np.rot90(a)),
    ],
)
@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_pictures_come_out_upright(orientation: int, upright: Any, format: str) -> None:
    given = noise(20, 30, 3)
    exif = Image.Exif()
    exif[0x0112] = orientation
    _, found = pixels(
        read_picture(
            saved(Image.fromarray(given), format, exif=exif, **({"lossless": True} if format == "WEBP" else {}))
        )
    )
    np.testing.assert_array_equal(found, upright(given))


def test_a_camera_jpeg_with_a_second_picture_is_its_first() -> None:
    """MPO: a JPEG with previews or a gain map behind it."""
    first, second = Image.new("RGB", (32, 16), (200, 30, 30)), Image.new("RGB", (32, 16), (0, 0, 255))
    _, found = pixels(read_picture(saved(first, "MPO", save_all=True, append_images=[second])))
    assert np.abs(found.astype(int) - (200, 30, 30)).max() <= 3


def test_a_profile_other_than_srgb_is_applied() -> None:
    """Linear light with sRGB's primaries: 55 of 255 linear is 128 in sRGB (IEC 61966-2-1)."""
    value = 55 / 255
    expected = round(255 * (1.055 * value ** (1 / 2.4) - 0.055))
    linear = _linear_profile()
    _, found = pixels(read_picture(saved(Image.new("RGB", (16, 16), (55, 55, 55)), "PNG", icc_profile=linear)))
    assert np.abs(found.astype(int) - expected).max() <= 1
    mode, found = pixels(read_picture(saved(Image.new("RGBA", (16, 16), (55, 55, 55, 9)), "PNG", icc_profile=linear)))
    assert mode == "RGBA"
    assert np.abs(found.astype(int) - (expected, expected, expected, 9)).max() <= 1


def _linear_profile() -> bytes:
    """sRGB's own profile with its three curves exchanged for a straight line, and its name."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", data, 128)
    for at in range(132, 132 + 12 * count, 12):
        tag, offset, _ = struct.unpack_from(">4sII", data, at)
        if tag in (b"rTRC", b"gTRC", b"bTRC"):
            struct.pack_into(">4sIHHI", data, offset, b"para", 0, 0, 0, 1 << 16)  # Y = X^1.0
        if tag == b"desc":
            data[offset : offset + 60] = data[offset : offset + 60].replace(
                "sRGB".encode("utf-16-be"), "Line".encode("utf-16-be")
            )
    return bytes(data)


def test_a_broken_profile_is_no_broken_picture() -> None:
    given = noise(16, 16, 3)
    _, found = pixels(read_picture(png(given, icc_profile=b"junk")))
    np.testing.assert_array_equal(found, given)


def test_what_the_file_says_is_kept_aside_and_not_in_the_file() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", "a cat\nSteps: 20")
    info.add_itxt("größe", "\u00fcber")
    exif = Image.Exif()
    exif[0x0112], exif[0x0131], exif[0x8825] = 6, "Camera 1", {1: "N", 2: (52.0, 31.0, 0.0)}
    given = png(noise(16, 20), pnginfo=info, exif=exif, dpi=(300, 300))
    picture = read_picture(given)
    assert picture.found == {
        "source": "upload",
        "format": "png",
        "mode": "L",
        "width": 20,
        "height": 16,
        "orientation": 6,
        "color_profile": False,
        "text": {"parameters": "a cat\nSteps: 20", "größe": "\u00fcber"},
        "exif": {"Software": "Camera 1"},  # and not where it was taken
    }
    assert (picture.width, picture.height) == (16, 20)
    assert b"Camera" not in picture.png


def test_texts_are_kept_within_bounds() -> None:
    info = PngImagePlugin.PngInfo()
    for number in range(50):
        info.add_text(f"text {number}", "x" * 100_000)
    found = read_picture(png(noise(16, 16), pnginfo=info)).found
    assert sum(len(text) for text in found["text"].values()) <= 64_000


def test_the_same_picture_gives_the_same_bytes() -> None:
    given = noise(64, 64, 3)
    assert read_picture(png(given)).png == read_picture(png(given, compress_level=0)).png


def test_mutated_files_are_refused_or_read() -> None:
    """Bytes changed and files cut: a picture or a 4xx, never another error."""
    image = Image.fromarray(noise(32, 32, 3))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + "a cat".encode("utf-16-be")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    seeds = [saved(image, "PNG"), saved(image.convert("P"), "PNG"), saved(image, "WEBP")]
    seeds += [saved(image, format, exif=exif, icc_profile=profile) for format in ("PNG", "JPEG", "WEBP")]
    rng = np.random.default_rng(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, of what it can live with
        outcomes = Counter(outcome(mutated(seeds[rng.integers(len(seeds))], rng)) for _ in range(600))
    assert set(outcomes) == {201, 415, 422}
    assert min(outcomes[201], outcomes[422]) > 50, outcomes


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        changed[rng.integers(len(changed))] = rng.integers(256)
    return bytes(changed[: rng.integers(len(changed))] if rng.random() < 0.2 else changed)


def outcome(data: bytes) -> int:
    """The HTTP status that the file would get."""
    try:
        json.dumps(read_picture(data).found, allow_nan=False)
        json.dumps(read_texts(data)).encode()
    except RequestError as error:
        return error.status
    return 201
