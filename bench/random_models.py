"""Models of known sizes with random weights, made from configs alone: nothing is downloaded, and time is all they give.

SDXL's U-Net is here without its embedding of pooled text and sizes (5.2 of 2,567 million parameters, less than a
ten-thousandth of its work), which this engine does not have yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from contract.chunks import PromptTokenizer
from worker.models.loader import Components, assemble

MINI = Path(__file__).parents[1] / "models" / "mini"  # lends its tokenizer
SCHEDULER = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "num_train_timesteps": 1000}
Size = Literal["tiny", "sd15", "sdxl"]


@dataclass(frozen=True)
class Configs:
    """Of diffusers' UNet2DConditionModel and AutoencoderKL and of transformers' CLIPTextModel."""

    unet: dict[str, Any]
    vae: dict[str, Any]
    text: dict[str, Any] = field(default_factory=dict)


def _vae(*widths: int, layers: int = 2, groups: int = 32) -> dict[str, Any]:
    return {
        "block_out_channels": widths, "layers_per_block": layers, "latent_channels": 4, "norm_num_groups": groups,
        "down_block_types": ("DownEncoderBlock2D",) * len(widths),
        "up_block_types": ("UpDecoderBlock2D",) * len(widths),
    }  # fmt: skip


def _text(width: int, layers: int, heads: int) -> dict[str, Any]:
    return {
        "hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": layers,
        "num_attention_heads": heads, "vocab_size": 49408,
    }  # fmt: skip


CONFIGS: dict[Size, Configs] = {
    "tiny": Configs(
        unet={
            "sample_size": 8, "block_out_channels": (32, 64), "layers_per_block": 1, "norm_num_groups": 8,
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
            "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
            "cross_attention_dim": 32, "attention_head_dim": 8,
        },
        vae=_vae(8, 8, 16, 16, layers=1, groups=4),
        text=_text(32, 2, 2),
    ),
    "sd15": Configs(  # Rombach et al. 2022; runwayml/stable-diffusion-v1-5, unet/config.json
        unet={"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8},  # the rest is diffusers' default
        vae=_vae(128, 256, 512, 512),
        text=_text(768, 12, 12),
    ),
    "sdxl": Configs(  # Podell et al. 2023; stabilityai/stable-diffusion-xl-base-1.0, unet/config.json
        unet={
            "sample_size": 128, "block_out_channels": (320, 640, 1280), "transformer_layers_per_block": [1, 2, 10],
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            "attention_head_dim": [5, 10, 20], "cross_attention_dim": 2048, "use_linear_projection": True,
        },
        vae=_vae(128, 256, 512, 512),
        text=_text(2048, 2, 16),  # of the width of its two encoders together; text is encoded once a prompt
    ),
}  # fmt: skip


@contextmanager
def made_as(device: torch.device | str, dtype: torch.dtype) -> Iterator[None]:
    """Modules made meanwhile are on this device and of this dtype from the start."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            yield
    finally:
        torch.set_default_dtype(before)


def unet(size: Size) -> Any:
    return UNet2DConditionModel(**CONFIGS[size].unet)


def vae(size: Size) -> Any:
    return AutoencoderKL(**CONFIGS[size].vae)


def build(size: Size, device: torch.device, dtype: torch.dtype, seed: int = 0) -> Components:
    """The whole model, its weights drawn from `seed` on its device; epsilon prediction."""
    torch.manual_seed(seed)
    with made_as(device, dtype):
        parts = CLIPTextModel(CLIPTextConfig(**CONFIGS[size].text)), unet(size), vae(size)
    for part in parts:
        part.to(device, dtype).eval().requires_grad_(False)
    return assemble(Path(f"random-{size}"), PromptTokenizer.load(MINI), *parts, SCHEDULER, sha256="0" * 64)
