"""Prompts as vectors: each chunk through the text encoder on its own, then its weights."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

import torch
from torch import Tensor

from contract.chunks import Chunk
from contract.prompt import Break, Span
from worker.models.loader import Components

REMEMBERED = 256  # encoded chunks; 30 MB in 16 bits at Stable Diffusion 1.5's width


class TextEncoder:
    """The text encoder of one model, with a memory of what it encoded last. Not thread-safe.

    hits, misses: chunks that were remembered, and that were not.
    """

    def __init__(self, components: Components) -> None:
        self._components = components
        self._memory: OrderedDict[tuple[tuple[int, ...], int], Tensor] = OrderedDict()
        self.hits = self.misses = 0

    def encode(self, items: Iterable[Span | Break], clip_skip: int = 0) -> Tensor:
        """The states of a prompt as it is at some step, (chunks, 77, D) in the model's dtype, weights applied."""
        chunks = self._components.tokenizer.chunks(items)
        return torch.stack([weighted(self._states(chunk, clip_skip), chunk) for chunk in chunks])

    def _states(self, chunk: Chunk, clip_skip: int) -> Tensor:
        key = chunk.ids, clip_skip
        if key in self._memory:
            self.hits += 1
        else:
            self.misses += 1
            self._memory[key] = states(self._components, chunk.ids, clip_skip)
            if len(self._memory) > REMEMBERED:
                self._memory.popitem(last=False)
        self._memory.move_to_end(key)
        return self._memory[key]


def states(components: Components, ids: tuple[int, ...], clip_skip: int = 0) -> Tensor:
    """The encoder's states of one chunk, (77, D), after its final layer norm.

    clip_skip: layers left out at the end. SD 2.x uses the last but one in any case: its config leaves the last one
    out, so the same line serves both. One chunk a call, so that a text gives the same bits whatever its company.
    """
    encoder = components.text_encoder
    row = torch.tensor([ids], device=components.device)
    if clip_skip == 0:
        return encoder(row).last_hidden_state[0]  # type: ignore[no-any-return]  # transformers is untyped here
    hidden = encoder(row, output_hidden_states=True).hidden_states[-1 - clip_skip]
    return getattr(encoder, "text_model", encoder).final_layer_norm(hidden)[0]  # type: ignore[no-any-return]


def weighted(states: Tensor, chunk: Chunk) -> Tensor:
    """States (77, D), each times the weight of its token."""
    if all(token.weight == 1 for token in chunk.tokens):
        return states
    return states * torch.tensor(chunk.weights, device=states.device, dtype=states.dtype)[:, None]


def repeat(chunks: Tensor, count: int) -> Tensor:
    """`count` chunks, (count * 77, D), by going round a text's own chunks, (n, 77, D).

    Attention over keys that are all there equally often is attention over the keys: where count is a multiple of n,
    nothing changes but rounding.
    """
    return chunks[torch.arange(count) % len(chunks)].flatten(0, 1)
