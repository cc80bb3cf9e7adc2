"""Pictures, and inpaint jobs made of them, for the tests of what stands around the engine."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from contract.blobs import Blobs
from contract.requests import Inpaint
from worker.prepare import Order, prepare

IMAGE, MASK = "img_" + "a" * 26, "img_" + "b" * 26
DRAWN = [("p", "n")]
rng = np.random.default_rng(0)


def store(blobs: Blobs, pixels: npt.NDArray[np.uint8]) -> str:
    """Keep a picture; its SHA-256."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return blobs.put(out.getvalue())


def photo(width: int, height: int) -> npt.NDArray[np.uint8]:
    """Noise, (H, W, 3)."""
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def inpaint(blobs: Blobs, image: npt.NDArray[np.uint8], mask: npt.NDArray[np.uint8] | None, **fields: object) -> Order:
    """An inpaint job, prepared."""
    values = {"prompt": "", "image": IMAGE, "seed": 1, "model": "mini", **fields}
    inputs = {IMAGE: store(blobs, image)}
    if mask is not None:
        values["mask"], inputs[MASK] = MASK, store(blobs, mask)
    return prepare(Inpaint.model_validate(values), inputs, DRAWN, blobs)
