"""Our chunks and vectors against transformers' own tokenizer and encoder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from contract.prompt import parse
from worker.models.loader import Components, load
from worker.text.encode import TextEncoder, repeat, states

MINI = Path(__file__).parents[3] / "models" / "mini"


@pytest.fixture(scope="module")
def components() -> Components:
    return load(MINI, torch.device("cpu"), torch.float32)


def encode(components: Components, prompt: str, clip_skip: int = 0) -> Tensor:
    return TextEncoder(components).encode(parse(prompt).at(1, 20)[0].items, clip_skip)


@pytest.mark.parametrize("prompt", ["", "a black cat on a beach at sunset", "Ein blauer Fisch – 青い魚 🐟"])
def test_one_chunk_is_what_transformers_gives(components: Components, prompt: str) -> None:
    tokenizer = CLIPTokenizer.from_pretrained(str(MINI / "tokenizer"))
    encoder = CLIPTextModel.from_pretrained(str(MINI / "text_encoder"), dtype=torch.float32)
    ids = tokenizer(prompt, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids
    with torch.inference_mode():
        ours = encode(components, prompt)
        theirs = encoder(ids).last_hidden_state
    assert ours.shape == (1, 77, encoder.config.hidden_size)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-6)


def test_long_prompts_are_encoded_chunk_by_chunk(components: Components) -> None:
    with torch.inference_mode():
        long = encode(components, "cat " * 75 + "dog")
        first, second = encode(components, "cat " * 75), encode(components, "dog")
    assert torch.equal(long, torch.cat([first, second]))


def test_repeat_goes_round() -> None:
    chunks = torch.arange(2 * 77 * 3).view(2, 77, 3)
    rounds = repeat(chunks, 6)
    assert rounds.shape == (6 * 77, 3)
    assert torch.equal(rounds[4 * 77 : 5 * 77], chunks[0])
    assert torch.equal(rounds[5 * 77 :], chunks[1])


@pytest.mark.parametrize("clip_skip", [1, 2])
def test_clip_skip_leaves_out_layers_as_diffusers_does(components: Components, clip_skip: int) -> None:
    """`StableDiffusionPipeline.encode_prompt`: the hidden states before the layers left out, through the last norm."""
    encoder = components.text_encoder
    inner = getattr(encoder, "text_model", encoder)
    (chunk,) = components.tokenizer.chunks(parse("a cat").at(1, 1)[0].items)
    layers = inner.encoder.layers
    with torch.inference_mode():
        ours = states(components, chunk.ids, clip_skip)
        inner.encoder.layers = layers[: len(layers) - clip_skip]  # a shorter encoder, for real
        theirs = encoder(torch.tensor([chunk.ids])).last_hidden_state[0]
        inner.encoder.layers = layers
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-6)


def test_weights_multiply_the_states_of_their_tokens(components: Components) -> None:
    with torch.inference_mode():
        plain, weighted = encode(components, "a black cat")[0], encode(components, "a (black:1.5) [cat]")[0]
    factors = (weighted / plain).mean(dim=1)
    expected = torch.tensor([1, 1, 1.5, 1 / 1.1, *[1] * 73])
    torch.testing.assert_close(factors, expected, atol=1e-5, rtol=1e-5)
