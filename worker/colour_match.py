"""The colours of a decoded picture, brought back to those that its known part had.

Mean and standard deviation of each channel are carried over, as in Reinhard et al. 2001 ("Color transfer between
images"), but in linear light, where a cast of light is a factor for each channel and is taken back exactly.
"""

import numpy as np
import numpy.typing as npt

from worker.pictures import Pixels

Floats = npt.NDArray[np.float32]

NEAR = 64  # pixels from the mask within which known pixels count
MOST_GAIN = 2.0  # a channel is stretched by at most so much, and shrunk as little


def match_colours(decoded: Pixels, known: Pixels, mask: Pixels) -> Pixels:
    """`decoded` (H, W, 3) with the colours that `known` (H, W, 3) has where the mask (H, W) is 0, near the rest.

    Where nothing is known it comes back as it is.
    """
    where = near(mask > 0, NEAR) & (mask == 0)
    if not where.any():
        return decoded
    light = linear(decoded)
    had, wanted = light[where], linear(known)[where]  # (N, 3)
    gain = wanted.std(axis=0) / np.maximum(had.std(axis=0), 1e-4)
    gain = np.clip(gain, 1 / MOST_GAIN, MOST_GAIN)
    return encoded((light - had.mean(axis=0)) * gain + wanted.mean(axis=0))


def near(there: npt.NDArray[np.bool_], reach: int) -> npt.NDArray[np.bool_]:
    """What lies within `reach` pixels of what is there, across and down: a square around each, (H, W)."""
    for axis in (0, 1):
        sums = np.cumsum(there, axis=axis, dtype=np.int32)
        length = there.shape[axis]
        last = np.minimum(np.arange(length) + reach, length - 1)
        before = np.arange(length) - reach - 1
        earlier = np.take(sums, np.maximum(before, 0), axis=axis)
        outside = np.expand_dims(before < 0, 1 - axis)
        there = np.take(sums, last, axis=axis) - np.where(outside, 0, earlier) > 0
    return there


def linear(pixels: Pixels) -> Floats:
    """sRGB bytes → light, 0 to 1 (IEC 61966-2-1)."""
    return _LINEAR[pixels]


def encoded(light: Floats) -> Pixels:
    """Light → sRGB bytes, rounded; what is too dark or too bright is cut."""
    light = np.clip(light, 0, 1)
    value = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** np.float32(1 / 2.4) - 0.055)
    pixels: Pixels = np.rint(value * 255).astype(np.uint8)
    return pixels


_BYTES = np.arange(256, dtype=np.float32) / 255
_LINEAR = np.where(_BYTES <= 0.04045, _BYTES / 12.92, ((_BYTES + 0.055) / 1.055) ** 2.4).astype(np.float32)
