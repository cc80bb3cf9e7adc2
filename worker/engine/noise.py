"""What a picture starts from: noise of its own seed, and what may be done to it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class StartNoise:
    """variation, share: seed of a second noise, and how far the first is turned to it, 0 to 1 (share 0: not at all).

    size: (height, width) of the latent the seed is known from; its noise is then the middle of this picture's.
    """

    variation: int = 0
    share: float = 0.0
    size: tuple[int, int] | None = None

    @property
    def varied(self) -> bool:
        return self.share > 0

    def draw(self, shape: tuple[int, int, int], rng: torch.Generator, index: int) -> Tensor:
        """Unit noise (C, h, w) for image `index`; `rng` is at the beginning of its seed and goes on from here."""
        noise = self._sized(shape, rng)
        if not self.varied:
            return noise
        other = self._sized(shape, torch.Generator("cpu").manual_seed(self.variation + index))
        return slerp(noise, other, self.share)

    def _sized(self, shape: tuple[int, int, int], rng: torch.Generator) -> Tensor:
        if self.size is None:
            return unit_noise(shape, rng)
        known = unit_noise((shape[0], *self.size), rng)
        return centred(known, unit_noise(shape, rng))


def unit_noise(shape: tuple[int, int, int], rng: torch.Generator) -> Tensor:
    """(C, h, w) float32, drawn as a batch of one on the CPU, so that a seed is the same everywhere."""
    return torch.randn((1, *shape), generator=rng)[0]


def slerp(a: Tensor, b: Tensor, share: float) -> Tensor:
    """From a to b on the great circle between them (Shoemake 1985): the length of noise stays that of noise."""
    cosine = float((a * b).sum() / (a.norm() * b.norm()))
    angle = math.acos(max(-1.0, min(1.0, cosine)))
    if math.sin(angle) < 1e-6:  # one direction: nothing to turn
        return torch.lerp(a, b, share)
    return (math.sin((1 - share) * angle) * a + math.sin(share * angle) * b) / math.sin(angle)


def centred(inner: Tensor, outer: Tensor) -> Tensor:
    """`inner` (C, h, w) laid over the middle of a copy of `outer` (C, H, W), cut where it is larger."""
    laid = outer.clone()
    spans = []
    for small, large in zip(inner.shape[1:], outer.shape[1:], strict=True):
        size = min(small, large)
        spans.append((slice((large - size) // 2, (large + size) // 2), slice((small - size) // 2, (small + size) // 2)))
    (to_y, from_y), (to_x, from_x) = spans
    laid[:, to_y, to_x] = inner[:, from_y, from_x]
    return laid
