"""A U-Net that learnt to read one text encoder, carried over to the next one.

A text encoder that is trained on says the same in other numbers. What of it is linear need not be learnt again: the map
from the new states to the old ones, by least squares, is folded into the keys and values of the cross-attention.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from worker.training.whitening import cross_attentions


@dataclass(frozen=True)
class Translation:
    """old state = new state @ matrix.T + shift, with matrix (D, D) and shift (D,)."""

    matrix: Tensor
    shift: Tensor

    @classmethod
    def fit(cls, new: Tensor, old: Tensor) -> Translation:
        """From states (N, D) of the same tokens, in both encoders' words."""
        found = torch.linalg.lstsq(new - new.mean(dim=0), old - old.mean(dim=0)).solution  # (D, D), from the right
        return cls(found.T, old.mean(dim=0) - new.mean(dim=0) @ found)

    @torch.no_grad()
    def fold_into(self, unet: UNet2DConditionModel) -> None:
        """Let a U-Net for the old states take the new ones. (A shift of all keys does not matter to a softmax.)"""
        for attention in cross_attentions(unet):
            attention.to_out[0].bias += attention.to_out[0].weight @ attention.to_v.weight @ self.shift
            attention.to_k.weight.copy_(attention.to_k.weight @ self.matrix)
            attention.to_v.weight.copy_(attention.to_v.weight @ self.matrix)
