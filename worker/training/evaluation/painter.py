"""Pictures from the bundled model with diffusers' own parts, in batches, and kept, so that a cut run goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from worker.training.clip import to_images, tokenise

BATCH = 32
STEPS = 20


@dataclass(frozen=True)
class Wishes:
    """Pictures asked for: row i with seed i. Where there is a start, all but `strength` of the way is gone already.

    start: uint8 (N, H, W, 3); masks: bool (N, H, W), true where it is to be painted anew, the rest stays as it is.
    """

    prompts: Sequence[str]
    guidance: float
    negatives: Sequence[str] = ()
    start: np.ndarray | None = field(default=None, repr=False)
    masks: np.ndarray | None = field(default=None, repr=False)
    strength: float = 1.0
    first_seed: int = 0

    def part(self, begin: int, end: int) -> Wishes:
        """Rows `begin` to `end` alone, with the seeds that they have among all."""
        return Wishes(
            self.prompts[begin:end],
            self.guidance,
            self.negatives[begin:end],
            None if self.start is None else self.start[begin:end],
            None if self.masks is None else self.masks[begin:end],
            self.strength,
            self.first_seed + begin,
        )

    def key(self) -> str:
        """A short name for exactly these wishes."""
        words = repr((list(self.prompts), list(self.negatives), self.guidance, self.strength, self.first_seed, STEPS))
        digest = hashlib.sha256(words.encode())
        for pixels in (self.start, self.masks):
            digest.update(b"" if pixels is None else np.ascontiguousarray(pixels).tobytes())
        return digest.hexdigest()[:16]


class Painter:
    """Tokenizer, text encoder, U-Net, autoencoder and DDIM scheduler of a diffusers folder, float32 on the CPU."""

    def __init__(self, model: Path) -> None:
        self.tokenizer = CLIPTokenizer.from_pretrained(model / "tokenizer")
        self.text_encoder = CLIPTextModel.from_pretrained(model / "text_encoder", dtype=torch.float32).eval()
        self.unet = UNet2DConditionModel.from_pretrained(model / "unet", torch_dtype=torch.float32).eval()
        self.unet.to(memory_format=torch.channels_last)
        self.vae = AutoencoderKL.from_pretrained(model / "vae", torch_dtype=torch.float32).eval()
        self.scheduler = DDIMScheduler.from_pretrained(model / "scheduler")
        self.size: int = self.unet.config.sample_size * 2 ** (len(self.vae.config.block_out_channels) - 1)

    @torch.inference_mode()
    def paint(self, wishes: Wishes) -> np.ndarray:
        """One batch: DDIM (Song et al. 2021) with classifier-free guidance, uint8 (N, H, W, 3)."""
        rows, shape = range(len(wishes.prompts)), (self.unet.config.in_channels, *[self.unet.config.sample_size] * 2)
        noise = torch.stack([torch.randn(shape, generator=_seeded(wishes.first_seed + row)) for row in rows])
        known = None if wishes.start is None else self.encode(wishes.start)
        self.scheduler.set_timesteps(STEPS)
        ways = self.scheduler.timesteps[STEPS - round(STEPS * wishes.strength) :]
        latents = noise if known is None or wishes.strength == 1 else self.scheduler.add_noise(known, noise, ways[:1])
        hole = None if wishes.masks is None else self._at_latents(wishes.masks)
        guess = self._guide(wishes)
        for index, step in enumerate(ways):
            latents = self.scheduler.step(guess(latents, step), step, latents).prev_sample
            if hole is not None and known is not None:
                last = index + 1 == len(ways)
                kept = known if last else self.scheduler.add_noise(known, noise, ways[index + 1 : index + 2])
                latents = hole * latents + (1 - hole) * kept
        made = self.decode(latents)
        if wishes.masks is not None and wishes.start is not None:  # as the studio lays its picture back
            made = np.where(wishes.masks[..., None], made, wishes.start)
        return made

    def encode(self, pictures: np.ndarray) -> Tensor:
        """uint8 (N, H, W, 3) to latents (N, C, h, w), their means."""
        latents: Tensor = self.vae.encode(to_images(pictures)).latent_dist.mean * self.vae.config.scaling_factor
        return latents

    def decode(self, latents: Tensor) -> np.ndarray:
        """Latents to uint8 (N, H, W, 3)."""
        images: Tensor = self.vae.decode(latents / self.vae.config.scaling_factor).sample
        return ((images / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()

    def _guide(self, wishes: Wishes) -> Callable[[Tensor, Tensor], Tensor]:
        """The U-Net's answer, led away from the negative prompts (Ho and Salimans 2022); without, where it is 1."""
        asked = self._read(wishes.prompts)
        if wishes.guidance == 1:
            return lambda latents, step: self.unet(latents, step, asked).sample
        both = torch.cat([self._read(wishes.negatives or [""] * len(wishes.prompts)), asked])

        def guess(latents: Tensor, step: Tensor) -> Tensor:
            away, towards = self.unet(torch.cat([latents, latents]), step, both).sample.chunk(2)
            led: Tensor = away + wishes.guidance * (towards - away)
            return led

        return guess

    def _read(self, texts: Sequence[str]) -> Tensor:
        states: Tensor = self.text_encoder(input_ids=tokenise(self.tokenizer, list(texts))["input_ids"])[0]
        return states  # (N, 77, D)

    def _at_latents(self, masks: np.ndarray) -> Tensor:
        """Where any pixel is to be painted anew, float32 (N, 1, h, w)."""
        scale = self.size // self.unet.config.sample_size
        return F.max_pool2d(torch.from_numpy(masks).float()[:, None], scale)


class Gallery:
    """Pictures painted once: a file for each batch, under a folder named for the weights that painted them."""

    def __init__(self, painter: Painter, folder: Path) -> None:
        self.painter, self.folder = painter, folder

    def pictures(self, name: str, wishes: Wishes) -> np.ndarray:
        """All that is wished for, uint8 (N, H, W, 3)."""
        count = len(wishes.prompts)
        return np.concatenate(
            [self._batch(name, wishes.part(start, min(start + BATCH, count))) for start in range(0, count, BATCH)]
        )

    def _batch(self, name: str, wishes: Wishes) -> np.ndarray:
        path = self.folder / name / f"{wishes.first_seed:05}-{wishes.key()}.npy"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.with_suffix(".part").open("wb") as file:
                np.save(file, self.painter.paint(wishes))
            path.with_suffix(".part").rename(path)
        pictures: np.ndarray = np.load(path)
        return pictures


def fingerprint(model: Path) -> str:
    """A short name for the weights that paint, so that new ones do not find the old ones' pictures."""
    digest = hashlib.sha256()
    for part in ("text_encoder", "unet", "vae"):
        for path in sorted((model / part).glob("*.safetensors")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
