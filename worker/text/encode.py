"""Prompts as vectors: each chunk through the text encoder on its own."""

from __future__ import annotations

import torch
from torch import Tensor

from worker.models.loader import Components


def encode(components: Components, text: str) -> Tensor:
    """The conditioning of a text, (chunks, 77, D) in the model's dtype, after the encoder's final layer norm.

    SD 2.x uses the penultimate layer: its config leaves the last one out, so the same line serves both.
    One chunk a call, so that a text gives the same bits whatever its length or company.
    """
    ids = [torch.tensor([chunk.ids], device=components.device) for chunk in components.tokenizer.chunks(text)]
    return torch.cat([components.text_encoder(row).last_hidden_state for row in ids])


def repeat(chunks: Tensor, count: int) -> Tensor:
    """`count` chunks, (count * 77, D), by going round a text's own chunks, (n, 77, D), count a multiple of n.

    Attention over keys that are all there equally often is attention over the keys: nothing changes but rounding.
    """
    return chunks.repeat(count // len(chunks), 1, 1).flatten(0, 1)
