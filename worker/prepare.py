"""From a contract request to what the engine develops, and from what it gives back to the pictures people get."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageFilter, ImageOps

from contract.blobs import Blobs
from contract.errors import ErrorCode, JobFailed
from contract.requests import Img2Img, Inpaint, PictureRequest
from worker.engine.conditioning import Words
from worker.engine.noise import StartNoise
from worker.engine.request import EngineRequest
from worker.models.tiling import Tiling

Pixels = npt.NDArray[np.uint8]  # (H, W, 3) colours or (H, W) mask, 0 to 255
Role = Literal["output", "raw", "grid"]
Finishing = Callable[[Pixels], dict[Role, Pixels]]
Drawn = Sequence[tuple[str, str]]
Box = tuple[int, int, int, int]  # left, top, right, bottom, pixels


@dataclass(frozen=True)
class Order:
    """One request, ready for the engine; `finish` turns each decoded picture into those that are stored."""

    request: EngineRequest
    finish: Finishing


def prepare(request: PictureRequest, inputs: Mapping[str, str], drawn: Drawn, blobs: Blobs) -> Order:
    """Read the inputs (image id → SHA-256) and shape them for the engine. Raises JobFailed(bad_image).

    drawn: prompt and negative prompt of every picture, or one pair for all.
    """

    def load(image_id: str) -> Image.Image:
        return read_input(image_id, inputs, blobs)

    if isinstance(request, Inpaint):
        return _inpaint(request, drawn, colours(load(request.image)), coverage(load(request.mask)))
    if isinstance(request, Img2Img):
        size = _work_size(request)
        init = _RESIZE[request.resize](colours(load(request.image)), size)
        return Order(_engine_request(request, drawn, init=init, strength=request.strength), _as_output)
    return Order(_engine_request(request, drawn), _as_output)


def read_input(image_id: str, inputs: Mapping[str, str], blobs: Blobs) -> Image.Image:
    """An input picture. Raises JobFailed(bad_image)."""
    try:
        return Image.open(io.BytesIO(blobs.get(inputs[image_id])), formats=["PNG"])
    except (KeyError, OSError) as error:
        raise JobFailed(ErrorCode.BAD_IMAGE, f"the input picture {image_id} cannot be read any more") from error


def colours(image: Image.Image) -> Image.Image:
    """RGB; what is transparent shows white."""
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def coverage(image: Image.Image) -> Image.Image:
    """A mask in greys, white = repaint; what is transparent counts as black, so strokes on nothing are a mask."""
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
    return image.convert("L")


def engine_request(request: PictureRequest, drawn: Drawn) -> EngineRequest:
    """What a request says in words and numbers; what it says of pictures comes on top."""
    width, height = _work_size(request)
    assert request.seed is not None  # drawn by the api
    return EngineRequest(
        words=tuple(_words(request, prompt, negative) for prompt, negative in drawn),
        clip_skip=request.clip_skip,
        width=width,
        height=height,
        steps=request.steps,
        sampler=request.sampler.value,
        schedule=request.schedule.value,
        sampler_options=request.sampler_options,
        schedule_options=request.schedule_options,
        guidance=request.guidance,
        guided=(request.guidance_start, request.guidance_end),
        rescale=request.guidance_rescale,
        seed=request.seed,
        noise=_start_noise(request),
        tiling=_TILING[request.tiling],
        count=request.count,
        previews=request.previews,
    )


def _engine_request(
    request: PictureRequest,
    drawn: Drawn,
    *,
    init: Image.Image | None = None,
    mask: Image.Image | None = None,
    strength: float = 1.0,
    fill: Literal["original", "blur", "noise", "zero"] = "original",
) -> EngineRequest:
    return replace(
        engine_request(request, drawn),
        init=None if init is None else signed(init),
        mask=None if mask is None else _tensor(mask) / 255,
        strength=strength,
        fill=fill,
    )


def _words(request: PictureRequest, prompt: str, negative: str) -> Words:
    blend = tuple((other.prompt, other.weight) for other in request.blend)
    directions = tuple((way.toward, way.away, way.scale) for way in request.directions)
    return Words(prompt, negative, blend, directions)


def _start_noise(request: PictureRequest) -> StartNoise:
    variation, size = request.variation, request.seed_size
    return StartNoise(
        variation=variation.seed if variation else 0,
        share=variation.strength if variation else 0.0,
        size=(size.height // 8, size.width // 8) if size else None,
    )


def _work_size(request: PictureRequest) -> tuple[int, int]:
    assert request.width is not None  # filled in by the api
    assert request.height is not None
    return request.width, request.height


def _as_output(decoded: Pixels) -> dict[Role, Pixels]:
    return {"output": decoded}


def _inpaint(request: Inpaint, drawn: Drawn, original: Image.Image, mask: Image.Image) -> Order:
    """Shape picture and mask for the engine, and remember how to put the result back.

    The result is composited through the blurred mask at the original's own size: where the blurred mask is 0, every
    byte is the original's.
    """
    if request.invert_mask:
        mask = ImageOps.invert(mask)
    mask = mask.filter(ImageFilter.GaussianBlur(request.mask_blur))
    size = _work_size(request)
    box = (0, 0, *original.size)
    if request.area == "masked":
        box = region(mask, request.padding, size)
    whole, through = np.asarray(original), np.asarray(mask)

    def finish(decoded: Pixels) -> dict[Role, Pixels]:
        left, top, right, bottom = box
        patch = whole.copy()
        patch[top:bottom, left:right] = np.asarray(_resize(Image.fromarray(decoded), (right - left, bottom - top)))
        return {"output": composite(whole, patch, through), "raw": decoded}

    crop, crop_mask = _resize(original.crop(box), size), _resize(mask.crop(box), size)
    prepared = _engine_request(request, drawn, init=crop, mask=crop_mask, strength=request.strength, fill=request.fill)
    return Order(prepared, finish)


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


def composite(below: Pixels, above: Pixels, mask: Pixels) -> Pixels:
    """`above` over `below` through `mask`, in whole numbers, rounded: 0 gives `below` and 255 `above`, exactly."""
    weight = mask.astype(np.uint16)[..., None]  # (H, W, 1)
    return ((below * (255 - weight) + above * weight + 127) // 255).astype(np.uint8)


def _resize(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


def _crop(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return ImageOps.fit(image, size, Image.Resampling.LANCZOS)


def _pad(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Fit inside, and continue the edge's colours outward to fill."""
    fitted = ImageOps.contain(image, size, Image.Resampling.LANCZOS)
    across, down = size[0] - fitted.width, size[1] - fitted.height
    around = ((down // 2, down - down // 2), (across // 2, across - across // 2), (0, 0))
    return Image.fromarray(np.pad(np.asarray(fitted), around, mode="edge"))


_TILING: dict[str, Tiling] = {"none": "", "x": "x", "y": "y", "both": "xy"}
_RESIZE: dict[str, Callable[[Image.Image, tuple[int, int]], Image.Image]] = {
    "stretch": _resize,
    "crop": _crop,
    "fill": _pad,
}


def signed(image: Image.Image) -> torch.Tensor:
    """A picture as the engine takes it: (3, H, W) float32, -1 to 1."""
    return _tensor(image) / 127.5 - 1


def _tensor(image: Image.Image) -> torch.Tensor:
    """(H, W) or (H, W, 3) picture → (C, H, W) float32, 0 to 255."""
    pixels = np.atleast_3d(np.asarray(image, dtype=np.float32))
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
