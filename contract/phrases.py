"""What people are told: English sentences that remember their values, so that another language can say them too."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Self

from pydantic_core import PydanticKnownError

_PLACE = re.compile(r"\{(\w+)\}")


class Phrase(str):
    """A sentence with its values filled in: a text like any other, and besides what it is made of.

    Whoever speaks another language (web/languages.py) looks for the sentence, `{places}` and all, and fills that in.
    A value that is a Phrase is a part of the sentence that has words of its own. A sentence without values needs no
    Phrase: any text is looked for as it is.

    >>> phrase = Phrase("{width} x {height} pixels", width=3, height=Phrase("four"))
    >>> phrase, phrase.sentence
    ('3 x four pixels', '{width} x {height} pixels')
    """

    __slots__ = ("sentence", "values")

    sentence: str
    values: Mapping[str, object]

    def __new__(cls, sentence: str, /, **values: object) -> Self:
        return cls.worded(_PLACE.sub(lambda place: str(values[place[1]]), sentence), sentence, values)

    @classmethod
    def worded(cls, text: str, sentence: str, values: Mapping[str, object]) -> Self:
        """A text that somebody else has put together from a sentence."""
        self = super().__new__(cls, text)
        self.sentence, self.values = sentence, values
        return self

    @classmethod
    def of(cls, text: str) -> Self:
        """A text that may be one already, as a part of a longer one."""
        return text if isinstance(text, cls) else cls.worded(text, text, {})

    @classmethod
    def listed(cls, parts: Iterable[str]) -> Self:
        """Some of them, with commas between.

        >>> Phrase.listed(["a refiner", "LoRAs"])
        'a refiner, LoRAs'
        """
        named = {f"part{number}": part for number, part in enumerate(parts)}
        return cls(", ".join(f"{{{name}}}" for name in named), **named)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).worded, (str(self), self.sentence, dict(self.values))


_PLAINER = {"{expected_plural}": "(s)", "{field_type}": "List"}  # in pydantic's sentences, what is no value to tell


def words_of(fault: Mapping[str, Any]) -> str:
    """What pydantic says of a fault: our own words where a validator of ours raised a ValueError.

    >>> words_of({"type": "less_than_equal", "msg": "Input should be less than or equal to 4", "ctx": {"le": 4}})
    'Input should be less than or equal to 4'
    """
    context = fault.get("ctx")
    if fault["type"] == "value_error":
        return next(iter(fault["ctx"]["error"].args), "")
    sentence = PydanticKnownError(fault["type"], context).message_template
    for what, plain in _PLAINER.items():
        sentence = sentence.replace(what, plain)
    return Phrase.worded(fault["msg"], sentence, {name: _plainer(value) for name, value in (context or {}).items()})


def _plainer(value: object) -> object:
    """A bound or a list of choices without what is English or Python in it: 0 for 0.0, no "or" before the last."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.replace("' or '", "', '") if isinstance(value, str) else value
