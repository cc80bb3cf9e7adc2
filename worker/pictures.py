"""Pictures as Pillow and numpy hold them: read, resized, laid over each other, handed to the engine as tensors."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps

Pixels = npt.NDArray[np.uint8]  # (H, W, 3) colours or (H, W) mask, 0 to 255
Role = Literal["output", "raw", "grid"]


@dataclass(frozen=True)
class Finished:
    """The pictures that are stored of one that was decoded, and what was measured of them, for their metadata."""

    pictures: dict[Role, Pixels]
    measured: dict[str, Any] = field(default_factory=dict)


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


def composite(below: Pixels, above: Pixels, mask: Pixels) -> Pixels:
    """`above` over `below` through `mask`, in whole numbers, rounded: 0 gives `below` and 255 `above`, exactly."""
    weight = mask.astype(np.uint16)[..., None]  # (H, W, 1)
    return ((below * (255 - weight) + above * weight + 127) // 255).astype(np.uint8)


def difference(one: Pixels, other: Pixels, where: npt.NDArray[np.bool_]) -> int | None:
    """The largest difference of two pictures in any channel, 0 to 255, where (H, W) says so; None where it says no."""
    apart = np.abs(one.astype(np.int16) - other)[where]
    return int(apart.max()) if apart.size else None


def resize(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


def _crop(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return ImageOps.fit(image, size, Image.Resampling.LANCZOS)


def _pad(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Fit inside, and continue the edge's colours outward to fill."""
    fitted = ImageOps.contain(image, size, Image.Resampling.LANCZOS)
    across, down = size[0] - fitted.width, size[1] - fitted.height
    return surround(fitted, across // 2, down // 2, across - across // 2, down - down // 2)


def surround(image: Image.Image, left: int, top: int, right: int, bottom: int) -> Image.Image:
    """So many pixels more at each side, of the edge's colours."""
    return Image.fromarray(np.pad(np.asarray(image), ((top, bottom), (left, right), (0, 0)), mode="edge"))


RESIZE: dict[str, Callable[[Image.Image, tuple[int, int]], Image.Image]] = {
    "stretch": resize,
    "crop": _crop,
    "fill": _pad,
}


def tensor(image: Image.Image) -> torch.Tensor:
    """(H, W) or (H, W, 3) picture → (C, H, W) float32, 0 to 255."""
    pixels = np.atleast_3d(np.asarray(image, dtype=np.float32))
    return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def signed(image: Image.Image) -> torch.Tensor:
    """A picture as the engine takes it: (3, H, W) float32, -1 to 1."""
    return tensor(image) / 127.5 - 1
