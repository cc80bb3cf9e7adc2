"""A request put together from what somebody wrote elsewhere: what fits is kept, and what does not is told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from contract.phrases import Phrase, words_of
from contract.prompt.extras import LORA
from contract.requests import to_eights

R = TypeVar("R", bound=BaseModel)

MAX_NOTE = 300  # characters
MAX_NOTES = 40
_ROUNDS = 20  # of mending; a field has a fault behind a fault at most

_BOUNDS = {"greater_than_equal": "ge", "less_than_equal": "le"}  # pydantic's error → the bound in its context
_EXTRAS = re.compile(rf"{LORA}|\bembedding:[\w.-]+")
_DRAWN = re.compile(r"(?<!\\)(?:[{}]|__(?=[A-Za-z0-9]))")


@dataclass
class Draft:
    """What was read of one picture's making.

    fields: by our names, not yet checked; parameters: in the words of who wrote them; notes: what cannot be carried
    over, and why. model: by name and by the beginning of its hash.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    model: str | None = None
    model_hash: str | None = None

    def note(self, text: str) -> None:
        """Tell of something once; beyond 40 notes nobody reads them."""
        told = readable(text[:MAX_NOTE])
        if told == text:
            told = text  # a Phrase, if it is one
        if told not in self.notes and len(self.notes) < MAX_NOTES:
            self.notes.append(told)

    def found(self, name: str, value: object) -> str:
        """Keep a value under the name it was found by, as text; that text."""
        self.parameters[readable(name)[:80]] = text = readable(str(value))
        return text

    def prompt(self, name: str, text: str) -> None:
        """Keep a prompt of another program's: LoRAs and embeddings leave it, and what is drawn here is plain there."""
        plain, gone = _EXTRAS.subn("", text)
        if gone:
            self.note(Phrase("{name}: LoRAs and embeddings cannot be loaded yet and were left out.", name=name))
        self.fields[name] = _DRAWN.sub(r"\\\g<0>", plain).strip()


def readable(text: str) -> str:
    r"""A text from a file as prompts may be: Unicode without control characters, lines ended by \n.

    >>> readable("a\r\nb\x00\ud800")
    'a\nb?'
    """
    text = text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "", text)


def shown(value: object) -> str:
    """A value as a note tells of it: short, in quotes.

    >>> shown("x" * 100)[-5:]
    "xxx…'"
    """
    text = readable(str(value))
    return f"'{text[:40]}…'" if len(text) > 40 else f"'{text}'"


def mended(kind: type[R], fields: Mapping[str, Any], draft: Draft) -> R | None:
    """A valid request of these fields. What is out of bounds goes to the bound, what cannot be is left out; each with
    a note. None where nothing helps."""
    left = dict(fields)
    for _ in range(_ROUNDS):
        try:
            return kind.model_validate(left)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=False)
            if not [fault for fault in faults if _mend(left, fault, draft)]:
                break
    draft.note("No valid request can be made of what is written there.")
    return None


def _mend(fields: dict[str, Any], fault: Mapping[str, Any], draft: Draft) -> bool:
    """Change what the fault names; False where that is nothing that could be changed."""
    *way, last = fault["loc"] or ("",)
    inner: Any = fields
    missing = fault["type"] == "missing"
    for number, part in enumerate(way):
        if not isinstance(inner.get(part), dict):  # a list: all of it goes
            way, last, missing = way[:number], part, False
            break
        inner[part] = dict(inner[part])  # the draft keeps its own
        inner = inner[part]
    if missing:
        return _complete(fields, inner, way, str(last), draft)
    if last not in inner:
        return False
    name = ".".join(map(str, (*way, last)))
    value, better = inner[last], _within(inner[last], fault)
    if better is None or last == "seed":
        del inner[last]
        draft.note(
            Phrase(
                "{name}: {value} cannot be carried over and was left out: {words}.",
                name=name,
                value=shown(value),
                words=Phrase.of(words_of(fault)),
            )
        )
    else:
        inner[last] = better
        told = Phrase("its first {count} characters", count=len(better)) if isinstance(better, str) else better
        draft.note(
            Phrase(
                "{name}: {value} is more or less than can be; {told} taken.", name=name, value=shown(value), told=told
            )
        )
    return True


def _complete(fields: dict[str, Any], inner: dict[str, Any], way: list[Any], last: str, draft: Draft) -> bool:
    """Something needed is missing: a prompt may be empty, a part without what it needs goes."""
    if last == "prompt":
        inner[last] = ""
    elif way:
        fields.pop(way[0], None)
        draft.note(Phrase("{name}: cannot be carried over without its {last}.", name=way[0], last=last))
    else:
        return False
    return True


def _within(value: object, fault: Mapping[str, Any]) -> Any:
    """The nearest value that may be, if there is one."""
    context = fault.get("ctx", {})
    if fault["type"] in _BOUNDS:
        return context[_BOUNDS[fault["type"]]]
    if fault["type"] == "multiple_of" and isinstance(value, int):
        return to_eights(value)
    if fault["type"] == "string_too_long" and isinstance(value, str):
        return value[: context["max_length"]]
    return None
