"""The bundled model: whole, small enough, and the very files that its card names."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import torch
from transformers import (
    BlipForConditionalGeneration,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPTextModel,
    CLIPTokenizer,
)

from worker.training import classifier
from worker.training.captioner import describe
from worker.training.classifier import look
from worker.training.prompts import PROOF
from worker.training.stages import Studio
from worker.training.world.captions import NOUNS
from worker.training.world.scenes import PLACES_OF, draw
from worker.training.world.vocabulary import SUBJECTS, Scene, Subject

MODEL = Path(__file__).parents[3] / "models" / "mini"


def test_the_card_lists_the_hash_of_every_weights_file() -> None:
    card = (MODEL / "MODEL_CARD.md").read_text()
    listed = dict(re.findall(r"\| `([\w/.]+safetensors)` \| `([0-9a-f]{64})` \|", card))
    found = {
        str(path.relative_to(MODEL)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in MODEL.rglob("*.safetensors")
    }
    assert listed == found
    assert {Path(name).parent.name for name in found} == {"captioner", "clip", "text_encoder", "unet", "vae"}


def test_at_most_40_megabytes() -> None:
    assert sum(path.stat().st_size for path in MODEL.rglob("*") if path.is_file()) <= 40_000_000


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


def test_clip_and_the_text_encoder_are_one() -> None:
    pair, alone = CLIPModel.from_pretrained(MODEL / "clip"), CLIPTextModel.from_pretrained(MODEL / "text_encoder")
    assert pair.dtype == torch.float32
    ids = torch.tensor([[alone.config.bos_token_id, 300, 301, alone.config.eos_token_id]])
    with torch.inference_mode():
        expected = alone(input_ids=ids).pooler_output @ pair.text_projection.weight.T
        found = pair.get_text_features(input_ids=ids).pooler_output
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_clip_tells_subjects_of_drawings() -> None:
    """Of all subjects' names the drawn one's is most alike, for more than half of 240 drawings; chance is 1 of 24.

    Three words leave open what it was taught to compare, place, time and style; with whole captions see the card.
    """
    pair = CLIPModel.from_pretrained(MODEL / "clip").eval()
    words = CLIPTokenizer.from_pretrained(MODEL / "tokenizer")
    processor = CLIPImageProcessorPil.from_pretrained(MODEL / "clip")
    places = {kind: PLACES_OF[kind][0] for kind in SUBJECTS}
    scenes = [Scene((Subject(kind, "red"),), places[kind], "day", "flat", i) for i in range(1, 11) for kind in SUBJECTS]
    pixels = processor(images=[draw(scene) for scene in scenes], return_tensors="pt")["pixel_values"]
    texts = words([f"a red {kind}" for kind in SUBJECTS], padding=True, return_tensors="pt")
    with torch.inference_mode():
        logits = pair(pixel_values=pixels, **texts).logits_per_image  # (240, 24)
    assert (logits.argmax(dim=1) == torch.arange(len(SUBJECTS)).repeat(10)).float().mean() > 0.5


def test_the_captioner_says_what_a_drawing_shows() -> None:
    model = BlipForConditionalGeneration.from_pretrained(MODEL / "captioner").eval()
    assert model.dtype == torch.float32
    words = CLIPTokenizer.from_pretrained(MODEL / "tokenizer")
    scenes = [Scene((Subject(kind, "red"),), PLACES_OF[kind][0], "day", "flat", 5) for kind in SUBJECTS]
    said = describe(model, words, np.stack([draw(scene) for scene in scenes]))
    named = [any(noun in text.split() for noun in NOUNS[kind]) for kind, text in zip(SUBJECTS, said, strict=True)]
    assert np.mean(named) > 0.7, said
    assert np.mean(["red" in text.split() for text in said]) > 0.7, said


def test_four_prompts_pass_the_classifier() -> None:
    """Whole pictures, by diffusers' pipeline, judged by a network that no part of the model ever saw."""
    studio = Studio(Path("runs"), MODEL)
    pictures = (studio.paint([prompt for prompt, _, _ in PROOF]) * 255).round().astype(np.uint8)
    seen = look(classifier.load(MODEL.parent / "judge"), pictures)
    assert [(found.kind, found.place) for found in seen] == [(kind, place) for _, kind, place in PROOF]


def test_preview_is_a_linear_map_from_eight_latents_to_three_colours() -> None:
    preview = json.loads((MODEL / "preview.json").read_text())
    assert torch.tensor(preview["weight"]).shape == (8, 3)
    assert torch.tensor(preview["bias"]).shape == (3,)
