"""Pictures at the door: what is decoded, within which limits, and how it comes out.

Whatever came in goes on as a PNG in mode L, RGB or RGBA with upright pixels, sRGB where the file named another
space, and without metadata; what the file said of itself is kept aside.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps

from contract.errors import BadImage, UnsupportedMedia
from contract.phrases import Phrase

MIN_SIDE, MAX_SIDE = 16, 4096  # pixels; the greatest picture has 16.8 megapixels
MAX_TEXTS, MAX_TEXT = 8, 8000  # texts kept of one file, and characters of each
MAX_READ, MAX_READ_TEXT = 16, 1_000_000  # the same where they are only read; a workflow can be long

# Everything Pillow has been seen to raise on hostile bytes; only some of it is an OSError.
_DECODE_ERRORS = (
    OSError, ValueError, SyntaxError, EOFError, struct.error, MemoryError, zlib.error, OverflowError, LookupError,
    TypeError, Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip

# Pillow only warns between this and twice this; `_check` refuses there.
Image.MAX_IMAGE_PIXELS = MAX_SIDE * MAX_SIDE
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

_PNG_FAST = {"compress_level": 1, "compress_type": zlib.Z_RLE}  # a third of the time at the same size
_EXIF = ("Make", "Model", "Software", "DateTime", "ImageDescription", "Artist", "Copyright")  # and never the place


@dataclass(frozen=True)
class Picture:
    """A picture that may go on. `found`: what the file said of itself."""

    png: bytes
    width: int
    height: int
    found: dict[str, Any]


def read_picture(data: bytes) -> Picture:
    """Decode, check and write anew. Raises UnsupportedMedia and BadImage."""
    upright, found = _decode(data)
    plain = _to_srgb(_to_eight_bits(upright))
    return Picture(_write(plain, "PNG", **_PNG_FAST), plain.width, plain.height, found)


def read_texts(data: bytes) -> dict[str, str]:
    """What a file says of itself, by keyword, within the limits of any other picture: raises as `read_picture` does.

    PNG's text chunks, behind the pixels too, a JPEG's comment, and of EXIF `UserComment` and what others put elsewhere.
    """
    with _opened(data) as (image, _):
        image.load()
        exif = image.getexif()
        described = (exif.get(tag) for tag in (ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.ImageDescription))
        found = {**_texts(image), "UserComment": _user_comment(exif)}
        for text in described:  # "prompt:{...}", as ComfyUI writes into WebP
            key, colon, rest = _text(text, MAX_READ_TEXT).partition(":")
            if colon and key in ("prompt", "workflow"):
                found[key] = rest
        return _bounded(found, MAX_READ, MAX_READ_TEXT)


def thumbnail(data: bytes, side: int) -> bytes:
    """A WebP copy of one of our own pictures; its longer side is at most `side` pixels."""
    with Image.open(io.BytesIO(data), formats=["PNG", "JPEG", "WEBP"]) as image:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        return _write(image, "WEBP", quality=85, method=2)


def _kind(data: bytes) -> str:
    """Pillow's name of the format, by the first bytes and never by name or header."""
    if not data:
        raise BadImage("The body is empty; send the picture's bytes.")
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    raise UnsupportedMedia("This is no PNG, JPEG or WebP picture; convert it to one of these.")


def _decode(data: bytes) -> tuple[Image.Image, dict[str, Any]]:
    """The upright pixels, and what the file said of itself."""
    with _opened(data) as (image, kind):
        image.load()
        return ImageOps.exif_transpose(image), _found(image, kind)


@contextmanager
def _opened(data: bytes) -> Iterator[tuple[Image.Image, str]]:
    """A checked picture and its format, pixels not yet read; whatever Pillow raises in the block is a BadImage."""
    kind = _kind(data)
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            _check(image, kind)
            yield image, kind
    except BadImage:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise BadImage(
            Phrase("The picture has too many pixels; at most {most} x {most} are allowed.", most=MAX_SIDE)
        ) from None
    except _DECODE_ERRORS:
        raise BadImage(
            Phrase("The {kind} file is broken or incomplete; save it or send it again.", kind=kind)
        ) from None


