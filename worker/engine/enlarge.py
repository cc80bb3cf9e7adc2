"""A latent made larger, for the second of two passes."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

Upscaler = Literal["nearest", "bilinear", "bicubic", "antialiased", "lanczos"]
UPSCALERS: tuple[Upscaler, ...] = get_args(Upscaler)


def enlarge(latent: Tensor, size: list[int], upscaler: Upscaler) -> Tensor:
    """A latent (C, h, w) at another size (height, width), interpolated in latent space; "antialiased" is bilinear."""
    mode = {"nearest": "nearest-exact", "antialiased": "bilinear"}.get(upscaler, upscaler)
    return F.interpolate(latent[None], size, mode=mode, antialias=upscaler == "antialiased")[0]


def lanczos(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """A picture, uint8 (H, W, 3) → (3, *size) float32 from -1 to 1, by Pillow's Lanczos filter."""
    picture = Image.fromarray(pixels.numpy()).resize((size[1], size[0]), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.array(picture)).movedim(-1, 0) / 127.5 - 1
