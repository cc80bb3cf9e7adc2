"""Writing the diffusers folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file

from worker.training.export import fit_preview, write_part
from worker.training.sizes import SIZES
from worker.training.vae import build


def test_a_part_is_written_in_half_the_bytes_and_read_in_float32(tmp_path: Path) -> None:
    model = build(SIZES["small"]).to(memory_format=torch.channels_last)
    write_part(tmp_path / "mini", "vae", model)
    assert {value.dtype for value in load_file(tmp_path / "mini/vae/diffusion_pytorch_model.safetensors").values()} == {
        torch.float16
    }
    back = AutoencoderKL.from_pretrained(tmp_path / "mini" / "vae")
    for name, value in model.state_dict().items():
        torch.testing.assert_close(back.state_dict()[name], value, atol=4e-3, rtol=1e-3)  # float16 has 11 bits
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert [path.name for path in tmp_path.iterdir()] == ["mini"]


def test_the_preview_finds_a_map_that_is_linear() -> None:
    rng = np.random.default_rng(0)
    weight, bias = rng.uniform(-0.05, 0.05, (8, 3)), np.array([0.4, 0.5, 0.6])
    latents = rng.uniform(-1, 1, (4, 8, 16, 16))
    small = np.einsum("nchw,co->nhwo", latents, weight) + bias  # (4, 16, 16, 3)
    pictures = (small.repeat(8, axis=1).repeat(8, axis=2) * 255).round().astype(np.uint8)
    found = fit_preview(torch.from_numpy(latents), pictures)
    np.testing.assert_allclose(found["weight"], weight, atol=5e-4)  # the pictures have 8 bits
    np.testing.assert_allclose(found["bias"], bias, atol=5e-4)
