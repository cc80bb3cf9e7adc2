"""From latents to a small picture by one matrix: fast enough for every step, good enough to watch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

# Fitted to SD 1.x latents by K. Turner, "Decoding latents to RGB without upscaling" (2022); RGB from -1 to 1.
_SD1 = [[0.298, 0.207, 0.208], [0.187, 0.286, 0.173], [-0.158, 0.189, 0.264], [-0.184, -0.271, -0.473]]


@dataclass(frozen=True)
class PreviewMap:
    """RGB from 0 to 1 = latent @ weight + bias, one pixel per latent pixel."""

    weight: Tensor  # (C, 3)
    bias: Tensor  # (3,)

    def __call__(self, latent: Tensor) -> Tensor:
        """Scaled latents (C, h, w) → uint8 (h, w, 3)."""
        rgb = torch.einsum("chw,cr->hwr", latent, self.weight) + self.bias
        return (rgb.clamp(0, 1) * 255).round().to(torch.uint8)


def load(model: Path, vae: Any, scaling: float, device: torch.device) -> PreviewMap:
    """The model's own `preview.json`, else the known map of SD's four channels, else one fitted here."""
    file = model / "preview.json"
    channels = vae.config.latent_channels
    if file.exists():
        fitted = json.loads(file.read_text("utf-8"))
        weight, bias = torch.tensor(fitted["weight"]), torch.tensor(fitted["bias"])
    elif channels == len(_SD1):
        weight, bias = torch.tensor(_SD1) / 2, torch.full((3,), 0.5)
    else:
        weight, bias = _fit(vae, channels, scaling, device)
    return PreviewMap(weight.float().to(device), bias.float().to(device))


@torch.inference_mode()
def _fit(vae: Any, channels: int, scaling: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Least squares between smooth random latents and what the decoder makes of them, pixel by pixel."""
    rng = torch.Generator("cpu").manual_seed(0)
    coarse = torch.randn((8, channels, 4, 4), generator=rng)
    latents = F.interpolate(coarse, size=(16, 16), mode="bilinear")  # (8, C, 16, 16)
    pictures = vae.decode((latents / scaling).to(device, vae.dtype), return_dict=False)[0].float().cpu()
    targets = (F.adaptive_avg_pool2d(pictures, 16) / 2 + 0.5).movedim(1, -1).reshape(-1, 3)
    inputs = F.pad(latents.movedim(1, -1).reshape(-1, channels), (0, 1), value=1.0)
    solution = torch.linalg.lstsq(inputs, targets).solution  # (C + 1, 3)
    return solution[:-1], solution[-1]
