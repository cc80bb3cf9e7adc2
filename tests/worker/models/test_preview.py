"""The small picture: the model's own map, SD's, or one fitted to the decoder."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from worker.models.preview import PreviewMap, load

CPU = torch.device("cpu")


class LinearVae:
    """A decoder that is a matrix and eightfold enlargement, so a fit can be exact."""

    dtype = torch.float32

    def __init__(self, channels: int) -> None:
        torch.manual_seed(0)
        self.config = SimpleNamespace(latent_channels=channels)
        self.matrix = torch.randn(channels, 3)

    def decode(self, latents: Tensor, return_dict: bool) -> tuple[Tensor]:
        rgb = torch.einsum("bchw,cr->brhw", latents, self.matrix) + 0.5
        return (F.interpolate(rgb, scale_factor=8),)


def test_a_latent_becomes_pixels() -> None:
    to_rgb = PreviewMap(torch.tensor([[0.5, 0.0, 0.0], [0.0, 0.5, -0.5]]), torch.tensor([0.0, 0.5, 0.5]))
    latent = torch.tensor([[[0.0, 1.0, 9.0]], [[0.0, 1.0, -9.0]]])  # (2, 1, 3)
    assert to_rgb(latent).tolist() == [[[0, 128, 128], [128, 255, 0], [255, 0, 255]]]
    assert to_rgb(latent).dtype == torch.uint8


def test_the_model_s_own_map_is_read(tmp_path: Path) -> None:
    (tmp_path / "preview.json").write_text(json.dumps({"weight": [[1, 2, 3], [4, 5, 6]], "bias": [0, 0.5, 1]}))
    vae: Any = LinearVae(2)
    to_rgb = load(tmp_path, vae, 1.0, CPU)
    assert to_rgb.weight.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert to_rgb.bias.tolist() == [0, 0.5, 1]


def test_stable_diffusion_s_map_is_known(tmp_path: Path) -> None:
    vae: Any = LinearVae(4)
    assert load(tmp_path, vae, 0.18215, CPU)(torch.zeros(4, 1, 1)).tolist() == [[[128, 128, 128]]]


def test_other_decoders_are_fitted(tmp_path: Path) -> None:
    vae: Any = LinearVae(6)
    to_rgb = load(tmp_path, vae, 0.5, CPU)
    torch.testing.assert_close(to_rgb.weight, vae.matrix / 0.5 / 2, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(to_rgb.bias, torch.full((3,), 0.75), atol=1e-4, rtol=1e-4)
