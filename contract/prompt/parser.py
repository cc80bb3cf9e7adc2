r"""Weights, schedules, alternation, AND and BREAK: text to a `Prompt`, in one pass and in linear time.

>>> from contract.prompt.model import Run, runs
>>> def show(text, step=1, steps=20):
...     for weight, items in parse(text).at(step, steps):
...         print(weight, *((item.text, round(item.weight, 3)) if isinstance(item, Run) else "BREAK"
...                         for item in runs(items)))

Weights: `( )` times 1.1, `[ ]` divided by 1.1, or a number. They multiply.

>>> show("a (red) [dim] (bright:1.3) ((fox:1.5))")
1.0 ('a ', 1.0) ('red', 1.1) (' ', 1.0) ('dim', 0.909) (' ', 1.0) ('bright', 1.3) (' ', 1.0) ('fox', 1.65)

A bracket left open closes at the end; one that makes no pair is text, and so is one escaped.

>>> show("a (red fox")
1.0 ('a ', 1.0) ('red fox', 1.1)
>>> show(r"red) fox \(vulpes\) \\")
1.0 ('red) fox (vulpes) \\', 1.0)

`[from:to:when]`, `[to:when]`, `[from::when]`: from step 1 to `when` it is `from`, then `to`. A number below 1 is a
fraction of the steps.

>>> [(until, subprompts[0].items[0].text) for until, subprompts in parse("[oak:pine:8]").schedule(20)]
[(8, 'oak'), (20, 'pine')]
>>> show("a [big:0.5]fox", step=10)
1.0 ('a fox', 1.0)
>>> show("a [big:0.5]fox", step=11)
1.0 ('a bigfox', 1.0)

`[a|b]` alternates, step by step.

>>> show("c[a|o|u]t", step=2)
1.0 ('cot', 1.0)

AND composes prompts, each with a weight; BREAK ends a chunk. Both are whole words in capitals.

>>> show("a cat :1.2 AND a dog BREAK in snow")
1.2 ('a cat ', 1.0)
1.0 (' a dog ', 1.0) BREAK (' in snow', 1.0)

Positions lead back to the source.

>>> parse(r"a \((fox:1.3)").at(1, 20)[0].items
(Span(text='a ', weight=1.0, start=0, end=2), Span(text='(', weight=1.0, start=3, end=4), Span(text='fox', weight=1.3, start=5, end=8))
"""  # noqa: E501  a doctest's answer is one line

import re
from collections.abc import Iterable

from contract.prompt.extras import LORA, NUMBER
from contract.prompt.model import ESCAPED, Alternation, Break, Node, Part, Prompt, Switch, Text, Weighted

MAX_DEPTH = 64  # a bracket deeper than that is text; 1.1 ** 64 is 446
MAX_SIGNS = 2000  # brackets, AND and BREAK in a prompt; those after that are text

_BESIDE = r"[^\s,.;:|()\[\]{}<>]"  # what makes AND and BREAK beside it a part of another word
_KEYWORD = rf"(?<!{_BESIDE})(?:AND|BREAK)(?!{_BESIDE})"
_TOKEN = re.compile(
    rf"{ESCAPED}|{LORA}|{_KEYWORD}|[()\[\]:|]"
    r"|[^\\()\[\]:|<AB]+|.",  # text
    re.DOTALL,
)
_SPECIAL = re.compile(rf"[()\[\]{{}}|:<\\]|_(?=_)|{_KEYWORD}")
_NUMBER = re.compile(rf"\s*({NUMBER})\s*")
_OPENER = {")": "(", "]": "["}


def parse(text: str, *, composed: bool = True) -> Prompt:
    """What a prompt means. Never raises: what does not parse is text. Linear in the length of the text.

    Without `composed` AND is a word like others: a negative prompt is one prompt.
    """
    return _Parser(text, composed=composed).parse()


def escape(text: str) -> str:
    r"""The prompt that says exactly this text, whatever is in it.

    >>> escape("saber (fate), 16:9")
    'saber \\(fate\\), 16\\:9'
    """
    return _SPECIAL.sub(r"\\\g<0>", text)


class _Group:
    """A bracket that is open (or the whole part, bracket ""), and what has come in it so far."""

    __slots__ = ("bars", "bracket", "colons", "nodes", "start")

    def __init__(self, bracket: str, start: int) -> None:
        self.bracket, self.start = bracket, start
        self.nodes: list[Node] = []
        self.colons: list[int] = []  # where they are in the source; what they mean shows when the bracket closes
        self.bars: list[int] = []


