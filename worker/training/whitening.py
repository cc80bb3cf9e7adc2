"""Text states of equal importance in every direction, for the U-Net to learn from.

A young CLIP spreads what it finds easy, colours and places, over large distances, and tells a boat from a fish in small
ones: the U-Net would learn the one long before the other. So it is trained on states that are centred and whitened,
and afterwards the whitening is folded into its cross-attention, exactly: keys and values take the matrix, the mean of
the values goes to the bias behind them, and that of the keys does not matter to a softmax.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

FLOOR = 1e-4  # of the largest variance: what varies less than that is not amplified further


@dataclass(frozen=True)
class Whitening:
    """(state - mean) @ matrix.T, with mean (D,) and symmetric matrix (D, D)."""

    mean: Tensor
    matrix: Tensor

    @classmethod
    def fit(cls, states: Tensor) -> Whitening:
        """From text states (N, D)."""
        mean = states.mean(dim=0)
        variances, directions = torch.linalg.eigh(torch.cov((states - mean).T))
        scales = variances.clamp(min=FLOOR * float(variances.max())).rsqrt()
        return cls(mean, directions * scales @ directions.T)

    def __call__(self, states: Tensor) -> Tensor:
        """Whitened states, (..., D)."""
        return (states - self.mean) @ self.matrix

    @torch.no_grad()
    def fold_into(self, unet: UNet2DConditionModel) -> None:
        """Let a U-Net that was trained on whitened states take the text encoder's own."""
        for attention in cross_attentions(unet):
            attention.to_k.weight.copy_(attention.to_k.weight @ self.matrix)
            attention.to_v.weight.copy_(attention.to_v.weight @ self.matrix)
            attention.to_out[0].bias -= attention.to_out[0].weight @ attention.to_v.weight @ self.mean

    @torch.no_grad()
    def unfold_from(self, unet: UNet2DConditionModel) -> None:
        """Undo `fold_into`, so that training can go on from a model that was exported."""
        inverse = torch.linalg.inv(self.matrix)
        for attention in cross_attentions(unet):
            attention.to_out[0].bias += attention.to_out[0].weight @ attention.to_v.weight @ self.mean
            attention.to_k.weight.copy_(attention.to_k.weight @ inverse)
            attention.to_v.weight.copy_(attention.to_v.weight @ inverse)

    def to(self, device: str) -> Whitening:
        return Whitening(self.mean.to(device), self.matrix.to(device))


def cross_attentions(unet: UNet2DConditionModel) -> Iterator[Any]:
    """The layers in which pictures ask about the text."""
    return (module for name, module in unet.named_modules() if name.endswith("attn2"))
