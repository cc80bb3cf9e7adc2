"""A prompt as the text encoder sees it: chunks of 75 tokens between their two marks.

Written on the `tokenizers` library alone, so that the api shows and counts the very tokens the worker encodes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from contract.prompt.model import Break, Run, Span, runs

CHUNK = 75  # tokens of text in a chunk
LENGTH = CHUNK + 2  # with the marks of begin and end: the length CLIP was trained on
COMMA_REACH = 20  # a comma among the last so many tokens of a full chunk is where the next one begins

# How CLIP cuts text into words before it merges bytes (OpenAI CLIP, `simple_tokenizer.py`).
_WORDS = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


@dataclass(frozen=True, slots=True)
class Token:
    """One token and the characters `prompt[start:end]` it stands for (a rare letter may take several tokens)."""

    id: int
    text: str
    start: int
    end: int
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """At most 75 tokens, and the 77 ids the encoder gets: begin, tokens, end, padding."""

    tokens: tuple[Token, ...]
    ids: tuple[int, ...]

    @property
    def weights(self) -> tuple[float, ...]:
        """The weight of each of the 77; marks and padding have 1."""
        spoken = tuple(token.weight for token in self.tokens)
        return (1.0, *spoken, *[1.0] * (LENGTH - 1 - len(spoken)))


class PromptTokenizer:
    """The CLIP tokenizer of one model."""

    def __init__(self, tokenizer: Tokenizer, *, begin: int, end: int, pad: int) -> None:
        self._tokenizer = tokenizer
        self._begin, self._end, self._pad = begin, end, pad

    @classmethod
    def load(cls, model: Path) -> PromptTokenizer:
        """Read `<model>/tokenizer` of a folder in diffusers format.

        `tokenizer.json` is taken where there is one, else `vocab.json` and `merges.txt`.
        Raises FileNotFoundError when neither is there, ValueError when a mark is not in the vocabulary.
        """
        folder = Path(model) / "tokenizer"
        complete = folder / "tokenizer.json"
        tokenizer = Tokenizer.from_file(str(complete)) if complete.exists() else _from_vocabulary(folder)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        marks = _marks(folder)
        begin, end, pad = (tokenizer.token_to_id(marks[name]) for name in ("bos_token", "eos_token", "pad_token"))
        if begin is None or end is None or pad is None:
            raise ValueError(f"{folder}: one of {sorted(set(marks.values()))} is not in the vocabulary")
        return cls(tokenizer, begin=begin, end=end, pad=pad)

    def dump(self) -> str:
        """Everything `read` needs, as JSON."""
        return json.dumps([self._tokenizer.to_str(), self._begin, self._end, self._pad])

    @classmethod
    def read(cls, dumped: str) -> PromptTokenizer:
        """A tokenizer that another process dumped."""
        tokenizer, begin, end, pad = json.loads(dumped)
        return cls(Tokenizer.from_str(tokenizer), begin=begin, end=end, pad=pad)

    def tokens(self, text: str) -> list[Token]:
        """The tokens of a text, without marks, each with its place in the text."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return [
            Token(id, text[start:end], start, end)
            for id, (start, end) in zip(encoding.ids, encoding.offsets, strict=True)
        ]

    def chunks(self, items: Iterable[Span | Break]) -> list[Chunk]:
        """What a prompt says at some step (`Subprompt.items`) as one chunk or more.

        BREAK ends a chunk. A word that would begin after the 75th token takes along what stands behind the last
        comma, where that is near enough. A chunk without tokens is left out, but one there always is.
        """
        lines: list[list[Token]] = [[]]
        for item in runs(items):
            if isinstance(item, Break):
                lines.append([])
                continue
            for token in self._tokens_of(item):
                if len(lines[-1]) == CHUNK:
                    cut = CHUNK if token.text == "," else _after_comma(lines[-1])
                    lines.append(lines[-1][cut:])
                    del lines[-2][cut:]
                lines[-1].append(token)
        spoken = [line for line in lines if line]
        return [self._chunk(line) for line in spoken or [[]]]

    def _tokens_of(self, run: Run) -> list[Token]:
        """Tokens with the run's weight and their place in the prompt the run is from."""
        return [
            Token(token.id, token.text, run.position(token.start), run.position(token.end - 1) + 1, run.weight)
            for token in self.tokens(run.text)
        ]

    def _chunk(self, tokens: list[Token]) -> Chunk:
        ids = [self._begin, *(token.id for token in tokens), self._end]
        return Chunk(tuple(tokens), tuple(ids + [self._pad] * (LENGTH - len(ids))))


def _after_comma(line: list[Token]) -> int:
    """Where a full chunk is cut: behind its last comma, if that is among the last 20 tokens, else at its end."""
    commas = [at for at in range(CHUNK - COMMA_REACH, CHUNK) if line[at].text == ","]
    return commas[-1] + 1 if commas else CHUNK


def _from_vocabulary(folder: Path) -> Tokenizer:
    """CLIP's byte-level BPE from the two files older models come with."""
    bpe = models.BPE.from_file(
        str(folder / "vocab.json"),
        str(folder / "merges.txt"),
        unk_token="<|endoftext|>",
        continuing_subword_prefix="",
        end_of_word_suffix="</w>",
        fuse_unk=False,
    )
    tokenizer = Tokenizer(bpe)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.add_special_tokens([mark for mark in set(_marks(folder).values()) if mark.startswith("<|")])
    return tokenizer


def _marks(folder: Path) -> dict[str, str]:
    """Names of the begin, end and padding tokens. SD 1.x pads with the end mark, SD 2.x with "!"."""
    marks = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        file = folder / name
        said: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
        for mark in marks:
            value = said.get(mark)  # a plain string, or a table with the string as its content
            marks[mark] = (value["content"] if isinstance(value, dict) else value) or marks[mark]
    return marks