class _Parser:
    """One prompt being read. Text is collected from `_begin` on until something else ends it."""

    def __init__(self, source: str, *, composed: bool) -> None:
        self._source = source
        self._begin = 0
        self._stack = [_Group("", 0)]
        self._open = {"(": 0, "[": 0}  # how many of each are on the stack
        self._beyond = 0  # brackets that are open and text, being beyond one of the limits
        self._signs = 0
        self._parts: list[tuple[_Group, int]] = []  # and where each ends
        self._actions = {
            "(": self._on_open,
            "[": self._on_open,
            ")": self._on_close,
            "]": self._on_close,
            ":": self._on_colon,
            "|": self._on_bar,
            "BREAK": self._on_break,
        }
        if composed:
            self._actions["AND"] = self._on_and

    def parse(self) -> Prompt:
        actions = self._actions
        position = 0
        for token in _TOKEN.findall(self._source):
            end = position + len(token)
            if action := actions.get(token):
                action(token, position)
            elif token[0] == "<" and end > position + 1:  # a tag is no text
                self._end_text(position, end)
            position = end
        while len(self._stack) > 1:
            self._close(position)
        self._end_part(position)
        return Prompt(self._source, self._composed())

    def _on_open(self, bracket: str, at: int) -> None:
        if len(self._stack) > MAX_DEPTH or self._signs == MAX_SIGNS:
            self._beyond += 1
            return
        self._signs += 1
        self._end_text(at, at + 1)
        self._stack.append(_Group(bracket, at))
        self._open[bracket] += 1

    def _on_close(self, bracket: str, at: int) -> None:
        opener = _OPENER[bracket]
        if self._beyond:
            self._beyond -= 1
        elif self._open[opener]:
            if self._stack[-1].bracket != opener:
                self._give_up_to(opener, at)
            self._close(at)

    def _on_colon(self, _: str, at: int) -> None:
        if not self._beyond:
            self._stack[-1].colons.append(at)

    def _on_bar(self, _: str, at: int) -> None:
        if not self._beyond:
            self._stack[-1].bars.append(at)

    def _on_and(self, word: str, at: int) -> None:
        if len(self._stack) == 1 and self._signs < MAX_SIGNS:
            self._signs += 1
            self._end_part(at)
            self._begin = at + len(word)

    def _on_break(self, word: str, at: int) -> None:
        if self._signs < MAX_SIGNS:
            self._signs += 1
            self._end_text(at, at + len(word))
            self._stack[-1].nodes.append(Break(at, at + len(word)))

    def _end_text(self, at: int, begin: int) -> None:
        if self._begin < at:
            self._stack[-1].nodes.append(Text(self._source[self._begin : at], self._begin, at))
        self._begin = begin

    def _give_up_to(self, opener: str, at: int) -> None:
        """Make text of the brackets that opened since the last `opener` and found no end, as in `[sad :( | glad]`."""
        self._end_text(at, at)
        while (lost := self._stack.pop()).bracket != opener:
            self._open[lost.bracket] -= 1
            around = self._stack[-1]
            around.nodes.append(Text(lost.bracket, lost.start, lost.start + 1))
            around.nodes += lost.nodes
            around.colons += lost.colons
            around.bars += lost.bars
        self._stack.append(lost)

    def _close(self, at: int) -> None:
        """Make a node of the innermost group, which ends at the bracket (or the end of the source) here."""
        self._end_text(at, at + 1)
        group = self._stack.pop()
        self._open[group.bracket] -= 1
        nodes, end = group.nodes, min(at + 1, len(self._source))
        node: Node
        if group.bracket == "(":
            number = self._number(group.colons, at)
            inner = nodes if number is None else self._cut(nodes, group.colons[-1:])[0]
            node = Weighted(tuple(inner), 1.1 if number is None else number, group.start, end)
        elif group.bars:
            node = Alternation(tuple(map(tuple, self._cut(nodes, group.bars))), group.start, end)
        elif len(group.colons) <= 2 and (when := self._number(group.colons, at)) is not None:
            *before, after, _ = self._cut(nodes, group.colons)
            node = Switch(tuple(before[0]) if before else (), tuple(after), when, group.start, end)
        else:
            node = Weighted(tuple(nodes), 1 / 1.1, group.start, end)
        if nodes:
            self._stack[-1].nodes.append(node)

    def _number(self, colons: list[int], at: int) -> float | None:
        """The number that alone stands between the last colon and here, if there is one."""
        match = _NUMBER.fullmatch(self._source, colons[-1] + 1, at) if colons else None
        return float(match[1]) if match else None

    def _cut(self, nodes: Iterable[Node], marks: list[int]) -> list[list[Node]]:
        """The nodes in fields, cut at marks in their texts."""
        fields: list[list[Node]] = [[]]
        remaining = iter([*marks, len(self._source)])
        mark = next(remaining)
        for node in nodes:
            begin, end = node.start, node.end
            while mark < end:
                if begin < mark:
                    fields[-1].append(Text(self._source[begin:mark], begin, mark))
                fields.append([])
                begin, mark = mark + 1, next(remaining)
            if begin == node.start:
                fields[-1].append(node)
            elif begin < end:
                fields[-1].append(Text(self._source[begin:end], begin, end))
        return fields

    def _end_part(self, at: int) -> None:
        self._end_text(at, at)
        self._parts.append((self._stack.pop(), at))
        self._stack.append(_Group("", at))

    def _composed(self) -> tuple[Part, ...]:
        """The parts with their weights, without blank ones; a prompt alone has no weight ("16:9" is text)."""
        if len(self._parts) == 1:
            return (Part(tuple(self._parts[0][0].nodes), 1.0),)
        parts = [self._weighed(group, end) for group, end in self._parts]
        return tuple(part for part in parts if not _is_blank(part)) or (Part((), 1.0),)

    def _weighed(self, group: _Group, end: int) -> Part:
        weight = self._number(group.colons, end)
        if weight is None:
            return Part(tuple(group.nodes), 1.0)
        return Part(tuple(self._cut(group.nodes, group.colons[-1:])[0]), weight)


def _is_blank(part: Part) -> bool:
    return all(isinstance(node, Text) and node.text.isspace() for node in part.nodes)
