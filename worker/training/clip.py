"""CLIP, small: pictures and captions learn to find each other (Radford et al. 2021).

The text encoder goes on into the diffusion model, frozen: what it has to learn is which words change a picture, and
which belong together (`attributes`). Both together find words for pictures, and pictures for words.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

from worker.training.attributes import Attributes
from worker.training.data import COUNT, HELD_OUT, Batches, Lookalikes, drawings, pairs_among, scene
from worker.training.loop import Schedule, Trainer, backward
from worker.training.precision import mixed
from worker.training.sizes import Size
from worker.training.world.captions import caption
from worker.training.world.scenes import draw
from worker.training.world.vocabulary import Scene

WIDTH = 128
LENGTH = 77


def build(tokenizer: CLIPTokenizer, size: Size) -> CLIPModel:
    """A CLIP pair of transformers of four layers and width 128."""
    tower = {
        "hidden_size": WIDTH,
        "intermediate_size": 4 * WIDTH,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "projection_dim": WIDTH,
    }
    marks = {
        "vocab_size": len(tokenizer),
        "max_position_embeddings": LENGTH,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    config = CLIPConfig(
        text_config=tower | marks,
        vision_config=tower | {"image_size": size.pixels, "patch_size": size.patch},
        projection_dim=WIDTH,
    )
    torch.manual_seed(0)
    return CLIPModel(config)


def image_processor(size: Size) -> CLIPImageProcessorPil:
    """What makes of a picture what the image encoder was taught on: -1 .. 1, the whole of it."""
    return CLIPImageProcessorPil(
        size={"shortest_edge": size.pixels},
        crop_size={"height": size.pixels, "width": size.pixels},
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )


def to_images(pixels: np.ndarray) -> Tensor:
    """uint8 (B, H, W, 3) to float32 (B, 3, H, W) in -1 .. 1, channels last in memory."""
    images = torch.tensor(pixels).permute(0, 3, 1, 2)
    return images.to(torch.float32, memory_format=torch.channels_last) / 127.5 - 1


def tokenise(tokenizer: CLIPTokenizer, texts: list[str], *, whole: bool = True) -> dict[str, Tensor]:
    """Token ids and mask, int64 (B, 77); with `whole=False` (B, the longest text's length)."""
    encoded = tokenizer(
        texts, padding="max_length" if whole else "longest", max_length=LENGTH, truncation=True, return_tensors="pt"
    )
    return {"input_ids": encoded["input_ids"], "attention_mask": encoded["attention_mask"]}


def train(
    runs: Path,
    tokenizer: CLIPTokenizer,
    minutes: float,
    size: Size,
    device: str = "cpu",
    begin: CLIPModel | None = None,
    on_save: Callable[[CLIPModel], None] | None = None,
) -> CLIPModel:
    """Train the pair for `minutes`: symmetric cross-entropy over the pairs of a batch (CLIP, fig. 3).

    The text encoder also learns to keep in its tokens what complete captions say: of the same scenes, and of as many
    with two subjects, which say the most. From random weights, or on from those of `begin`.
    """
    model, attributes = begin.train() if begin else build(tokenizer, size), Attributes(WIDTH)
    trained = nn.ModuleDict({"pair": model, "attributes": attributes}).to(device)
    trainer = Trainer(trained, Schedule(minutes, peak_rate=1e-3), runs / "clip")
    pictures, batches = drawings(runs, size.pixels), Lookalikes(np.arange(COUNT), seed=1)
    pairs = Batches(pairs_among(COUNT), batches.size, seed=6)

    def loss_of(step: int) -> Tensor:
        chosen = batches.indices(step)
        images = to_images(pictures[chosen]).to(device)
        rng = np.random.default_rng([6, step])
        scenes = [scene(int(index)) for index in (*chosen, *pairs.indices(step))]
        words, whole = (
            {name: value.to(device) for name, value in tokenise(tokenizer, texts, whole=False).items()}
            for texts in (batches.captions(step), [caption(drawn, rng, complete=True) for drawn in scenes])
        )
        with mixed(device):
            loss: Tensor = model(pixel_values=images, return_loss=True, **words).loss
            states = model.text_model(**whole).last_hidden_state  # (128, T, 128)
            return loss + attributes.loss(states, whole["attention_mask"], scenes)

    trainer.run(lambda step: backward(loss_of(step)), on_save=lambda: on_save(model) if on_save else None)
    return model.cpu().eval()


def distinct(count: int) -> list[Scene]:
    """Held-out scenes of which no two agree in subjects, place and style."""
    found: dict[object, Scene] = {}
    index = HELD_OUT
    while len(found) < count:
        drawn = scene(index)
        found.setdefault((drawn.subjects, drawn.count, drawn.place, drawn.style), drawn)
        index += 1
    return list(found.values())


@torch.inference_mode()
def retrieval(model: CLIPModel, tokenizer: CLIPTokenizer, size: Size, count: int = 100) -> tuple[float, float]:
    """Shares of `count` held-out drawings, and of their complete captions, that score their own partner best."""
    held_out = distinct(count)
    rng = np.random.default_rng(0)
    words = tokenise(tokenizer, [caption(drawn, rng, complete=True) for drawn in held_out])
    images = to_images(np.stack([draw(drawn, size.pixels) for drawn in held_out]))
    logits = model(pixel_values=images, **words).logits_per_image  # (count, count)
    own = torch.arange(count)
    return tuple(float((logits.argmax(dim=dim) == own).float().mean()) for dim in (1, 0))  # type: ignore[return-value]
