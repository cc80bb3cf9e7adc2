"""Inpainting around the engine: what it is given to work on, and its picture put back into the one that was sent."""

from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import torch
from PIL import Image, ImageChops, ImageFilter, ImageOps

from contract.errors import ErrorCode, JobFailed
from contract.requests import Extend, Inpaint
from worker.colour_match import match_colours
from worker.engine.inpaint import bleed
from worker.pictures import Finished, Pixels, composite, difference, resize, surround, tensor

Box = tuple[int, int, int, int]  # left, top, right, bottom, pixels

# A soft mask's greys say how much a place changes, and it has changed so much when it is laid back; through the greys
# themselves it would show twice, old and new. Only the darkest quarter, where little has changed, is faded.
SOFT_SLOPE = 4


class Inputs(TypedDict):
    """Of the engine's request: init (3, H, W) from -1 to 1, mask (1, H, W) from 0 to 1 = repaint."""

    init: torch.Tensor
    mask: torch.Tensor


@dataclass(frozen=True, eq=False)
class Inpainting:
    """One inpaint request's picture and mask, at the size of `output` and, of `box`, at the working size.

    whole: (H, W, 3), mask: (H, W) blurred, 255 = repaint, both at the size of `output`; patch, patch_mask: the same of
    `box`, at the working size; border: (H, W), 255 = added by `extend`, at the working size.
    """

    whole: Pixels
    mask: Pixels
    box: Box
    patch: Pixels
    patch_mask: Pixels
    border: Pixels | None
    colour_match: bool = False
    soft: bool = False

    def inputs(self) -> Inputs:
        """What the engine starts from, and what it repaints."""
        init = tensor(Image.fromarray(self.patch)) / 127.5 - 1
        if self.border is not None:
            init = bleed(init, _share(self.border))
        return {"init": init, "mask": _share(self.patch_mask)}

    def finish(self, decoded: Pixels) -> Finished:
        """Put what was decoded back, through the blurred mask: where that is 0, every byte is the original's."""
        left, top, right, bottom = self.box
        new = match_colours(decoded, self.patch, self.patch_mask) if self.colour_match else decoded
        above = self.whole.copy()
        above[top:bottom, left:right] = np.asarray(resize(Image.fromarray(new), (right - left, bottom - top)))
        through = np.minimum(self.mask.astype(np.uint16) * SOFT_SLOPE, 255) if self.soft else self.mask
        output = composite(self.whole, above, through.astype(np.uint8))
        outside = {
            "output": difference(output, self.whole, self.mask == 0),
            "raw": difference(decoded, self.patch, self.patch_mask == 0),
        }
        return Finished({"output": output, "raw": decoded}, {"outside": outside})


def lay_out(request: Inpaint, original: Image.Image, mask: Image.Image | None, size: tuple[int, int]) -> Inpainting:
    """Shape picture and mask for work at `size` = (width, height). Raises JobFailed(bad_image) for nothing to do."""
    if mask is None:
        mask = Image.new("L", original.size)
    elif request.invert_mask:
        mask = ImageOps.invert(mask)
    mask = mask.filter(ImageFilter.GaussianBlur(request.mask_blur))
    border = None
    if request.extend is not None and not request.extend.nothing:
        original, mask, border = extended(original, mask, request.extend, request.mask_blur)
    if mask.getbbox() is None:
        black = "the mask is black everywhere; paint white what is to be repainted"
        white = "the mask is white everywhere and inverted; paint black what is to be repainted"
        raise JobFailed(ErrorCode.BAD_IMAGE, white if request.invert_mask else black)
    box = region(mask, request.padding, size) if request.area == "masked" else (0, 0, *original.size)
    return Inpainting(
        whole=np.asarray(original),
        mask=np.asarray(mask),
        box=box,
        patch=np.asarray(resize(original.crop(box), size)),
        patch_mask=np.asarray(resize(mask.crop(box), size)),
        border=None if border is None else np.asarray(resize(border.crop(box), size)),
        colour_match=request.colour_match,
        soft=request.soft,
    )


def extended(
    original: Image.Image, mask: Image.Image, by: Extend, blur: int
) -> tuple[Image.Image, Image.Image, Image.Image]:
    """Picture and blurred mask with a border around, and the border alone, white.

    All of the border is repainted, and the mask fades out inside the known picture, 0 to 5 times `blur` pixels from the
    old edge, half of the way down at 2 times: so no seam stands there.
    """
    whole = surround(original, by.left, by.top, by.right, by.bottom)
    width, height = original.size
    border = Image.new("L", whole.size, 255)
    border.paste(0, (by.left, by.top, by.left + width, by.top + height))
    inward, down = min(2 * blur, width // 4), min(2 * blur, height // 4)  # of a small picture something stays
    fade = Image.new("L", whole.size, 255)
    fade.paste(
        0,
        (
            by.left + inward * bool(by.left),
            by.top + down * bool(by.top),
            by.left + width - inward * bool(by.right),
            by.top + height - down * bool(by.bottom),
        ),
    )
    painted = Image.new("L", whole.size)
    painted.paste(mask, (by.left, by.top))
    fade = ImageChops.lighter(fade.filter(ImageFilter.GaussianBlur(blur)), painted)
    return whole, ImageChops.lighter(fade, border), border


def region(mask: Image.Image, padding: int, size: tuple[int, int]) -> Box:
    """The masked part with `padding` pixels around it, widened to the aspect of `size` where the picture allows.

    mask: not black everywhere.
    """
    found = mask.getbbox()
    assert found is not None
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


def _share(mask: Pixels) -> torch.Tensor:
    """(H, W), 0 to 255 → (1, H, W), 0 to 1."""
    return tensor(Image.fromarray(mask)) / 255
