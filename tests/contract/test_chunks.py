"""Chunks of 75 tokens, each token with its place in the prompt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import CLIPTokenizer

from contract.chunks import PromptTokenizer
from tests.worker.engine.tiny import tokenizer, write_tokenizer

MINI = Path(__file__).parents[2] / "models" / "mini"
BEGIN, END = 514, 515  # in the vocabulary of tests/worker/engine/tiny.py


def test_a_prompt_is_marked_and_padded() -> None:
    (chunk,) = tokenizer().chunks("Cat, cat")
    assert [(token.text, token.start, token.end) for token in chunk.tokens] == [
        ("Cat", 0, 3),
        (",", 3, 4),
        ("cat", 5, 8),
    ]
    assert chunk.tokens[0].id == chunk.tokens[2].id
    assert len(chunk.ids) == 77
    assert chunk.ids[0] == BEGIN
    assert chunk.ids[1:4] == tuple(token.id for token in chunk.tokens)
    assert set(chunk.ids[4:]) == {END}


@pytest.mark.parametrize(("words", "lengths"), [(0, [0]), (1, [1]), (75, [75]), (76, [75, 1]), (151, [75, 75, 1])])
def test_a_chunk_holds_75_tokens(words: int, lengths: list[int]) -> None:
    chunks = tokenizer().chunks("cat " * words)
    assert [len(chunk.tokens) for chunk in chunks] == lengths
    assert all(len(chunk.ids) == 77 for chunk in chunks)


def test_padding_is_the_model_s_own(tmp_path: Path) -> None:
    """SD 2.x pads with "!", and writes its marks as tables."""
    folder = tmp_path / "tokenizer"
    write_tokenizer(folder)
    (folder / "special_tokens_map.json").write_text(
        json.dumps({"pad_token": "!", "eos_token": {"content": "<|endoftext|>"}})
    )
    (chunk,) = PromptTokenizer.load(tmp_path).chunks("cat")
    vocabulary = json.loads((folder / "vocab.json").read_text())
    assert chunk.ids[2] == END
    assert set(chunk.ids[3:]) == {vocabulary["!"]}


def test_a_mark_that_is_not_there_is_named(tmp_path: Path) -> None:
    write_tokenizer(tmp_path / "tokenizer")
    (tmp_path / "tokenizer" / "tokenizer_config.json").write_text(json.dumps({"pad_token": "[PAD]"}))
    with pytest.raises(ValueError, match=r"\[PAD\]"):
        PromptTokenizer.load(tmp_path)


@given(st.text(max_size=200))
def test_tokens_cover_the_prompt_s_letters(prompt: str) -> None:
    tokens = tokenizer().tokens(prompt)
    covered = {i for token in tokens for i in range(token.start, token.end)}
    assert all(token.text == prompt[token.start : token.end] for token in tokens)
    assert {i for i, letter in enumerate(prompt) if letter.isalnum()} <= covered


@pytest.mark.parametrize("source", ["vocabulary", "bundled"])
@given(prompt=st.text(max_size=100))
def test_ids_are_transformers_ids(source: str, prompt: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    ours, theirs = PAIRS(source, tmp_path_factory)
    assert [token.id for token in ours.tokens(prompt)] == theirs(prompt, add_special_tokens=False).input_ids


class _Pairs:
    """Each tokenizer with transformers' reading of the same files, loaded once."""

    def __init__(self) -> None:
        self._loaded: dict[str, tuple[PromptTokenizer, CLIPTokenizer]] = {}

    def __call__(self, source: str, folders: pytest.TempPathFactory) -> tuple[PromptTokenizer, CLIPTokenizer]:
        if source not in self._loaded:
            model = MINI
            if source == "vocabulary":
                model = folders.mktemp("model")
                write_tokenizer(model / "tokenizer")
            theirs = CLIPTokenizer.from_pretrained(str(model / "tokenizer"))
            self._loaded[source] = PromptTokenizer.load(model), theirs
        return self._loaded[source]


PAIRS = _Pairs()
