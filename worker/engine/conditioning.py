"""What the rows of a picture are conditioned on, step by step, and how they become one answer.

A prompt may be composed of several (AND), each a row of the U-Net's batch, and may say something else at another step.
The negative prompt is the last row; it is there while something is guided away from it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from contract.prompt import Break, Span, parse
from worker.text.encode import repeat

Items = tuple[Span | Break, ...]
Encode = Callable[[Items], Tensor]  # a prompt as it is at some step → its states (chunks, 77, D)


@dataclass(frozen=True, slots=True)
class Words:
    """The prompts of one image, choices drawn.

    blend: other prompts and how much of each is mixed in, where the prompt itself counts 1.
    directions: (to, from, scale), added to the prompt as scale times the way between the two.
    """

    prompt: str
    negative: str = ""
    blend: tuple[tuple[str, float], ...] = ()
    directions: tuple[tuple[str, str, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Stage:
    """What holds at some of the steps. texts: (n + 1, L, D), the n composed prompts and then the negative one.

    mask: (n + 1, L), False where a text is shorter than L; None where none is.
    """

    texts: Tensor
    mask: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Conditioning:
    """One image's prompts as the U-Net takes them. weights: of the n composed prompts.

    untils: the step, counted from 0, before which each of the stages holds.
    """

    weights: tuple[float, ...]
    untils: tuple[int, ...]
    stages: tuple[Stage, ...]

    def at(self, step: int) -> Stage:
        """What holds at a step, counted from 0; after the last one its stage stays."""
        return self.stages[min(bisect_right(self.untils, step), len(self.stages) - 1)]

    @property
    def length(self) -> int:
        """Text states a row has."""
        return self.stages[0].texts.shape[1]

    @property
    def masked(self) -> bool:
        return self.stages[0].mask is not None


def row_count(weights: Sequence[float], guidance: float) -> int:
    """Rows that composed prompts of these weights take: one each, and the negative prompt's while it counts.

    Its share of the answer is 1 - guidance * (sum of the weights).
    """
    return len(weights) + (abs(1 - guidance * sum(weights)) > 1e-6)


def most_rows(words: Words, guidance: float, guided: tuple[float, float]) -> int:
    """Rows that an image of these words takes at the step where it takes most."""
    weights = [part.weight for part in parse(words.prompt).parts]
    plain = row_count(weights, 1.0)
    return max(plain, row_count(weights, guidance)) if guided[0] < guided[1] else plain


def combine(outputs: Tensor, weights: Sequence[float], guidance: float, rescale: float = 0.0) -> Tensor:
    """The answers of one image's rows, (rows, C, h, w), as one, (C, h, w).

    negative + sum of guidance * weight * (prompt - negative): classifier-free guidance (Ho and Salimans 2022), composed
    as in Liu et al. 2022 (arXiv 2206.01714, eq. 11). One prompt that is not guided passes as it is.
    rescale: 0 to 1, how far the answer's deviation is brought back to what it is without guidance, which keeps high
    guidance from burning out (Lin et al. 2023, section 3.4).
    """
    guided = _combined(outputs, weights, guidance)
    if not rescale or guidance == 1:
        return guided
    plain = _combined(outputs, weights, 1.0)
    return guided * (rescale * plain.std() / guided.std() + (1 - rescale))


def _combined(outputs: Tensor, weights: Sequence[float], guidance: float) -> Tensor:
    shares = [guidance * weight for weight in weights]
    if len(outputs) == len(weights):
        return outputs[0] if shares == [1.0] else _sum(share * row for share, row in zip(shares, outputs, strict=True))
    negative = outputs[-1]
    return negative + _sum(share * (row - negative) for share, row in zip(shares, outputs[:-1], strict=True))


def _sum(terms: Iterable[Tensor]) -> Tensor:
    total, *rest = terms
    for term in rest:
        total = total + term
    return total


def condition(words: Words, steps: int, encode: Encode) -> Conditioning:
    """Encode everything that one image's prompts say over so many steps."""
    prompt, sayings = parse(words.prompt), _Sayings(words, steps, encode)
    turns = sorted({until for said in (prompt, *sayings.parsed.values()) for until, _ in said.schedule(steps)})
    texts = [
        [*(sayings.moved(part.items, turn) for part in prompt.at(turn, steps)), sayings.at(words.negative, turn)]
        for turn in turns
    ]
    weights = tuple(part.weight for part in prompt.parts)
    return Conditioning(weights, tuple(turns), tuple(_stages(texts)))


class _Sayings:
    """All that an image's words say, each thing encoded once, however many steps say it."""

    def __init__(self, words: Words, steps: int, encode: Encode) -> None:
        self._words, self._steps, self._encode = words, steps, encode
        beside = [text for text, _ in words.blend] + [text for pair in words.directions for text in pair[:2]]
        self.parsed = {text: parse(text, composed=False) for text in (words.negative, *beside)}
        self._encoded: dict[Items, Tensor] = {}

    def at(self, text: str, step: int) -> Tensor:
        """What a text other than the prompt says at a step, counted from 1, (chunks, 77, D)."""
        return self._states(self.parsed[text].at(step, self._steps)[0].items)

    def moved(self, items: Items, step: int) -> Tensor:
        """A part of the prompt, with what is blended in and moved along the directions, (chunks, 77, D)."""
        said, words = self._states(items), self._words
        if not words.blend and not words.directions:
            return said
        total = 1 + sum(share for _, share in words.blend)
        terms = [(1 / total, said), *((share / total, self.at(text, step)) for text, share in words.blend)]
        for toward, away, scale in words.directions:
            terms += [(scale, self.at(toward, step)), (-scale, self.at(away, step))]
        longest = max(len(states) for _, states in terms)
        mixed = _sum(share * repeat(states, longest).float() for share, states in terms)
        return mixed.to(said.dtype).view(longest, *said.shape[1:])

    def _states(self, items: Items) -> Tensor:
        if items not in self._encoded:
            self._encoded[items] = self._encode(items)
        return self._encoded[items]


def _stages(texts: list[list[Tensor]]) -> Iterator[Stage]:
    """Rows of text states for each stage, all at one length; stages of the same rows are one.

    Where each row's chunks divide the longest row's, it goes round its own, which changes nothing. Elsewhere the end
    is padding that a mask hides: exact too, at the price of slower attention.
    """
    longest = max(len(states) for rows in texts for states in rows)
    masked = any(longest % len(states) for rows in texts for states in rows)
    known: dict[tuple[int, ...], Stage] = {}
    for rows in texts:
        same = tuple(id(states) for states in rows)
        if same not in known:
            known[same] = _padded(rows, longest) if masked else Stage(torch.stack([repeat(s, longest) for s in rows]))
        yield known[same]


def _padded(rows: list[Tensor], count: int) -> Stage:
    """Rows of (n, 77, D), brought to (count * 77, D) with zeros behind a mask."""
    spoken = [states.flatten(0, 1) for states in rows]
    length = count * rows[0].shape[1]
    mask = torch.stack([torch.arange(length, device=states.device) < len(states) for states in spoken])
    return Stage(torch.stack([F.pad(states, (0, 0, 0, length - len(states))) for states in spoken]), mask)
