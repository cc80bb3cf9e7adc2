"""What a prompt means: a small tree, and what of it holds at a step.

The tree's classes are named tuples because a prompt of 100 kB has tens of thousands of them.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, groupby
from typing import NamedTuple

ESCAPED = r"\\(?:[()\[\]{}|:<>_\\]|AND|BREAK)"
MAX_WEIGHT = 1000.0  # weights multiply; past any use, and within reach of float16

_ESCAPED = re.compile(ESCAPED)


class Text(NamedTuple):
    """`text == source[start:end]`, with its escapes."""

    text: str
    start: int
    end: int


class Break(NamedTuple):
    """BREAK at `source[start:end]`: what follows begins a new chunk."""

    start: int
    end: int


class Weighted(NamedTuple):
    """`(…)`, `(…:1.3)` or `[…]`: multiplies the weight of all inside."""

    nodes: tuple[Node, ...]
    factor: float
    start: int
    end: int


class Switch(NamedTuple):
    """`[before:after:when]`; `when` below 1 is a fraction of the steps, else a step."""

    before: tuple[Node, ...]
    after: tuple[Node, ...]
    when: float
    start: int
    end: int

    def last(self, steps: int) -> int:
        """The last step, counted from 1, at which `before` holds.

        In exact decimals: 0.29 of 100 steps are 29, and 28 in binary floating point.
        """
        return math.floor(Fraction(str(self.when)) * steps if self.when < 1 else self.when)


class Alternation(NamedTuple):
    """`[a|b|c]`: the first at step 1, the second at step 2, and round again."""

    options: tuple[tuple[Node, ...], ...]
    start: int
    end: int


Node = Text | Break | Weighted | Switch | Alternation


class Part(NamedTuple):
    """One of the prompts composed by AND, and its weight."""

    nodes: tuple[Node, ...]
    weight: float


class Span(NamedTuple):
    """A piece of text with its weight at some step.

    `text == source[start:end]`, always: a backslash that escapes is between two spans, in neither.
    """

    text: str
    weight: float
    start: int
    end: int


class Subprompt(NamedTuple):
    """One of the prompts composed by AND, as it is at some step: what one row is conditioned on."""

    weight: float
    items: tuple[Span | Break, ...]


class Run(NamedTuple):
    """Neighbouring spans of one weight as one text, to be cut into tokens as one: `c[a|o]t` is "cat", then "cot"."""

    text: str
    weight: float
    spans: tuple[Span, ...]

    def position(self, index: int) -> int:
        """Where `text[index]` is in the source. Raises IndexError outside the text."""
        if not 0 <= index < len(self.text):
            raise IndexError(index)
        offsets = [0, *accumulate(len(span.text) for span in self.spans)]
        number = bisect_right(offsets, index) - 1
        return self.spans[number].start + index - offsets[number]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A parsed prompt: one part or more, composed by AND."""

    source: str
    parts: tuple[Part, ...]

    def at(self, step: int, steps: int) -> tuple[Subprompt, ...]:
        """The prompt at one step, counted from 1 to `steps`. Raises ValueError outside that.

        The number of subprompts is that of the parts at every step; one may be empty at some of them.
        """
        if not 1 <= step <= steps:
            raise ValueError(f"step {step} is not in 1 to {steps}")
        return tuple(Subprompt(part.weight, tuple(_flat(part.nodes, 1.0, step, steps))) for part in self.parts)

    def schedule(self, steps: int) -> list[tuple[int, tuple[Subprompt, ...]]]:
        """`(until, prompt)` in order: it holds up to and with step `until`, counted from 1; the last is `steps`.

        Counted from 0 as loops do, it holds while `step < until`. One entry where nothing changes.
        """
        turns = {steps}
        for part in self.parts:
            turns.update(_turns(part.nodes, steps))
        found: list[tuple[int, tuple[Subprompt, ...]]] = []
        for until in sorted(turns):
            now = self.at(until, steps)
            if found and found[-1][1] == now:
                found.pop()
            found.append((until, now))
        return found


def runs(items: Iterable[Span | Break]) -> list[Run | Break]:
    """Items of a subprompt with neighbouring spans of one weight joined."""
    found: list[Run | Break] = []
    for weight, group in groupby(items, lambda item: item.weight if isinstance(item, Span) else None):
        if weight is None:
            found += [item for item in group if isinstance(item, Break)]
        else:
            spans = tuple(item for item in group if isinstance(item, Span))
            found.append(Run("".join(span.text for span in spans), weight, spans))
    return found


# The parser bounds how deep nodes nest, so these may recurse.


def _flat(nodes: Iterable[Node], weight: float, step: int, steps: int) -> Iterator[Span | Break]:
    for node in nodes:
        match node:
            case Text():
                yield from _spans(node, weight)
            case Break():
                yield node
            case Weighted(inner, factor):
                product = max(-MAX_WEIGHT, min(weight * factor, MAX_WEIGHT))
                yield from _flat(inner, product, step, steps)
            case Switch(before, after):
                yield from _flat(after if step > node.last(steps) else before, weight, step, steps)
            case Alternation(options):
                yield from _flat(options[(step - 1) % len(options)], weight, step, steps)


def _spans(node: Text, weight: float) -> Iterator[Span]:
    text, start, _ = node
    begin = 0
    for escape in _ESCAPED.finditer(text):
        if begin < (at := escape.start()):
            yield Span(text[begin:at], weight, start + begin, start + at)
        begin = at + 1
    yield Span(text[begin:], weight, start + begin, start + len(text))


def _turns(nodes: Iterable[Node], steps: int) -> Iterator[int]:
    """Steps after which something in the nodes may change."""
    for node in nodes:
        match node:
            case Weighted(inner):
                yield from _turns(inner, steps)
            case Switch(before, after):
                if 1 <= (last := node.last(steps)) < steps:
                    yield last
                yield from _turns(before, steps)
                yield from _turns(after, steps)
            case Alternation():
                yield from range(1, steps)  # whatever is inside
