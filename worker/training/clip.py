"""CLIP, small: pictures and captions learn to find each other (Radford et al. 2021).

Only the text encoder goes on into the diffusion model, frozen. What it has to learn is which words change a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

from worker.training.data import Batches, Lookalikes, drawings
from worker.training.loop import Schedule, Trainer, backward

WIDTH = 128
LENGTH = 77


def build(tokenizer: CLIPTokenizer) -> CLIPModel:
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
        vision_config=tower | {"image_size": 128, "patch_size": 16},
        projection_dim=WIDTH,
    )
    torch.manual_seed(0)
    return CLIPModel(config)


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
    runs: Path, tokenizer: CLIPTokenizer, minutes: float, on_save: Callable[[CLIPModel], None] | None = None
) -> CLIPModel:
    """Train the pair for `minutes`: symmetric cross-entropy over the pairs of a batch (CLIP, fig. 3)."""
    model = build(tokenizer)
    trainer = Trainer(model, Schedule(minutes, peak_rate=1e-3), runs / "clip")
    pictures, batches = drawings(runs), Lookalikes(np.arange(len(drawings(runs))), seed=1)

    def loss_of(step: int) -> Tensor:
        images = to_images(pictures[np.sort(batches.indices(step))])
        words = [text for _, text in sorted(zip(batches.indices(step), batches.captions(step), strict=True))]
        found = model(pixel_values=images, return_loss=True, **tokenise(tokenizer, words, whole=False))
        loss: Tensor = found.loss
        return loss

    trainer.run(lambda step: backward(loss_of(step)), on_save=lambda: on_save(model) if on_save else None)
    return model.eval()


@torch.inference_mode()
def retrieval(model: CLIPModel, tokenizer: CLIPTokenizer, runs: Path, count: int = 64) -> float:
    """Share of `count` pictures whose own caption scores best among all `count`."""
    batch = Batches(np.arange(len(drawings(runs))), count, seed=99)
    images = to_images(drawings(runs)[batch.indices(0)])
    logits = model(pixel_values=images, **tokenise(tokenizer, batch.captions(0))).logits_per_image  # (count, count)
    return float((logits.argmax(dim=1) == torch.arange(count)).float().mean())
