"""Pictures as files: PNG with what made them inside, small JPEGs on the way, and thumbnails."""

import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from contract.blobs import THUMBNAIL
from worker.png import encode

Pixels = npt.NDArray[np.uint8]  # (H, W, 3)

TEXT_KEY, INFOTEXT_KEY = "darkroom", "parameters"
_PREVIEW_SIDE = 256  # pixels


def png(pixels: Pixels, made_from: Mapping[str, Any] | None, infotext: str | None = None) -> bytes:
    """A PNG with `made_from` as JSON in a text chunk, and beside it what other programs read.

    Carries no time: the same picture gives the same bytes.
    """
    texts = {} if infotext is None else {INFOTEXT_KEY: infotext}
    if made_from is not None:
        texts[TEXT_KEY] = json.dumps(made_from, sort_keys=True)
    return encode(pixels, texts)


def read(data: bytes) -> Pixels:
    """A picture of ours, (H, W, 3). Raises OSError."""
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        return np.asarray(image.convert("RGB"))


def preview(pixels: Pixels) -> bytes:
    """A JPEG of a latent seen as colours, enlarged to 256 pixels at its longer side."""
    image = Image.fromarray(pixels)
    scale = _PREVIEW_SIDE / max(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    out = io.BytesIO()
    image.resize(size, Image.Resampling.BICUBIC).save(out, "JPEG", quality=60)
    return out.getvalue()


def thumbnail(pixels: Pixels) -> bytes | None:
    """A WebP of 256 pixels at its longer side; None where the picture itself is no larger."""
    if max(pixels.shape[:2]) <= THUMBNAIL:
        return None
    image = Image.fromarray(pixels)
    image.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "WEBP", quality=85, method=2)
    return out.getvalue()
