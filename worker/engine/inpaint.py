"""Masks: what is known stays, at every noise level, and no sampler knows of it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from worker.engine.samplers import Steps

Fill = Literal["original", "blur", "noise", "zero"]

_ROUNDING = 1e-4  # of a soft mask's mean over 8 x 8 pixels; less than one step of a thousand


@dataclass(frozen=True, eq=False)
class Known:
    """The part of a picture that is kept. mask: (1, h, w), 1 = repaint, between = partly; latent: (C, h, w).

    soft: a place between is kept at first and repainted wholly in the end, for so large a part of the steps
    (Differential Diffusion, Levin & Fried 2023, arXiv 2306.00950, algorithm 1).
    """

    latent: Tensor
    mask: Tensor
    soft: bool = False

    def blend(self, new: Tensor, old: Tensor, left: float = 1.0) -> Tensor:
        """`new` where the mask is open, `old` where not. left: the share of the steps still to do, with this one."""
        mask = (self.mask > left - _ROUNDING).to(new.dtype) if self.soft else self.mask
        return mask * new + (1 - mask) * old


def keep(steps: Steps, known: Known, noise: Tensor, way: Sequence[float] = ()) -> Steps:
    """Run a sampler with the known part blended in around the denoiser. way: the sigmas it passes, for a soft mask.

    What the U-Net sees is the known latent noised to that step's sigma, what the sampler hears back is the known
    latent itself, so the sampler's own path through the known part is the straight line to it.
    """
    left = 1.0
    try:
        x, sigma = next(steps)
        while True:
            left = steps_left(way, sigma)
            denoised = yield known.blend(x, known.latent + sigma * noise, left), sigma
            x, sigma = steps.send(known.blend(denoised, known.latent, left))
    except StopIteration as end:
        return known.blend(end.value, known.latent, left)


def steps_left(way: Sequence[float], sigma: float) -> float:
    """The share of a way's steps that begin no noisier than the step at sigma does, above 0 and up to 1.

    By the noise alone, however often and in what order a sampler asks: between two steps' sigmas it is the noisier
    one's, so a second evaluation halfway is still the same step; and where Restart goes back up, what was closed there
    is closed again. Without a way, 1.
    """
    begins = sorted(start for start, end in pairwise(way) if end <= start)
    if not begins:
        return 1.0
    at = min(bisect_left(begins, sigma * (1 - 1e-6)), len(begins) - 1)
    return bisect_right(begins, begins[at]) / len(begins)


def shrink(mask: Tensor, scale: int) -> Tensor:
    """A mask at pixels (1, H, W) → at latent pixels (1, H / scale, W / scale), each the mean of what it covers."""
    return F.avg_pool2d(mask, scale)


def beside(
    picture: Tensor | None, mask: Tensor | None, size: tuple[int, int], scale: int, encode: Callable[[Tensor], Tensor]
) -> Tensor:
    """What a U-Net made for inpainting sees beside the noised latent: mask and known part, (1 + C, h, w).

    As diffusers' StableDiffusionInpaintPipeline has it: of the picture (3, H, W) it sees what is not repainted, the
    rest mid-grey; the mask (1, H, W) is black or white, cut at a half, and of a latent pixel that of its first pixel.
    Without picture or mask all of size = (H, W) is repainted. encode: (3, H, W) from -1 to 1 → latent (C, h, w).
    """
    if picture is None or mask is None:
        picture, mask = torch.zeros(3, *size), torch.ones(1, *size)
    hole = (mask >= 0.5).to(picture.dtype)
    latent = encode(picture * (1 - hole))
    return torch.cat([hole[:, ::scale, ::scale].to(latent.device), latent])


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
