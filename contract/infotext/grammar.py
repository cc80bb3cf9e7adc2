"""The grammar: labels and values in a text, whatever they mean."""

import json
import re
from collections.abc import Iterator, Mapping

from contract.drafts import readable
from contract.infotext.labels import NEGATIVE

_MARK = f"{NEGATIVE}:"
_FEWEST = 3  # pairs; what has fewer is the prompt's last line
_MAX_PAIRS, _MAX_LINE = 200, 100_000
_LAST_LINES = 20  # among which the parameters are: other programs write below them
_KEY = re.compile(r"\w[\w \-/()+.]{0,60}")
_JSON = json.JSONDecoder()


def parse(text: str) -> dict[str, str]:
    """Label → value, `Prompt` and `Negative prompt` among them. Takes any text; one without parameters is a prompt."""
    lines = readable(text).split("\n")
    above, pairs = lines, dict[str, str]()
    for number in range(len(lines) - 1, max(-1, len(lines) - 1 - _LAST_LINES), -1):
        found = dict(_pairs(lines[number][:_MAX_LINE]))
        if len(found) >= _FEWEST:
            above, pairs = lines[:number], found
            break
    negative = next((number for number, line in enumerate(above) if line.startswith(_MARK)), len(above))
    below = "\n".join(above[negative:]).removeprefix(_MARK).removeprefix(" ")
    return {"Prompt": "\n".join(above[:negative]), NEGATIVE: below, **pairs}


def has_parameters(found: Mapping[str, str]) -> bool:
    """Whether a parsed text is more than a prompt."""
    return len(found) > 2


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    """Key and value, in one walk over the line: whatever it holds, it is looked at a bounded number of times."""
    at = 0
    for _ in range(_MAX_PAIRS):
        colon = line.find(":", at)
        if colon < 0:
            return
        key = line[at:colon].rpartition(",")[2].strip()
        value, at = _value(line, colon + 1)
        if _KEY.fullmatch(key):
            yield key, value


def _value(line: str, at: int) -> tuple[str, int]:
    """The value that begins there, and where the next pair does."""
    at += len(line[at : at + 50]) - len(line[at : at + 50].lstrip())
    end = None
    if line[at : at + 1] in ('"', "{", "["):
        try:
            read, end = _JSON.raw_decode(line, at)
        except (ValueError, RecursionError):
            read, end = None, None
    comma = line.find(",", at if end is None else end)
    stop = len(line) if comma < 0 else comma
    if end is None or line[end:stop].strip():
        return line[at:stop].strip(), stop + 1
    return (readable(read) if isinstance(read, str) else line[at:end]), stop + 1
