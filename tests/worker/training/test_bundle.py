"""The bundled model: whole, small enough, and the very files that its card names."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import torch
from transformers import CLIPTextModel

MODEL = Path(__file__).parents[3] / "models" / "mini"


def test_the_card_lists_the_hash_of_every_weights_file() -> None:
    card = (MODEL / "MODEL_CARD.md").read_text()
    listed = dict(re.findall(r"\| `([\w/.]+safetensors)` \| `([0-9a-f]{64})` \|", card))
    found = {
        str(path.relative_to(MODEL)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in MODEL.rglob("*.safetensors")
    }
    assert listed == found
    assert len(found) == 3


def test_at_most_24_megabytes() -> None:
    assert sum(path.stat().st_size for path in MODEL.rglob("*") if path.is_file()) <= 24_000_000


def test_the_index_names_folders_that_are_there() -> None:
    index = json.loads((MODEL / "model_index.json").read_text())
    parts = {name for name, value in index.items() if isinstance(value, list) and value[0]}
    assert parts == {"scheduler", "text_encoder", "tokenizer", "unet", "vae"}
    assert all((MODEL / part).is_dir() for part in parts)


def test_no_safety_checker_and_a_native_size_of_128() -> None:
    unet, vae = (json.loads((MODEL / part / "config.json").read_text()) for part in ("unet", "vae"))
    assert unet["sample_size"] * 2 ** (len(vae["block_out_channels"]) - 1) == 128
    assert vae["scaling_factor"] == 1.0


def test_the_text_encoder_loads_in_float32_and_tells_colours_apart() -> None:
    encoder = CLIPTextModel.from_pretrained(MODEL / "text_encoder").eval()
    assert encoder.dtype == torch.float32
    ids = torch.full((2, 77), encoder.config.eos_token_id)
    vocabulary = json.loads((MODEL / "tokenizer" / "vocab.json").read_text())
    for row, colour in enumerate(("red", "blue")):
        ids[row, :3] = torch.tensor([encoder.config.bos_token_id, vocabulary[f"{colour}</w>"], vocabulary["cat</w>"]])
    with torch.inference_mode():
        states = encoder(input_ids=ids).last_hidden_state  # (2, 77, 128)
    assert torch.isfinite(states).all()
    assert (states[0, 1] - states[1, 1]).norm() > 0.1 * states[0, 1].norm()


def test_preview_is_a_linear_map_from_eight_latents_to_three_colours() -> None:
    preview = json.loads((MODEL / "preview.json").read_text())
    assert torch.tensor(preview["weight"]).shape == (8, 3)
    assert torch.tensor(preview["bias"]).shape == (3,)
