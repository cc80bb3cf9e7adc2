"""A model folder in diffusers format, loaded and described: `Components`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel

from contract.chunks import PromptTokenizer
from worker.models import preview
from worker.models.intake import check_folder
from worker.models.preview import PreviewMap

Prediction = Literal["epsilon", "v_prediction"]


class ModelError(Exception):
    """A model folder that cannot be used; says what is wrong with it."""


@dataclass(frozen=True, eq=False)
class Components:
    """The parts of one Stable Diffusion 1.x or 2.x model, plain or for inpainting, on their device and ready to run."""

    name: str
    device: torch.device
    dtype: torch.dtype
    tokenizer: PromptTokenizer
    text_encoder: Any
    unet: Any
    vae: Any
    prediction: Prediction
    alphas_cumprod: Tensor  # (T,) float64 on the CPU, falling
    inpainting: bool  # the U-Net sees mask and known part beside the latent (2 * latent_channels + 1 channels in)
    ends_clean: bool  # DDIM's last step goes to sigma 0 (True) or to the first trained sigma, as SD 1.x has it
    latent_channels: int
    vae_scale: int  # pixels per latent pixel, each way
    vae_scaling: float  # latents are stored times this
    native_size: int  # pixels
    guidance_width: int  # of the guidance a distilled U-Net is told in place of a second row; 0: it is told none
    preview: PreviewMap
    sha256: str
    channels_last: bool = True  # of convolutions, in memory


def default_device() -> tuple[torch.device, torch.dtype]:
    """CUDA in bfloat16 where there is a device, else the CPU in float32."""
    if torch.cuda.is_available():
        return torch.device("cuda"), torch.bfloat16
    return torch.device("cpu"), torch.float32


def load(path: Path, device: torch.device, dtype: torch.dtype, *, channels_last: bool = True) -> Components:
    """Load a folder in diffusers format; safetensors only, nothing is downloaded.

    channels_last: convolutions have their channels innermost in memory, which is faster and rounds otherwise.
    Raises ModelError when a part is missing, of a kind this engine does not know, or nothing to be trusted.
    """
    scheduler = _json(path / "scheduler" / "scheduler_config.json")
    try:
        check_folder(path)
        tokenizer = PromptTokenizer.load(path)
        text_encoder = _part(CLIPTextModel, path / "text_encoder", device, dtype)
        unet = _part(UNet2DConditionModel, path / "unet", device, dtype)
        vae = _part(AutoencoderKL, path / "vae", device, dtype)
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} is not a whole model: {error}") from error
    return assemble(
        path, tokenizer, text_encoder, unet, vae, scheduler, sha256=_hash(path), channels_last=channels_last
    )


def assemble(
    path: Path,
    tokenizer: PromptTokenizer,
    text_encoder: Any,
    unet: Any,
    vae: Any,
    scheduler: dict[str, Any],
    sha256: str,
    channels_last: bool = True,
) -> Components:
    """Describe parts that are loaded already. Raises ModelError when they do not fit this engine or each other."""
    channels = vae.config.latent_channels
    inputs = unet.config.in_channels
    if inputs not in (channels, 2 * channels + 1):
        raise ModelError(
            f"the U-Net takes {inputs} channels, the VAE has {channels}: "
            f"neither a text-to-image model ({channels}) nor one for inpainting ({2 * channels + 1})"
        )
    layout = torch.channels_last if channels_last else torch.contiguous_format
    scale = 2 ** (len(vae.config.block_out_channels) - 1)
    scaling = float(vae.config.scaling_factor)
    return Components(
        name=path.name,
        device=unet.device,
        dtype=unet.dtype,
        tokenizer=tokenizer,
        text_encoder=text_encoder,
        unet=unet.to(memory_format=layout),
        vae=vae.to(memory_format=layout),
        prediction=_prediction(scheduler),
        alphas_cumprod=_alphas_cumprod(scheduler),
        inpainting=inputs != channels,
        ends_clean=bool(scheduler.get("set_alpha_to_one", True)),
        latent_channels=channels,
        vae_scale=scale,
        vae_scaling=scaling,
        native_size=_side(unet.config.sample_size) * scale,
        guidance_width=unet.config.time_cond_proj_dim or 0,
        preview=preview.load(path, vae, scaling, unet.device),
        sha256=sha256,
        channels_last=channels_last,
    )


def _part(kind: Any, folder: Path, device: torch.device, dtype: torch.dtype) -> Any:
    options: dict[str, Any] = {"local_files_only": True, "use_safetensors": True, "dtype": dtype}
    if not list(folder.glob("*model.safetensors")) and list(folder.glob("*model.fp16.safetensors")):
        options["variant"] = "fp16"
    return kind.from_pretrained(str(folder), **options).to(device).eval().requires_grad_(False)


def _prediction(scheduler: dict[str, Any]) -> Prediction:
    prediction = scheduler.get("prediction_type", "epsilon")
    if prediction not in ("epsilon", "v_prediction"):
        raise ModelError(f"prediction type {prediction!r} is not supported; epsilon and v_prediction are")
    return prediction  # type: ignore[no-any-return]  # checked on the line above


def _alphas_cumprod(scheduler: dict[str, Any]) -> Tensor:
    """The noise schedule the model was trained on, (T,) float64, from its betas (Ho et al. 2020, eq. 4).

    With zero terminal SNR (Lin et al. 2023, algorithm 1) the last is 2^-24 and not 0, so that its sigma is finite:
    4096, as diffusers has it.
    """
    kind, steps = scheduler.get("beta_schedule", "linear"), scheduler.get("num_train_timesteps", 1000)
    start, end = scheduler.get("beta_start", 1e-4), scheduler.get("beta_end", 0.02)
    if scheduler.get("trained_betas") or kind not in ("linear", "scaled_linear"):
        raise ModelError(f"noise schedule {kind!r} with these settings is not supported; linear and scaled_linear are")
    if kind == "linear":
        betas = torch.linspace(start, end, steps, dtype=torch.float64)
    else:  # "scaled": linear in the square root, as latent diffusion was trained
        betas = torch.linspace(start**0.5, end**0.5, steps, dtype=torch.float64) ** 2
    alphas_cumprod = torch.cumprod(1 - betas, dim=0)
    if scheduler.get("rescale_betas_zero_snr"):
        if _prediction(scheduler) == "epsilon":
            raise ModelError("zero terminal SNR with epsilon prediction is not supported: pure noise tells it nothing")
        roots = alphas_cumprod.sqrt()
        alphas_cumprod = ((roots - roots[-1]) * roots[0] / (roots[0] - roots[-1])) ** 2
        alphas_cumprod[-1] = 2.0**-24
    return alphas_cumprod


def _side(sample_size: int | list[int]) -> int:
    return sample_size if isinstance(sample_size, int) else max(sample_size)


def _json(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text("utf-8")))
    except OSError as error:
        raise ModelError(f"{file} cannot be read: the model folder must be in diffusers format") from error


def _hash(path: Path) -> str:
    """sha256 over the weights: one line "<sha256>  <path>" per safetensors file, sorted, as sha256sum prints them."""
    total = hashlib.sha256()
    for part in ("text_encoder", "unet", "vae"):
        for file in sorted((path / part).glob("*.safetensors")):
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            total.update(f"{digest}  {part}/{file.name}\n".encode())
    return total.hexdigest()
