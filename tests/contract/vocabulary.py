"""A tokenizer for tests: single bytes and a few merges. It needs no torch."""

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tokenizers.pre_tokenizers import ByteLevel

from contract.chunks import PromptTokenizer


def write_tokenizer(folder: Path) -> None:
    """A byte-level vocabulary of single bytes and a few merges, as vocab.json and merges.txt."""
    letters = sorted(ByteLevel.alphabet())
    merges = ["a </w>", "c a", "ca t</w>"]
    words = [*letters, *(f"{letter}</w>" for letter in letters), "ca", "cat</w>", "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({word: id for id, word in enumerate(words)}))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges[1:]]))


@cache
def tokenizer() -> PromptTokenizer:
    with TemporaryDirectory() as folder:
        write_tokenizer(Path(folder) / "tokenizer")
        return PromptTokenizer.load(Path(folder))
