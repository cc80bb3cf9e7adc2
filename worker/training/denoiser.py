"""The U-Net: from noised latents and a caption to the answer that leads back (Rombach et al. 2022)."""

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
from worker.training.data import Batches, pairs_again, stratified
from worker.training.loop import Schedule, Trainer, backward
from worker.training.objective import Objective, noise_levels, noised
from worker.training.precision import mixed, norms_in_float32
from worker.training.sizes import Size
from worker.training.vae import CHANNELS
from worker.training.whitening import Whitening

# Parts of a batch that go forward and back side by side, one thread each: they meet once a step, where two threads
# inside every operation would meet a thousand times, and wait each time that other work holds one of the cores.
SHARDS = {"cpu": 2, "cuda": 1}
DROPPED = 0.1  # share of captions left empty, for classifier-free guidance (Ho and Salimans 2022)
DECAY = 0.998
PEAK_RATE = 8e-4


def build(size: Size) -> UNet2DConditionModel:
    """Stable Diffusion's U-Net with three levels, the inner two with cross-attention."""
    torch.manual_seed(0)
    model = UNet2DConditionModel(
        sample_size=size.latent,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        layers_per_block=size.unet_layers,
        block_out_channels=size.unet_channels,
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


def train(
    runs: Path,
    latents: Tensor,
    text_encoder: CLIPTextModel,
    tokenizer: CLIPTokenizer,
    minutes: float,
    size: Size,
    objective: Objective,
    device: str = "cpu",
    begin: UNet2DConditionModel | None = None,
    on_save: Callable[[UNet2DConditionModel], None] | None = None,
    save_every: float = 420.0,
) -> UNet2DConditionModel:
    """Train for `minutes` on latents (N, 8, H, W); answers the model with its averaged weights.

    From random weights, or on from those of `begin`, a model for this text encoder's own states.
    """
    whitening = Whitening.fit(sample_states(text_encoder, tokenizer))
    model = build(size) if begin is None else begin.train()
    if begin is not None:
        whitening.unfold_from(begin)
    model.to(device, memory_format=torch.channels_last)
    norms_in_float32(model)
    schedule = Schedule(minutes, peak_rate=PEAK_RATE * (0.75 if begin is not None else 1.0), save_every=save_every)
    trainer = Trainer(model, schedule, runs / "unet", decay=DECAY)
    batches, alphas = Batches(pairs_again(len(latents)), size.batch, seed=3), objective.alphas
    pool = ThreadPoolExecutor(SHARDS[device], initializer=torch.set_num_threads, initargs=(1,))
    text_encoder.to(device)
    whiten = whitening.to(device)  # the other stays, to be folded into what is saved

    def loss_of(clean: Tensor, noise: Tensor, steps: Tensor, words: Tensor) -> Tensor:
        alpha = alphas[steps].to(device)[:, None, None, None]
        clean, noise = clean.to(device), noise.to(device)
        rows = noised(clean, noise, alpha).contiguous(memory_format=torch.channels_last)
        with mixed(device):
            with torch.no_grad():
                context = whiten(text_encoder(input_ids=words.to(device)).last_hidden_state.float())  # (B, 77, 128)
            guess = model(rows, steps.to(device), context).sample.float()  # (B, 8, H, W)
        error = (guess - objective.answer(clean, noise, alpha)).square().mean(dim=(1, 2, 3))  # (B,)
        loss: Tensor = (objective.weight(alpha.flatten()) * error).mean()
        return loss

    def descend(step: int) -> float:
        rng, generator = np.random.default_rng([3, step]), torch.Generator().manual_seed(step)
        clean = latents[torch.from_numpy(batches.indices(step))].float()  # (B, 8, H, W)
        noise = torch.randn(clean.shape, generator=generator)
        steps = noise_levels(torch.from_numpy(stratified(size.batch, rng)))  # (B,)
        words = tokenise(tokenizer, batches.captions(step, DROPPED))["input_ids"]  # (B, 77)
        shards = zip(*(whole.chunk(SHARDS[device]) for whole in (clean, noise, steps, words)), strict=True)
        return sum(pool.map(lambda shard: backward(loss_of(*shard) / SHARDS[device]), shards))

    def averaged() -> UNet2DConditionModel:
        """A copy of the model that carries the average of its weights, and takes the text encoder's own states."""
        copy = build(size)
        if trainer.average:
            copy.load_state_dict(trainer.average.weights)
        whitening.fold_into(copy)
        return copy.eval()

    trainer.run(descend, on_save=lambda: on_save(averaged()) if on_save else None)
    pool.shutdown()
    return averaged()


@torch.no_grad()
def sample_states(text_encoder: CLIPTextModel, tokenizer: CLIPTokenizer) -> Tensor:
    """The first 24 states, all the words and some padding, of 512 captions, always the same ones: (12288, D)."""
    words = tokenise(tokenizer, Batches(np.arange(512), 512, seed=5).captions(0))["input_ids"]
    states: Tensor = text_encoder(input_ids=words).last_hidden_state[:, :24].flatten(0, 1)
    return states
