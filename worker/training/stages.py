"""The stages of the training: each reads what the one before it left in `runs`, and writes its part of the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import CLIPModel, CLIPTextModel, CLIPTokenizer

from worker.training import card, clip, denoiser, export, tokenizer, vae
from worker.training.data import drawings
from worker.training.prompts import GUIDANCE, PROMPTS, STEPS

ENCODED = 20_000  # drawings whose latents the U-Net learns


@dataclass(frozen=True)
class Studio:
    """`runs` keeps checkpoints and caches, `model` is the folder in diffusers format that grows."""

    runs: Path
    model: Path

    def tokenizer(self) -> None:
        export.write_index(self.model)
        export.write_json(self.model / "recommended.json", {"guidance": GUIDANCE})
        export.write_part(self.model, "scheduler", export.scheduler())
        export.write_part(self.model, "tokenizer", tokenizer.build())

    def clip(self, minutes: float) -> None:
        words = self._tokenizer()
        pair = clip.train(self.runs, words, minutes, on_save=self._export_text_encoder)
        self._export_text_encoder(pair)
        self._report(f"clip: {clip.retrieval(pair, words, self.runs):.1%} of 64 pictures find their own caption")

    def vae(self, minutes: float) -> None:
        """Train, normalise the latents, and keep those of the first drawings for the U-Net."""
        model = vae.train(self.runs, minutes)
        pictures = drawings(self.runs)[:ENCODED]
        latents = vae.encode_all(model, pictures)
        mean, std = latents.mean(dim=(0, 2, 3)), latents.std(dim=(0, 2, 3))
        vae.fold_normalisation(model, mean, std)
        latents = ((latents - mean[:, None, None]) / std[:, None, None]).half()
        save_file({"latents": latents}, self.runs / "latents.safetensors")
        self._export_vae(model)
        export.write_json(self.model / "preview.json", export.fit_preview(latents[:1000], pictures[:1000]))

    def denoiser(self, minutes: float) -> None:
        encoder = CLIPTextModel.from_pretrained(self.model / "text_encoder", dtype=torch.float32).eval()
        latents: Tensor = load_file(self.runs / "latents.safetensors")["latents"]
        unet = denoiser.train(self.runs, latents, encoder, self._tokenizer(), minutes, on_save=self._export_unet)
        self._export_unet(unet)

    def grid(self) -> None:
        """The sixteen pictures of the bar, made by diffusers' own pipeline, in one PNG of 4 × 4."""
        pipeline = StableDiffusionPipeline.from_pretrained(self.model, safety_checker=None)
        pipeline.set_progress_bar_config(disable=True)
        seeds = [torch.Generator().manual_seed(seed) for seed in range(len(PROMPTS))]
        pictures = pipeline(
            list(PROMPTS), num_inference_steps=STEPS, guidance_scale=GUIDANCE, generator=seeds, output_type="np"
        ).images  # (16, 128, 128, 3) in 0 .. 1
        rows = [np.concatenate(list(pictures[start : start + 4]), axis=1) for start in range(0, len(PROMPTS), 4)]
        sheet = (np.concatenate(rows) * 255).round().astype(np.uint8)
        Image.fromarray(sheet).save(self.model / "grid.png", optimize=True)

    def card(self) -> None:
        card.draw_losses(self.runs, self.model / "losses.png")
        card.write(self.runs, self.model)

    def _tokenizer(self) -> CLIPTokenizer:
        return CLIPTokenizer.from_pretrained(self.model / "tokenizer")

    def _export_text_encoder(self, pair: CLIPModel) -> None:
        encoder = CLIPTextModel(pair.config.text_config)
        encoder.load_state_dict(_text_weights(pair, encoder))
        export.write_part(self.model, "text_encoder", encoder)

    def _export_vae(self, model: AutoencoderKL) -> None:
        export.write_part(self.model, "vae", model)
        self._report(f"vae: {vae.psnr(model, drawings(self.runs)[-128:]):.2f} dB on training drawings")

    def _export_unet(self, unet: nn.Module) -> None:
        export.write_part(self.model, "unet", unet)
        self.grid()

    def _report(self, line: str) -> None:
        with (self.runs / "report.txt").open("a") as file:
            file.write(line + "\n")


def _text_weights(pair: CLIPModel, encoder: CLIPTextModel) -> dict[str, Tensor]:
    """The text tower's weights under the names that CLIPTextModel gives them."""
    inside = {name.removeprefix("text_model."): value for name, value in pair.text_model.state_dict().items()}
    return {name: inside[name.removeprefix("text_model.")] for name in encoder.state_dict()}
