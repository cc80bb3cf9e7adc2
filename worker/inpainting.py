"""Inpainting around the engine: what it is given to work on, and its picture put back into the one that was sent."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageFilter, ImageOps

from contract.errors import ErrorCode, JobFailed
from contract.requests import Inpaint
from worker.pictures import Finished, Pixels, composite, difference, resize, tensor

Box = tuple[int, int, int, int]  # left, top, right, bottom, pixels


@dataclass(frozen=True, eq=False)
class Inpainting:
    """One inpaint request's picture and mask, at the size of `output` and, of `box`, at the working size.

    whole: (H, W, 3), through: (H, W) blurred, 255 = repaint, both at the size of `output`; patch, patch_through: the
    same of `box`, at the working size.
    """

    whole: Pixels
    through: Pixels
    box: Box
    patch: Pixels
    patch_through: Pixels

    @property
    def init(self) -> torch.Tensor:
        """What the engine starts from, (3, H, W) from -1 to 1."""
        return tensor(Image.fromarray(self.patch)) / 127.5 - 1

    @property
    def mask(self) -> torch.Tensor:
        """(1, H, W), 0 to 1 = repaint."""
        return tensor(Image.fromarray(self.patch_through)) / 255

    def finish(self, decoded: Pixels) -> Finished:
        """Put what was decoded back, through the blurred mask: where that is 0, every byte is the original's."""
        left, top, right, bottom = self.box
        above = self.whole.copy()
        above[top:bottom, left:right] = np.asarray(resize(Image.fromarray(decoded), (right - left, bottom - top)))
        output = composite(self.whole, above, self.through)
        outside = {
            "output": difference(output, self.whole, self.through == 0),
            "raw": difference(decoded, self.patch, self.patch_through == 0),
        }
        return Finished({"output": output, "raw": decoded}, {"outside": outside})


def lay_out(request: Inpaint, original: Image.Image, mask: Image.Image, size: tuple[int, int]) -> Inpainting:
    """Shape picture and mask for work at `size` = (width, height). Raises JobFailed(bad_image) for nothing to do."""
    if request.invert_mask:
        mask = ImageOps.invert(mask)
    mask = mask.filter(ImageFilter.GaussianBlur(request.mask_blur))
    box = region(mask, request.padding, size) if request.area == "masked" else (0, 0, *original.size)
    return Inpainting(
        whole=np.asarray(original),
        through=np.asarray(mask),
        box=box,
        patch=np.asarray(resize(original.crop(box), size)),
        patch_through=np.asarray(resize(mask.crop(box), size)),
    )


def region(mask: Image.Image, padding: int, size: tuple[int, int]) -> Box:
    """The masked part with `padding` pixels around it, widened to the aspect of `size` where the picture allows.

    Raises JobFailed(bad_image) when nothing is masked.
    """
    found = mask.getbbox()
    if found is None:
        raise JobFailed(ErrorCode.BAD_IMAGE, "the mask is black everywhere; paint white what is to be repainted")
    left, right = _widen(found[0] - padding, found[2] + padding, 0, mask.width)
    top, bottom = _widen(found[1] - padding, found[3] + padding, 0, mask.height)
    aspect = size[0] / size[1]
    left, right = _widen(left, right, round((bottom - top) * aspect), mask.width)
    top, bottom = _widen(top, bottom, round((right - left) / aspect), mask.height)
    return left, top, right, bottom


def _widen(low: int, high: int, length: int, limit: int) -> tuple[int, int]:
    """Grow low..high about its middle to `length`, moved and cut to lie within 0..limit.

    >>> _widen(10, 20, 30, 100), _widen(2, 12, 30, 100), _widen(-3, 8, 0, 100), _widen(0, 9, 50, 40)
    ((0, 30), (0, 30), (0, 8), (0, 40))
    """
    low, high = max(low, 0), min(high, limit)
    missing = min(length, limit) - (high - low)
    if missing <= 0:
        return low, high
    low = min(max(low - missing // 2, 0), limit - (high - low) - missing)
    return low, low + min(length, limit)
