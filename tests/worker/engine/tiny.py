"""A random model of about a million parameters, made from configs: the engine's rules hold for any weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from tests.contract.vocabulary import tokenizer
from worker.models.loader import Components, assemble

SCHEDULER = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "num_train_timesteps": 1000}


def tiny(
    *,
    prediction: str = "epsilon",
    seed: int = 0,
    channels: int = 4,
    guidance_width: int | None = None,
    **scheduler: Any,
) -> Components:
    """Random components: 4 latent channels, 8 px a latent pixel, 64 px native, cross-attention at the lower level.

    channels: that the U-Net takes, 9 for inpainting; guidance_width: of the guidance it is told, as LCM models are.
    """
    torch.manual_seed(seed)
    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=516,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            bos_token_id=514,
            eos_token_id=515,
        )
    )
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=channels,
        out_channels=4,
        block_out_channels=(32, 72),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=8,
        norm_num_groups=8,
        time_cond_proj_dim=guidance_width,
    )
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 16, 16),
        latent_channels=4,
        norm_num_groups=4,
        sample_size=64,
        scaling_factor=0.2,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
    )
    for part in (text, unet, vae):
        part.eval().requires_grad_(False)
    settings = SCHEDULER | {"prediction_type": prediction} | scheduler
    return assemble(Path("tiny"), tokenizer(), text, unet, vae, settings, sha256="0" * 64)
