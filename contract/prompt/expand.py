r"""Choices and wildcards, drawn from the seed: a text to a text that holds none.

>>> expand("a {red|green|blue} fox", seed=1)
'a red fox'
>>> [expand("{a|b|c}", seed) for seed in range(8)]
['c', 'a', 'c', 'a', 'a', 'b', 'c', 'a']
>>> expand("{2$$ink|oil|chalk}", seed=1)
'ink, oil'
>>> expand("{a {small|large} fox|__bird__}", seed=7, wildcards={"bird": ["an owl", "a {grey|white} heron"]})
'a small fox'
>>> expand(r"\{red|green\} {[oak|pine]}", seed=1)
'\\{red|green\\} [oak|pine]'

**The draw.** One `random.Random(seed)` for the prompt; each draw is `int(random() * n)`. Of Python's generator only
`seed` with an integer and `random()` are promised never to change (`choice`, `sample` and `shuffle` are not), and both
are the plain Mersenne Twister, so that other languages can follow. Draws go from left to right, a choice before what
is in it, and nothing is drawn for what was not chosen.
"""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from random import Random
from typing import NamedTuple

from contract.errors import PromptError
from contract.phrases import Phrase

Wildcards = Mapping[str, Sequence[str]]

MAX_NESTED = 16  # wildcards in wildcards
MAX_GROWTH = 100_000  # characters that wildcards may add to one prompt
MAX_CHOICES = 4000

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_/-]{0,98}?[A-Za-z0-9])?"
_TOKEN = re.compile(rf"\\.|__{_NAME}__|[{{}}|\[\]]|[^\\{{}}|\[\]_]+|.", re.DOTALL)
_COUNT = re.compile(r"\s*([0-9]{1,9})\$\$")


class _Wildcard(NamedTuple):
    name: str


class _Choice:
    """`{a|b}` while it is read and after: its options, each a row of items."""

    __slots__ = ("options", "squares")

    def __init__(self) -> None:
        self.options: list[list[_Item]] = [[]]
        self.squares = 0  # [ ] open in this option: their bars are alternation's


_Item = str | _Wildcard | _Choice


def expand(text: str, seed: int, wildcards: Wildcards | None = None) -> str:
    """A text with every choice and wildcard drawn. The same text, seed and wildcards give the same answer.

    Escapes, weights and schedules stay as they are, for `parse`. Raises PromptError for a wildcard that is unknown,
    has no entries, contains itself, or grows the prompt by more than 100,000 characters; and for more than 4,000
    opening braces.
    """
    random, known, grown = Random(seed), wildcards or {}, 0
    found: list[str] = []
    agenda: list[tuple[_Item, tuple[str, ...]]] = [(item, ()) for item in reversed(_read(text))]
    while agenda:
        item, inside = agenda.pop()  # `inside`: the wildcards it came from
        if isinstance(item, str):
            found.append(item)
            continue
        if isinstance(item, _Choice):
            items = _draw(item, random)
        else:
            entries = _entries(item.name, known, inside)
            entry = entries[int(random.random() * len(entries))]
            inside = (*inside, item.name)
            grown += len(entry) + 1  # at least 1, so that empty entries cannot go on for ever
            if grown > MAX_GROWTH:
                raise PromptError(
                    Phrase(
                        "The wildcards add more than {most} characters; use fewer or shorter ones.",
                        most=f"{MAX_GROWTH:,}",
                    )
                )
            items = _read(entry)
        agenda += [(item, inside) for item in reversed(items)]
    return "".join(found)


def read_wildcards(folder: Path) -> dict[str, list[str]]:
    """Wildcards by name: `__animals/birds__` is the file `animals/birds.txt`, an entry on each line.

    Blank lines, and those that begin with `#`, are left out; so are files that no wildcard can name. The text is
    UTF-8. A folder that does not exist has none. Raises ValueError for a file in another encoding.
    """
    found = {}
    for file in sorted(Path(folder).rglob("*.txt")):
        name = file.relative_to(folder).with_suffix("").as_posix()
        if re.fullmatch(_NAME, name):
            lines = (line.strip() for line in file.read_text("utf-8-sig").splitlines())
            found[name] = [line for line in lines if line and not line.startswith("#")]
    return found


def _read(text: str) -> list[_Item]:
    """Text as items. A brace without its partner is text."""
    if text.count("{") > MAX_CHOICES:
        raise PromptError(
            Phrase("There are more than {most} choices in the prompt; use fewer.", most=f"{MAX_CHOICES:,}")
        )
    stack = [_Choice()]
    for token in _TOKEN.findall(text):
        top = stack[-1]
        if token == "{":
            stack.append(_Choice())
        elif token == "}" and len(stack) > 1:
            stack.pop()
            stack[-1].options[-1].append(top)
        elif token == "|" and len(stack) > 1 and not top.squares:
            top.options.append([])
        else:
            if token == "[":
                top.squares += 1
            elif token == "]" and top.squares:
                top.squares -= 1
            top.options[-1].append(_Wildcard(token[2:-2]) if token.startswith("__") else token)
    items = stack[0].options[0]
    for unclosed in stack[1:]:
        for number, option in enumerate(unclosed.options):
            items.append("|" if number else "{")
            items += option
    return items


def _draw(choice: _Choice, random: Random) -> list[_Item]:
    """Items of the options drawn: one, or as many as `{2$$…}` says, each once, with commas between."""
    options = choice.options
    first = options[0][0] if options[0] else None
    count = _COUNT.match(first) if isinstance(first, str) else None
    if count is None:
        return options[int(random.random() * len(options))]
    assert isinstance(first, str)
    rest = [[first[count.end() :], *options[0][1:]], *options[1:]]
    drawn: list[_Item] = []
    for number in range(min(int(count[1]), len(rest))):
        if number:
            drawn.append(", ")
        place = int(random.random() * len(rest))
        rest[place], rest[-1] = rest[-1], rest[place]
        drawn += rest.pop()
    return drawn


def _entries(name: str, known: Wildcards, inside: tuple[str, ...]) -> Sequence[str]:
    if name in inside or len(inside) == MAX_NESTED:
        way = " → ".join((*inside, name))
        raise PromptError(
            Phrase("Wildcards go round in a circle, or more than {most} deep: {way}.", most=MAX_NESTED, way=way)
        )
    if name not in known:
        near = get_close_matches(name, known) or sorted(known)[:10]
        hint = Phrase("; there are: {names}", names=", ".join(near)) if near else Phrase(", and no wildcards at all")
        raise PromptError(
            Phrase("There is no wildcard {name}{hint}. For the plain text write \\__{name}__.", name=name, hint=hint)
        )
    if not known[name]:
        raise PromptError(Phrase("The wildcard {name} has no entries.", name=name))
    return known[name]
