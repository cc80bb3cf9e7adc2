"""The captioner: BLIP's marks are the tokenizer's, CLIP's eyes fit, and its folder loads; captions are read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import BlipForConditionalGeneration, BlipImageProcessorPil, CLIPConfig, CLIPModel, CLIPTokenizer

from worker.training.captioner import begin_as_clip, build, describe, loss_of, write
from worker.training.clip import to_images
from worker.training.data import scene
from worker.training.loop import backward
from worker.training.reading import Said, agrees, read
from worker.training.sizes import SIZES
from worker.training.world.captions import caption
from worker.training.world.scenes import draw

TOKENIZER = Path(__file__).parents[3] / "models" / "mini" / "tokenizer"


@pytest.fixture(scope="module")
def tokenizer() -> CLIPTokenizer:
    return CLIPTokenizer.from_pretrained(TOKENIZER)


def test_it_learns_two_drawings_by_heart_and_its_folder_speaks(tokenizer: CLIPTokenizer, tmp_path: Path) -> None:
    pictures = np.stack([draw(scene(index)) for index in (0, 1)])
    words = ["a red boat on the sea", "a white dog in the snow at night"]
    model = build(tokenizer, SIZES["small"], width=64)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(40):
        optimizer.zero_grad()
        backward(loss_of(model, tokenizer, to_images(pictures), words))
        optimizer.step()
    write(tmp_path, model, SIZES["small"])
    loaded = BlipForConditionalGeneration.from_pretrained(tmp_path / "captioner").eval()
    assert loaded.dtype == torch.float32
    assert describe(loaded, tokenizer, pictures) == words
    processor = BlipImageProcessorPil.from_pretrained(tmp_path / "captioner")
    made = processor(Image.fromarray(pictures[0]), return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(made, to_images(pictures[:1]), atol=1e-5, rtol=0)


def test_the_loss_counts_every_token_up_to_the_first_end_mark(tokenizer: CLIPTokenizer) -> None:
    """Mean over the batch's tokens after the start mark; padding, which is the end mark again, is not counted."""
    model = build(tokenizer, SIZES["small"], width=64).eval()
    images = to_images(np.stack([draw(scene(index)) for index in (0, 1)]))
    texts = ["a red boat on the sea", "a dog"]
    together = loss_of(model, tokenizer, images, texts)
    alone = [loss_of(model, tokenizer, images[i : i + 1], texts[i : i + 1]) for i in (0, 1)]
    lengths = [len(tokenizer(text)["input_ids"]) - 1 for text in texts]
    expected = sum(loss * length for loss, length in zip(alone, lengths, strict=True)) / sum(lengths)
    torch.testing.assert_close(together, expected, atol=1e-5, rtol=0)


def test_it_sees_what_clip_sees_where_one_deviation_serves_all(tokenizer: CLIPTokenizer) -> None:
    """With one picture of one colour and equal positions every patch has the same deviation: the fold is exact."""
    tower = {"hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4}
    config = CLIPConfig(
        text_config=tower | {"vocab_size": 8}, vision_config=tower | {"image_size": 128, "patch_size": 16}
    )
    torch.manual_seed(1)
    pair, model = CLIPModel(config).eval(), build(tokenizer, SIZES["small"], width=64).eval()
    eyes = pair.vision_model.embeddings
    with torch.no_grad():
        eyes.position_embedding.weight.copy_(eyes.position_embedding.weight[:1].expand(65, -1))
        for parameter in pair.vision_model.pre_layrnorm.parameters():
            parameter.uniform_(0.5, 1.5)
        picture = np.full((1, 128, 128, 3), 90, np.uint8)
        patch = eyes.patch_embedding(to_images(picture))[0, :, 0, 0]
        eyes.class_embedding.copy_(patch)  # the class token deviates as the patches do
        begin_as_clip(model, pair, picture)
        theirs = pair.vision_model(pixel_values=to_images(picture)).last_hidden_state
        ours = model.vision_model(pixel_values=to_images(picture)).last_hidden_state
    torch.testing.assert_close(ours, pair.vision_model.post_layernorm(theirs), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a red cat with green eyes on a beach", Said({"cat": "red"}, "beach")),
        ("three grey palm trees in the desert", Said({"palm tree": "gray"}, "desert")),
        ("a hot air balloon , sky", Said({"balloon": ""}, "sky")),
        ("a blue dog to the left of a bench in the snow", Said({"dog": "blue", "bench": ""}, "snow")),
        ("an orange fish in the sea, watercolor", Said({"fish": "orange"}, "sea")),
        ("two people", Said({"person": ""}, "")),
    ],
)
def test_captions_read_by_hand(text: str, said: Said) -> None:
    assert read(text) == said


def test_complete_captions_read_back_to_their_scenes() -> None:
    rng = np.random.default_rng(0)
    scenes = [
        each
        for each in map(scene, range(400))
        if len({subject.kind for subject in each.subjects}) == len(each.subjects)
    ]
    wrong = [text for each in scenes if not agrees(text := caption(each, rng, complete=True), each)]
    assert wrong == []
