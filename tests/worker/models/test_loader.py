"""Loading and describing a model folder, and refusing what this engine cannot run."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler

from tests.worker.engine.tiny import SCHEDULER, tiny
from worker.models.loader import ModelError, _alphas_cumprod, load

MINI = Path(__file__).parents[3] / "models" / "mini"
CPU = torch.device("cpu")


def edit(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(MINI, tmp_path / "copy"))


def test_the_bundled_model_is_described() -> None:
    components = load(MINI, CPU, torch.float32)
    assert (components.name, components.native_size, components.vae_scale) == ("mini", 128, 8)
    assert components.latent_channels == components.unet.config.in_channels == 8
    assert components.prediction == "v_prediction"
    assert components.unet.dtype == components.vae.dtype == torch.float32
    assert not any(p.requires_grad for p in components.unet.parameters())
    assert not components.unet.training


@torch.inference_mode()
def test_the_layout_of_channels_changes_nothing_but_rounding() -> None:
    """In float64, where rounding is nothing to see."""
    inside, outside = (load(MINI, CPU, torch.float64, channels_last=on) for on in (True, False))
    weight = inside.unet.down_blocks[0].resnets[0].conv1.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert outside.unet.down_blocks[0].resnets[0].conv1.weight.is_contiguous()
    assert (inside.channels_last, outside.channels_last) == (True, False)
    torch.manual_seed(0)
    x, latent = torch.randn(2, 8, 8, 8, dtype=torch.float64), torch.randn(1, 8, 8, 8, dtype=torch.float64)
    texts = torch.randn(2, 77, inside.text_encoder.config.hidden_size, dtype=torch.float64)
    one, other = (each.unet(x, torch.tensor([900, 30]), texts, return_dict=False)[0] for each in (inside, outside))
    torch.testing.assert_close(one, other, atol=1e-9, rtol=1e-9)
    one, other = (each.vae.decode(latent, return_dict=False)[0] for each in (inside, outside))
    torch.testing.assert_close(one, other, atol=1e-9, rtol=1e-9)


def test_the_hash_is_over_the_weights_and_nothing_else(copy: Path) -> None:
    lines = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {part}/{file.name}\n"
        for part in ("text_encoder", "unet", "vae")
        for file in (copy / part).glob("*.safetensors")
    ]
    edit(copy / "scheduler" / "scheduler_config.json", steps_offset=0)
    assert load(copy, CPU, torch.float32).sha256 == hashlib.sha256("".join(lines).encode()).hexdigest()


@pytest.mark.parametrize("kind", ["linear", "scaled_linear"])
def test_noise_levels_are_diffusers_own(kind: str) -> None:
    settings = SCHEDULER | {"beta_schedule": kind}
    torch.testing.assert_close(
        _alphas_cumprod(settings).float(), DDIMScheduler(**settings).alphas_cumprod, atol=1e-6, rtol=1e-4
    )


def test_noise_levels_with_zero_terminal_snr_are_diffusers_own_but_for_the_last() -> None:
    settings = SCHEDULER | {"rescale_betas_zero_snr": True, "prediction_type": "v_prediction"}
    found, expected = _alphas_cumprod(settings), DDIMScheduler(**settings).alphas_cumprod.double()
    torch.testing.assert_close(found[:-1], expected[:-1], atol=1e-6, rtol=1e-4)
    assert (float(expected[-1]), float(found[-1])) == (0, 2**-24)  # of 0 there is no sigma


@pytest.mark.parametrize("said", [True, False])
def test_where_ddim_ends_is_the_model_s_word(said: bool) -> None:
    assert tiny(set_alpha_to_one=said).ends_clean is said


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"prediction": "sample"}, "sample"),
        ({"beta_schedule": "squaredcos_cap_v2"}, "squaredcos_cap_v2"),
        ({"rescale_betas_zero_snr": True}, "pure noise"),
        ({"trained_betas": [0.1, 0.2]}, "not supported"),
    ],
)
def test_schedulers_it_cannot_follow_are_refused(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(ModelError, match=word):
        tiny(**changes)


def test_a_missing_part_is_named(copy: Path) -> None:
    shutil.rmtree(copy / "vae")
    with pytest.raises(ModelError, match="not a whole model"):
        load(copy, CPU, torch.float32)


def test_no_folder_at_all(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="diffusers format"):
        load(tmp_path / "nothing", CPU, torch.float32)


def test_pickled_weights_are_never_read(copy: Path) -> None:
    (weights,) = (copy / "unet").glob("*.safetensors")
    torch.save({"conv_in.weight": torch.zeros(1)}, weights.with_suffix(".bin"))
    weights.unlink()
    with pytest.raises(ModelError, match="not a whole model"):
        load(copy, CPU, torch.float32)


def test_a_half_precision_variant_is_found(copy: Path) -> None:
    for part in ("unet", "vae", "text_encoder"):
        (weights,) = (copy / part).glob("*.safetensors")
        weights.rename(weights.with_name(weights.name.replace(".safetensors", ".fp16.safetensors")))
    assert load(copy, CPU, torch.bfloat16).unet.dtype == torch.bfloat16


@pytest.mark.parametrize(("channels", "inpainting"), [(4, False), (9, True)])
def test_a_u_net_made_for_inpainting_is_known_by_its_channels(channels: int, inpainting: bool) -> None:
    components = tiny(channels=channels)
    assert (components.inpainting, components.latent_channels) == (inpainting, 4)


@pytest.mark.parametrize("channels", [3, 5, 8, 10])
def test_a_u_net_that_sees_something_else_is_refused(channels: int) -> None:
    """8: made for instructions (InstructPix2Pix); 5: for depth."""
    with pytest.raises(ModelError, match=f"takes {channels} channels.*4.*9"):
        tiny(channels=channels)
