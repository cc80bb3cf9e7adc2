"""BLIP, small: a picture into words (Li et al. 2022, its image-grounded text decoder alone).

It is trained to say all that it sees, always in the same words: which synonym comes next is chance, and chance in the
loss drowns what a thing is. Its pictures are augmented, for it will be asked about generated ones. Its words are the
tokenizer's of the diffusion model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import (
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessorPil,
    BlipTextConfig,
    BlipVisionConfig,
    CLIPModel,
    CLIPTokenizer,
)

from worker.training import export, held_out
from worker.training.augment import RoundTrip, augment
from worker.training.clip import WIDTH, to_images, tokenise
from worker.training.data import Batches, drawings, mirrored, pairs_again, scene
from worker.training.loop import Schedule, Trainer, backward
from worker.training.precision import mixed
from worker.training.reading import agrees
from worker.training.sizes import Size
from worker.training.world.captions import plainly

LENGTH = 64  # tokens of the longest caption
BATCH = 32


def build(tokenizer: CLIPTokenizer, size: Size, width: int = WIDTH) -> BlipForConditionalGeneration:
    """Four layers that look, three that speak. BLIP ends a text with its `sep` token: ours is the end mark."""
    layers = {"hidden_size": width, "intermediate_size": 4 * width, "num_attention_heads": 4, "projection_dim": width}
    vision = BlipVisionConfig(
        **layers,
        num_hidden_layers=4,
        image_size=size.pixels,
        patch_size=size.patch,
        hidden_act="quick_gelu",  # as CLIP's, whose weights it may begin with
        initializer_range=0.02,  # transformers' 1e-10 never leaves zero
    )
    text = BlipTextConfig(
        **layers,
        num_hidden_layers=3,
        vocab_size=len(tokenizer),
        max_position_embeddings=LENGTH,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        sep_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    config = BlipConfig(
        text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=width, image_text_hidden_size=width
    )
    torch.manual_seed(0)
    return BlipForConditionalGeneration(config)


@torch.no_grad()
def begin_as_clip(model: BlipForConditionalGeneration, pair: CLIPModel, pictures: np.ndarray) -> None:
    """Let the captioner begin with the eyes of a CLIP pair of the same shape; the rest is learnt.

    BLIP has no LayerNorm between embedding and layers. CLIP's is folded into the embedding with one deviation for every
    position, the mean over pictures, uint8 (N, H, W, 3).
    """
    clip, blip = pair.vision_model, model.vision_model
    eyes, norm = clip.embeddings, clip.pre_layrnorm
    deviation: Tensor = eyes(to_images(pictures)).std(dim=2, correction=0).mean()
    scale = norm.weight / deviation

    def normed(vectors: Tensor) -> Tensor:  # (..., D): less their own mean, then scaled
        centred: Tensor = (vectors - vectors.mean(dim=-1, keepdim=True)) * scale
        return centred

    patches = eyes.patch_embedding.weight.permute(1, 2, 3, 0)  # (3, 16, 16, D)
    blip.embeddings.patch_embedding.weight.copy_(normed(patches).permute(3, 0, 1, 2))
    blip.embeddings.patch_embedding.bias.zero_()
    blip.embeddings.class_embedding.copy_(normed(eyes.class_embedding)[None, None])
    blip.embeddings.position_embedding.copy_(normed(eyes.position_embedding.weight)[None] + norm.bias)
    for ours, theirs in zip(blip.encoder.layers, clip.encoder.layers, strict=True):
        there = theirs.state_dict()
        ours.load_state_dict(
            {name: value for name, value in there.items() if not name.startswith("self_attn")}
            | {
                f"self_attn.qkv.{part}": torch.cat([there[f"self_attn.{each}_proj.{part}"] for each in "qkv"])
                for part in ("weight", "bias")
            }
            | {f"self_attn.projection.{part}": there[f"self_attn.out_proj.{part}"] for part in ("weight", "bias")}
        )
    blip.post_layernorm.load_state_dict(clip.post_layernorm.state_dict())


def train(
    runs: Path,
    tokenizer: CLIPTokenizer,
    minutes: float,
    size: Size,
    device: str = "cpu",
    *,
    pair: CLIPModel | None = None,
    round_trip: RoundTrip | None = None,
    begin: BlipForConditionalGeneration | None = None,
    on_save: Callable[[BlipForConditionalGeneration], None] | None = None,
) -> BlipForConditionalGeneration:
    """Train for `minutes` to give the next word of a drawing's caption (teacher forcing), the drawing augmented.

    Half of them are mirrored, and what their captions say of left and right with them.
    On from the weights of `begin`, or with the eyes of `pair`, or from random weights.
    """
    pictures = drawings(runs, size.pixels)
    model = begin.train() if begin else build(tokenizer, size, pair.config.vision_config.hidden_size if pair else WIDTH)
    if pair and not begin:
        begin_as_clip(model, pair, pictures[:256])
    trainer = Trainer(model.to(device), Schedule(minutes, peak_rate=1e-3), runs / "captioner")
    batches = Batches(pairs_again(len(pictures)), BATCH, seed=7)

    def descend(step: int) -> float:
        rng, chosen = np.random.default_rng([7, step]), np.sort(batches.indices(step))
        shown, turned = [scene(int(index)) for index in chosen], rng.random(BATCH) < 0.5
        images = to_images(pictures[chosen])  # (B, 3, H, W)
        images[turned] = images[turned].flip(3)
        images = augment(images, rng, round_trip)
        words = [plainly(mirrored(each) if turn else each) for each, turn in zip(shown, turned, strict=True)]
        with mixed(device):
            loss = loss_of(model, tokenizer, images.to(device), words)
        return backward(loss)

    trainer.run(descend, on_save=lambda: on_save(model) if on_save else None)
    return model.cpu().eval()


def loss_of(
    model: BlipForConditionalGeneration, tokenizer: CLIPTokenizer, images: Tensor, words: Sequence[str]
) -> Tensor:
    """Cross-entropy of every token after the start mark, up to the first end mark; a scalar."""
    said = {
        name: value[:, :LENGTH].to(images.device)
        for name, value in tokenise(tokenizer, list(words), whole=False).items()
    }
    labels = said["input_ids"].masked_fill(said["attention_mask"] == 0, -100)
    loss: Tensor = model(pixel_values=images, labels=labels, **said).loss
    return loss


@torch.inference_mode()
def describe(
    model: BlipForConditionalGeneration, tokenizer: CLIPTokenizer, pictures: np.ndarray, batch: int = 64
) -> list[str]:
    """The likeliest caption, word by word, of each of uint8 (N, H, W, 3), on the CPU."""
    captions: list[str] = []
    marks = torch.tensor([[tokenizer.bos_token_id, tokenizer.eos_token_id]])  # where BLIP begins by itself
    for start in range(0, len(pictures), batch):
        images = to_images(pictures[start : start + batch])
        begin = marks.repeat(len(images), 1)
        ids = model.generate(images, begin, torch.ones_like(begin), max_length=LENGTH, do_sample=False)
        captions += tokenizer.batch_decode(ids, skip_special_tokens=True)
    return captions


def image_processor(size: Size) -> BlipImageProcessorPil:
    """What makes of a picture what the captioner was taught on: -1 .. 1, the whole of it."""
    return BlipImageProcessorPil(
        size={"height": size.pixels, "width": size.pixels}, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )


def write(target: Path, model: BlipForConditionalGeneration, size: Size) -> None:
    """Save as `target/captioner`, float16 on disk, float32 in memory; its tokenizer is `target/tokenizer`."""
    export.write_part(target, "captioner", model)
    image_processor(size).save_pretrained(target / "captioner")


def accuracy(model: BlipForConditionalGeneration, tokenizer: CLIPTokenizer, size: Size, count: int = 500) -> float:
    """Share of `count` held-out drawings whose subjects, colours and place are all said, and right."""
    scenes = held_out.scenes(count)
    captions = describe(model, tokenizer, held_out.pictures(scenes, size.pixels))
    return float(np.mean([agrees(text, each) for text, each in zip(captions, scenes, strict=True)]))
