"""What a generator does to a picture, done to drawings, so that what learns from drawings reads made pictures."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

JPEG_SHARE, ROUND_TRIPS = 0.2, 0.15  # of the rows of a batch
RoundTrip = Callable[[Tensor], Tensor]


def augment(images: Tensor, rng: np.random.Generator, round_trip: RoundTrip | None = None) -> Tensor:
    """Softness, JPEG blocks, noise and other tones for images (B, 3, H, W) in -1 .. 1, each row its own.

    `round_trip` may be an autoencoder's encode and decode, done to some of the rows. Colours keep their hue, so that a
    red cat stays one.
    """
    rows = len(images)
    images = images.clone()
    if round_trip and (some := torch.from_numpy(rng.random(rows) < ROUND_TRIPS)).any():
        images[some] = round_trip(images[some]).clamp(-1, 1)
    for row in np.flatnonzero(rng.random(rows) < JPEG_SHARE):
        images[row] = jpeg(images[row], int(rng.integers(30, 90)))
    images = soften(images, _per_row(rng.random(rows) * (rng.random(rows) < 0.6)))
    contrast, brightness = _per_row(rng.uniform(0.85, 1.15, rows)), _per_row(rng.uniform(-0.1, 0.1, rows))
    noise = torch.from_numpy(rng.standard_normal(images.shape, np.float32)) * _per_row(rng.uniform(0, 0.08, rows))
    return (images * contrast + brightness + noise).clamp(-1, 1)


def soften(images: Tensor, amount: Tensor) -> Tensor:
    """Images mixed with their copies of half the resolution; amount (B, 1, 1, 1), 0 = none, 1 = wholly."""
    small = F.avg_pool2d(images, 2)
    blurred = F.interpolate(small, scale_factor=2.0, mode="bilinear", align_corners=False)
    return torch.lerp(images, blurred, amount)


def jpeg(image: Tensor, quality: int) -> Tensor:
    """(3, H, W) in -1 .. 1, written as JPEG and read again."""
    pixels = ((image.permute(1, 2, 0) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).to(image.dtype) / 127.5 - 1


def _per_row(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))[:, None, None, None]
