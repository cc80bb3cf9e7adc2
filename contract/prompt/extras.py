"""What a prompt asks for beside words: LoRAs and embeddings, by name."""

import re
from collections.abc import Collection
from typing import NamedTuple

from contract.errors import PromptError
from contract.phrases import Phrase

# Number of at most 9 digits before the point: no exponent, no nan. The bound keeps every number finite.
NUMBER = r"[+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})"
LORA = r"<lora:[^<>]*>"

_LORA = re.compile(rf"<lora:\s*([^<>:]*[^<>:\s])\s*(?::\s*({NUMBER})\s*)?>")
_WORD = r"[\w][\w.-]*"
_FOUND = re.compile(rf"\\.|(?P<lora>{LORA})|(?P<mark>\bembedding:)?(?P<word>{_WORD})|[^\w\\<]+|.", re.DOTALL)


class Lora(NamedTuple):
    """`<lora:name:weight>` at `source[start:end]`; the weight is 1 where none is given."""

    name: str
    weight: float
    start: int
    end: int


class Embedding(NamedTuple):
    """An embedding's name at `source[start:end]`."""

    name: str
    start: int
    end: int


class Extras(NamedTuple):
    """What a prompt asks for beside words, in the order it is asked for."""

    loras: tuple[Lora, ...]
    embeddings: tuple[Embedding, ...]


class UnsupportedExtra(PromptError):
    """A LoRA or an embedding, which cannot be loaded yet."""


def extras(text: str, embeddings: Collection[str] = ()) -> Extras:
    r"""LoRAs and embeddings that a prompt names.

    An embedding is a whole word that is one of `embeddings` (capitals do not matter; a full stop at the end of the
    word may be the sentence's), or any word after `embedding:`. A backslash before `<` or `:` makes it plain text.
    Raises PromptError for a `<lora:…>` without a name or with a weight that is no number.

    >>> extras("a fox <lora:ink wash:0.8>, easynegative", ["EasyNegative"])
    Extras(loras=(Lora(name='ink wash', weight=0.8, start=6, end=25),), embeddings=(Embedding(name='EasyNegative', start=27, end=39),))
    >>> extras(r"\<lora:ink:1>, embedding\:two")
    Extras(loras=(), embeddings=())
    """  # noqa: E501  a doctest's answer is one line
    known = {name.lower(): name for name in embeddings}
    loras: list[Lora] = []
    found: list[Embedding] = []
    for match in _FOUND.finditer(text):
        if match["lora"]:
            loras.append(_lora(match["lora"], match.start()))
        elif match["word"]:
            word = match["word"] if match["word"].lower() in known else match["word"].rstrip(".")
            if match["mark"] or word.lower() in known:
                start = match.start("word")
                found.append(Embedding(known.get(word.lower(), word), start, start + len(word)))
    return Extras(tuple(loras), tuple(found))


def refuse_extras(text: str, embeddings: Collection[str] = ()) -> None:
    """Raise UnsupportedExtra when a prompt asks for a LoRA or an embedding: they cannot be loaded yet.

    >>> refuse_extras("a fox")
    >>> refuse_extras("a fox <lora:ink:0.8>")
    Traceback (most recent call last):
    contract.prompt.extras.UnsupportedExtra: LoRAs cannot be loaded yet: take <lora:ink:0.8> out of the prompt.
    """
    loras, found = extras(text, embeddings)
    if loras:
        tag = text[loras[0].start : loras[0].end]
        raise UnsupportedExtra(Phrase("LoRAs cannot be loaded yet: take {tag} out of the prompt.", tag=tag))
    if found:
        name = found[0].name
        raise UnsupportedExtra(Phrase("Embeddings cannot be loaded yet: take {name} out of the prompt.", name=name))


def _lora(tag: str, start: int) -> Lora:
    match = _LORA.fullmatch(tag)
    if match is None:
        raise PromptError(
            Phrase("{tag} is no LoRA: write <lora:name> or <lora:name:weight>, the weight a number.", tag=tag)
        )
    return Lora(match[1], float(match[2] or 1), start, start + len(tag))
