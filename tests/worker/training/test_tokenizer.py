"""The bundled tokenizer: common words are one token, and any text at all encodes and comes back."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTokenizer

from worker.training.prompts import PROMPTS
from worker.training.tokenizer import learn_merges
from worker.training.world.vocabulary import COLOURS

FOLDER = Path(__file__).parents[3] / "models" / "mini" / "tokenizer"
FAST = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
START, END = FAST.token_to_id("<|startoftext|>"), FAST.token_to_id("<|endoftext|>")


def byte_of() -> dict[str, int]:
    """GPT-2's table from printable characters back to bytes, from its own definition."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    table = {chr(byte): byte for byte in plain} | {chr(256 + i): byte for i, byte in enumerate(rest)}
    assert set(table) == set(ByteLevel.alphabet())
    return table


def is_written(character: str) -> bool:
    """Not white space to Unicode; Python's `isspace` counts four separators more."""
    return not character.isspace() or "\x1c" <= character <= "\x1f"


def decoded(tokens: list[str]) -> str:
    """The text without its spaces, from the tokens' bytes."""
    characters = "".join(tokens).replace("</w>", "")
    table = byte_of()
    return bytes(table[character] for character in characters).decode()


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_text_comes_back(text: str) -> None:
    encoded = FAST.encode(text)
    assert encoded.ids[0] == START
    assert encoded.ids[-1] == END
    expected = FAST.normalizer.normalize_str(text)
    if "<|" not in expected:
        assert decoded(encoded.tokens[1:-1]) == "".join(filter(is_written, expected))


@pytest.mark.parametrize("text", ["Größe 猫 🐈 żółw", "مرحبا", "नमस्ते", "\x07\x00 odd", "a" * 500])
def test_every_language_encodes_without_unknowns(text: str) -> None:
    encoded = FAST.encode(text)
    assert END not in encoded.ids[1:-1]
    assert START not in encoded.ids[1:-1]


def test_colours_and_the_bars_prompts_are_one_token_a_word() -> None:
    for text in (*COLOURS, *PROMPTS):
        assert len(FAST.encode(text).ids) == len(re.findall(r"\w+|,", text)) + 2, text


def test_transformers_and_tokenizers_agree() -> None:
    slow = CLIPTokenizer.from_pretrained(FOLDER)
    for text in (*PROMPTS, "xylophones, 3 of them!", "ÀÉÎ 日本"):
        assert slow(text)["input_ids"] == FAST.encode(text).ids
    assert slow.model_max_length == 77


def test_merges_by_hand() -> None:
    """Sennrich et al.'s own example: low lower newest widest."""
    words = Counter({("l", "o", "w</w>"): 5, ("l", "o", "w", "e", "r</w>"): 2,
                     ("n", "e", "w", "e", "s", "t</w>"): 6, ("w", "i", "d", "e", "s", "t</w>"): 3})  # fmt: skip
    assert learn_merges(words, 3) == [("e", "s"), ("es", "t</w>"), ("l", "o")]