def _check(image: Image.Image, kind: str) -> None:
    """Look at the header, before any pixel is unpacked."""
    width, height = image.size
    if max(width, height) > MAX_SIDE:
        raise BadImage(
            Phrase(
                "The picture is {width} x {height} pixels; at most {most} x {most} are allowed. Make it smaller.",
                width=width,
                height=height,
                most=MAX_SIDE,
            )
        )
    if min(width, height) < MIN_SIDE:
        raise BadImage(
            Phrase(
                "The picture is {width} x {height} pixels; each side needs at least {least}.",
                width=width,
                height=height,
                least=MIN_SIDE,
            )
        )
    # A JPEG with several pictures is a camera's, with previews or a gain map behind the first.
    if kind != "JPEG" and getattr(image, "is_animated", False):
        raise BadImage("The picture is animated; send a single frame.")


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Bring any mode to L, RGB, RGBA or CMYK, 8 bits a channel."""
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion clips, so nearly all would be white
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if "transparency" in image.info or image.mode in ("LA", "PA"):
        return image.convert("RGBA")
    if image.mode in ("L", "RGB", "RGBA", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _to_srgb(image: Image.Image) -> Image.Image:
    """L, RGB or RGBA, with the ICC profile applied where it is one for this mode and no sRGB itself."""
    mode = "RGB" if image.mode == "CMYK" else image.mode
    profile = image.info.get("icc_profile")
    if profile and mode != "L":  # greys may be a mask: they keep their values
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "sRGB" not in ImageCms.getProfileDescription(source):
                return _converted(image, source, mode)
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile, or one for another mode, is not a broken picture
    return image.convert(mode)


def _converted(image: Image.Image, source: ImageCms.ImageCmsProfile, mode: str) -> Image.Image:
    converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode=mode)
    assert converted is not None  # None is for a conversion in place
    return converted


def _write(image: Image.Image, format: str, **options: int) -> bytes:
    image.info.clear()  # Pillow would write some of it into the file
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def _found(image: Image.Image, kind: str) -> dict[str, Any]:
    """What the file says of itself: texts (generators keep their parameters there) and some of its EXIF."""
    exif = image.getexif()
    orientation = exif.get(ExifTags.Base.Orientation)  # of any type, in a file that wants to hurt
    names = {ExifTags.TAGS.get(tag): value for tag, value in exif.items()}
    return {
        "source": "upload",
        "format": kind.lower(),
        "mode": image.mode,
        "width": image.width,
        "height": image.height,
        "orientation": next((known for known in range(1, 9) if known == orientation), 1),
        "color_profile": "icc_profile" in image.info,
        "text": _bounded(_texts(image), MAX_TEXTS, MAX_TEXT),
        "exif": {name: _text(names[name]) for name in _EXIF if names.get(name)},
    }


def _texts(image: Image.Image) -> dict[str, object]:
    return {**getattr(image, "text", {}), "comment": image.info.get("comment")}


def _bounded(texts: dict[str, object], most: int, longest: int) -> dict[str, str]:
    kept = list(filter(itemgetter(1), texts.items()))[:most]
    return {_text(key)[:80]: _text(value, longest) for key, value in kept}


def _user_comment(exif: Image.Exif) -> str:
    """EXIF's UserComment: eight bytes name the code, `UNICODE` is UTF-16 in the order that most of its bytes fit."""
    value = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
    if not isinstance(value, bytes):
        return str(value or "")
    code, text = value[:8], value[8 : 8 + 2 * MAX_READ_TEXT]
    if code == b"UNICODE\0":
        big = text[::2].count(0) >= text[1::2].count(0)
        return text.decode("utf-16-be" if big else "utf-16-le", "replace").removeprefix("\ufeff")
    return (text if code in (b"ASCII\0\0\0", bytes(8)) else value).decode("utf-8", "replace")


def _text(value: object, longest: int = MAX_TEXT) -> str:
    """A text from a file as plain Unicode of bounded length."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text[:longest].encode("utf-8", "replace").decode().replace("\0", "")
