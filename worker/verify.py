"""Whether a picture that was made again is the one it was."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from contract.verification import MadeBy, Original, Verification
from worker.png import encode

Pixels = npt.NDArray[np.uint8]  # (H, W, 3)


def verify(original: Original, data: bytes, pixels: Pixels, maker: str, here: MadeBy) -> Verification:
    """Compare bytes: `pixels`, (H, W, 3), packed with the texts of the first file, against that file.

    maker, here: of this worker. Raises OSError where the first file is no picture.
    """
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        first = np.asarray(image.convert("RGB"))
        texts = dict[str, str](getattr(image, "text", {}))
    if encode(pixels, texts) == data:
        return Verification(image_id=original.image_id, same=True, greatest=0, mean=0.0)
    reasons = original.differences(maker, here)
    if first.shape != pixels.shape:
        reasons.insert(0, f"its size: {_size(first)} then, {_size(pixels)} here")
        return Verification(image_id=original.image_id, same=False, reasons=reasons)
    apart = np.abs(first.astype(np.int16) - pixels)
    if not apart.any():
        reasons = ["the pixels are the same; the file was packed otherwise"]
    elif not reasons:
        reasons = [_unknown(here)]
    return Verification(
        image_id=original.image_id,
        same=False,
        reasons=reasons,
        greatest=int(apart.max()),
        mean=round(float(apart.mean()), 4),
    )


def _size(pixels: Pixels) -> str:
    return f"{pixels.shape[1]} x {pixels.shape[0]}"


def _unknown(here: MadeBy) -> str:
    if here.get("strict", True):
        return "nothing that is noted differs: the file is not what its job made"
    return "nothing that is noted differs, but where strict is off a picture depends on its neighbours"
