"""Masks: what is known stays, at every noise level, and no sampler knows of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from worker.engine.samplers import Steps

Fill = Literal["original", "blur", "noise", "zero"]


@dataclass(frozen=True, eq=False)
class Known:
    """The part of a picture that is kept. mask: (1, h, w), 1 = repaint, between = partly; latent: (C, h, w)."""

    latent: Tensor
    mask: Tensor

    def blend(self, new: Tensor, old: Tensor) -> Tensor:
        return self.mask * new + (1 - self.mask) * old


def keep(steps: Steps, known: Known, noise: Tensor) -> Steps:
    """Run a sampler with the known part blended in around the denoiser.

    What the U-Net sees is the known latent noised to that step's sigma, what the sampler hears back is the known
    latent itself, so the sampler's own path through the known part is the straight line to it.
    """
    try:
        x, sigma = next(steps)
        while True:
            denoised = yield known.blend(x, known.latent + sigma * noise), sigma
            x, sigma = steps.send(known.blend(denoised, known.latent))
    except StopIteration as end:
        return known.blend(end.value, known.latent)


def shrink(mask: Tensor, scale: int) -> Tensor:
    """A mask at pixels (1, H, W) → at latent pixels (1, H / scale, W / scale), each the mean of what it covers."""
    return F.avg_pool2d(mask, scale)


def bleed(picture: Tensor, mask: Tensor) -> Tensor:
    """Fill the masked part of (3, H, W) with the colours around it, blurred the more the deeper inside.

    From coarse to fine: every scale holds the mean of the known pixels in reach, and a finer one covers it.
    """
    height, width = picture.shape[-2:]
    known = 1 - mask
    filled = torch.zeros_like(picture)
    reach = max(height, width)
    while reach >= 1:
        size = (max(1, height // reach), max(1, width // reach))
        sums = F.adaptive_avg_pool2d(torch.cat([picture * known, known]), size)
        layer = F.interpolate(sums[None], (height, width), mode="bilinear")[0]
        colour, weight = layer[:3] / layer[3:].clamp(min=1e-6), layer[3:]
        cover = (weight * 2).clamp(0, 1)  # where half of the neighbourhood is known, its colour counts fully
        filled = cover * colour + (1 - cover) * filled
        reach //= 2
    return mask * filled + known * picture
