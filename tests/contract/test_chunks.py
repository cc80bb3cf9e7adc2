"""Chunks of 75 tokens, each token with its place in the prompt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import CLIPTokenizer

from contract.chunks import Chunk, PromptTokenizer
from contract.prompt import parse
from tests.contract.vocabulary import tokenizer, write_tokenizer

MINI = Path(__file__).parents[2] / "models" / "mini"
BEGIN, END = 514, 515  # in the vocabulary of tests/worker/engine/tiny.py


def chunks(prompt: str, step: int = 1) -> list[Chunk]:
    return tokenizer().chunks(parse(prompt).at(step, 20)[0].items)


def test_a_prompt_is_marked_and_padded() -> None:
    (chunk,) = chunks("Cat, cat")
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
    found = chunks("cat " * words)
    assert [len(chunk.tokens) for chunk in found] == lengths
    assert all(len(chunk.ids) == len(chunk.weights) == 77 for chunk in found)


@pytest.mark.parametrize(
    ("before", "after", "lengths"),
    [
        (74, 5, [75, 5]),  # the comma is the 75th token: nothing to move
        (70, 10, [71, 10]),  # four words would stand behind it
        (55, 30, [56, 30]),  # it is the 20th from the end, the farthest that counts
        (54, 30, [75, 10]),  # one farther
        (75, 3, [75, 4]),  # it is the 76th itself
        (20, 180, [75, 75, 51]),
    ],
)
def test_what_follows_a_comma_near_the_end_moves_to_the_next_chunk(before: int, after: int, lengths: list[int]) -> None:
    assert [len(chunk.tokens) for chunk in chunks("cat " * before + ", " + "cat " * after)] == lengths


def test_break_ends_a_chunk_and_empty_ones_are_left_out() -> None:
    assert [[token.text for token in chunk.tokens] for chunk in chunks("cat BREAK cat, cat")] == [
        ["cat"],
        ["cat", ",", "cat"],
    ]
    assert len(chunks("cat BREAK BREAK cat")) == len(chunks("BREAK cat BREAK (cat) BREAK")) == 2
    assert [len(chunk.tokens) for chunk in chunks("BREAK")] == [0]


def test_tokens_carry_weights_and_lead_back_to_the_prompt() -> None:
    prompt = r"a \(cat (cat:1.5) [CAT]"
    (chunk,) = chunks(prompt)
    assert [(token.text, round(token.weight, 3)) for token in chunk.tokens] == [
        ("a", 1.0),
        ("(", 1.0),
        ("cat", 1.0),
        ("cat", 1.5),
        ("CAT", 0.909),
    ]
    assert all(prompt[token.start : token.end] == token.text for token in chunk.tokens)
    assert chunk.weights[:6] == (1.0, *(token.weight for token in chunk.tokens))
    assert set(chunk.weights[6:]) == {1.0}


def test_twenty_chunks() -> None:
    found = chunks("cat, " * 750)
    assert [len(chunk.tokens) for chunk in found] == [75] * 20


@given(st.text(alphabet="cat ,()[]:|1.3ANDBREK\\{}é🐟", max_size=120), st.integers(1, 20))
def test_any_prompt_is_chunked_and_leads_back(prompt: str, step: int) -> None:
    for part in parse(prompt).at(step, 20):
        for chunk in tokenizer().chunks(part.items):
            assert len(chunk.tokens) <= 75
            for token in chunk.tokens:
                assert 0 <= token.start < token.end <= len(prompt)
                assert set(token.text) <= set(prompt[token.start : token.end])


def test_a_tokenizer_is_dumped_and_read_again() -> None:
    again = PromptTokenizer.read(tokenizer().dump())
    items = parse("a (cat:1.2), naïve 🐟").at(1, 1)[0].items
    assert again.chunks(items) == tokenizer().chunks(items)


def test_padding_is_the_model_s_own(tmp_path: Path) -> None:
    """SD 2.x pads with "!", and writes its marks as tables."""
    folder = tmp_path / "tokenizer"
    write_tokenizer(folder)
    (folder / "special_tokens_map.json").write_text(
        json.dumps({"pad_token": "!", "eos_token": {"content": "<|endoftext|>"}})
    )
    (chunk,) = PromptTokenizer.load(tmp_path).chunks(parse("cat").at(1, 1)[0].items)
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
