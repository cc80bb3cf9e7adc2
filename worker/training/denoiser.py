"""The U-Net: from noised latents and a caption to the velocity that leads back (Rombach et al. 2022)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from worker.training.clip import WIDTH, tokenise
from worker.training.data import Batches, mostly_plain, stratified
from worker.training.export import scheduler
from worker.training.loop import Schedule, Trainer, backward
from worker.training.vae import CHANNELS
from worker.training.whitening import Whitening

BATCH = 32
# Parts of a batch that go forward and back side by side, one thread each: they meet once a step, where two threads
# inside every operation would meet a thousand times, and wait each time that other work holds one of the cores.
SHARDS = 2
DROPPED = 0.1  # share of captions left empty, for classifier-free guidance (Ho and Salimans 2022)
GAMMA = 5.0
DECAY = 0.997
SPREAD = 0.8  # of the logit of the timestep


def build() -> UNet2DConditionModel:
    """Stable Diffusion's U-Net with three levels, 16, 8 and 4 wide, and cross-attention on the lower two."""
    torch.manual_seed(0)
    model = UNet2DConditionModel(
        sample_size=16,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        layers_per_block=1,
        block_out_channels=(64, 128, 160),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
    )
    _begin_as_identity(model)
    return model


@torch.no_grad()
def _begin_as_identity(model: UNet2DConditionModel) -> None:
    """Every residual branch begins at zero, and so does the answer (Dhariwal and Nichol 2021, their zero_module)."""
    for module in model.modules():
        if isinstance(module, ResnetBlock2D):
            _zero(module.conv2)
        elif isinstance(module, Transformer2DModel):
            _zero(module.proj_out)
    _zero(model.conv_out)


def _zero(layer: nn.Module) -> None:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


def alphas_cumprod() -> Tensor:
    """ᾱ of the thousand noise levels, float32 (1000,)."""
    found: Tensor = scheduler().alphas_cumprod
    return found


def noise_levels(chances: Tensor) -> Tensor:
    """Timesteps 0 .. 999, int64, for chances 0 .. 1: logit-normal (Esser et al. 2024, section 3.1).

    Most of them in the middle, where a shape is decided; the ends are easy, or hopeless.
    """
    return (1000 * torch.sigmoid(SPREAD * torch.special.ndtri(chances))).long().clamp(0, 999)


def noised(latents: Tensor, noise: Tensor, alpha: Tensor) -> Tensor:
    """x_t = √ᾱ x_0 + √(1-ᾱ) ε; `alpha` is ᾱ of each row, (B, 1, 1, 1)."""
    return alpha.sqrt() * latents + (1 - alpha).sqrt() * noise


def velocity(latents: Tensor, noise: Tensor, alpha: Tensor) -> Tensor:
    """v = √ᾱ ε - √(1-ᾱ) x_0 (Salimans and Ho 2022, appendix D)."""
    return alpha.sqrt() * noise - (1 - alpha).sqrt() * latents


def snr_weight(alpha: Tensor, gamma: float = GAMMA) -> Tensor:
    """clamp(SNR, 1, γ) / (SNR + 1): weights for the error in v that weight the error in x_0 by the clamped SNR.

    From above it is min-SNR-γ (Hang et al. 2023), so that fine detail does not take all the learning; from below the
    truncated SNR (Salimans and Ho 2022), so that the noisiest levels, where the picture is laid out, keep their share.
    """
    snr = alpha / (1 - alpha)
    return snr.clamp(1.0, gamma) / (snr + 1)


def train(
    runs: Path,
    latents: Tensor,
    text_encoder: CLIPTextModel,
    tokenizer: CLIPTokenizer,
    minutes: float,
    on_save: Callable[[UNet2DConditionModel], None] | None = None,
) -> UNet2DConditionModel:
    """Train for `minutes` on latents (N, 8, 16, 16); answers the model with its averaged weights."""
    model = build().to(memory_format=torch.channels_last)
    schedule = Schedule(minutes, peak_rate=8e-4, save_every=420)
    trainer = Trainer(model, schedule, runs / "unet", decay=DECAY)
    batches, alphas = Batches(mostly_plain(len(latents)), BATCH, seed=3), alphas_cumprod()
    pool = ThreadPoolExecutor(SHARDS, initializer=torch.set_num_threads, initargs=(1,))

    whitening = fit_whitening(text_encoder, tokenizer)

    def loss_of(clean: Tensor, noise: Tensor, steps: Tensor, words: Tensor) -> Tensor:
        with torch.no_grad():
            context = whitening(text_encoder(input_ids=words).last_hidden_state)  # (B, 77, 128)
        alpha = alphas[steps][:, None, None, None]
        rows = noised(clean, noise, alpha).contiguous(memory_format=torch.channels_last)
        guess = model(rows, steps, context).sample  # (B, 8, 16, 16)
        error = (guess - velocity(clean, noise, alpha)).square().mean(dim=(1, 2, 3))  # (B,)
        loss: Tensor = (snr_weight(alphas[steps]) * error).mean()
        return loss

    def descend(step: int) -> float:
        rng, generator = np.random.default_rng([3, step]), torch.Generator().manual_seed(step)
        clean = latents[torch.from_numpy(batches.indices(step))].float()  # (B, 8, 16, 16)
        noise = torch.randn(clean.shape, generator=generator)
        steps = noise_levels(torch.from_numpy(stratified(BATCH, rng)))  # (B,)
        words = tokenise(tokenizer, batches.captions(step, DROPPED))["input_ids"]  # (B, 77)
        shards = zip(*(whole.chunk(SHARDS) for whole in (clean, noise, steps, words)), strict=True)
        return sum(pool.map(lambda shard: backward(loss_of(*shard) / SHARDS), shards))

    trainer.run(descend, on_save=lambda: on_save(averaged(trainer, whitening)) if on_save else None)
    pool.shutdown()
    return averaged(trainer, whitening)


@torch.no_grad()
def fit_whitening(text_encoder: CLIPTextModel, tokenizer: CLIPTokenizer) -> Whitening:
    """From the first 24 states, all the words and some padding, of 512 captions."""
    words = tokenise(tokenizer, Batches(np.arange(512), 512, seed=5).captions(0))["input_ids"]
    return Whitening.fit(text_encoder(input_ids=words).last_hidden_state[:, :24].flatten(0, 1))


def averaged(trainer: Trainer, whitening: Whitening) -> UNet2DConditionModel:
    """A copy of the model that carries the average of its weights, and takes the text encoder's own states."""
    copy = build()
    if trainer.average:
        copy.load_state_dict(trainer.average.weights)
    whitening.fold_into(copy)
    return copy.eval()
