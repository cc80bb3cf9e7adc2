"""The autoencoder: pictures to latents of an eighth of the size and back (Rombach et al. 2022, section 3.1).

The perceptual loss of the paper needs a network we do not have; gradients and structural similarity stand in for it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from diffusers.models.downsampling import Downsample2D
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.upsampling import Upsample2D
from torch import Tensor, nn

from worker.training.clip import to_images
from worker.training.data import COUNT, Batches, drawings
from worker.training.loop import Schedule, Trainer, backward
from worker.training.precision import mixed, norms_in_float32
from worker.training.sizes import Size

CROP = 64
CHANNELS = 8
KL_WEIGHT = 1e-6
DECAY = 0.999  # of the decoder's average
# Brightness, red against green, yellow against blue: the last two doubled, for most of a picture's variance is in the
# first, and would be learnt long before them.
OPPONENT = torch.tensor([[1.0, 1.0, 1.0], [2.0, -2.0, 0.0], [1.2, 1.2, -2.4]]) / 3**0.5


def build(size: Size) -> AutoencoderKL:
    """8× reduction, 8 latent channels; the small one has 1.7 million weights."""
    torch.manual_seed(0)
    model = AutoencoderKL(
        block_out_channels=size.vae_channels,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=CHANNELS,
        norm_num_groups=4,
        sample_size=size.pixels,
        mid_block_add_attention=False,  # trained on crops, so it must not look further than a crop
        scaling_factor=1.0,
    )
    _begin_as_thumbnail(model)
    return model


@torch.no_grad()
def _begin_as_thumbnail(model: AutoencoderKL) -> None:
    """Let the first three channels carry the picture's colours, 8× smaller, through the whole network.

    From random weights it finds brightness first and colours one plateau after the other, at an hour's cost on two
    cores. The residual branches begin at zero, the trunk passes three channels on as they are, the rest is random.
    """
    for module in model.modules():
        if isinstance(module, ResnetBlock2D):
            nn.init.zeros_(module.conv2.weight)
            if module.conv_shortcut is not None:
                _pass_colours(module.conv_shortcut)
        elif isinstance(module, Downsample2D | Upsample2D):
            _pass_colours(module.conv)
    for half in (model.encoder, model.decoder):
        _pass_colours(half.conv_in)
        _pass_colours(half.conv_out)
        half.conv_norm_out.bias[:3] = 1.0  # where SiLU is nearly straight
    _pass_colours(model.quant_conv)
    _pass_colours(model.post_quant_conv)
    model.quant_conv.bias[CHANNELS:] = -6.0  # a standard deviation of 0.05 in the latents' noise


def _pass_colours(convolution: nn.Conv2d) -> None:
    """Outputs 0, 1 and 2 become inputs 0, 1 and 2; their means over 2×2 pixels where the stride is 2."""
    size = convolution.kernel_size[0]
    kernel = torch.zeros(size, size)
    if convolution.stride[0] == 2:
        kernel[:2, :2] = 0.25  # diffusers pads right and below
    else:
        kernel[size // 2, size // 2] = 1.0
    convolution.weight[:3] = 0.0
    convolution.weight[range(3), range(3)] = kernel
    if convolution.bias is not None:
        convolution.bias[:3] = 0.0


def edge_loss(made: Tensor, asked: Tensor) -> Tensor:
    """Mean absolute difference of the horizontal and vertical gradients of two (B, 3, H, W)."""
    return F.l1_loss(made.diff(dim=3), asked.diff(dim=3)) + F.l1_loss(made.diff(dim=2), asked.diff(dim=2))


def train(
    runs: Path, minutes: float, size: Size, device: str = "cpu", begin: AutoencoderKL | None = None
) -> AutoencoderKL:
    """Train on random crops for `minutes`, from random weights or on from those of `begin`."""
    model = (begin or build(size)).to(device, memory_format=torch.channels_last).train()
    norms_in_float32(model)
    trainer = Trainer(model, Schedule(minutes, peak_rate=1e-3 if begin else 1.5e-3), runs / "vae")
    pictures, batches = drawings(runs, size.pixels), Batches(np.arange(COUNT), size.vae_batch, seed=2)

    def loss_of(step: int) -> Tensor:
        images = random_crops(pictures, batches.indices(step), step).to(device)  # (B, 3, 64, 64)
        with mixed(device):
            posterior = model.encode(images).latent_dist
            made = model.decode(posterior.sample()).sample
        loss: Tensor = difference(made.float(), images) + KL_WEIGHT * posterior.kl().mean()
        return loss

    trainer.run(lambda step: backward(loss_of(step)))
    return model.cpu().eval()


def train_decoder(runs: Path, minutes: float, size: Size, begin: AutoencoderKL, device: str = "cpu") -> AutoencoderKL:
    """Train the decoder of `begin` alone, for `minutes`: its latents stay what the U-Net draws.

    Answers it with the average of the decoder's weights.
    """
    model = begin.to(device, memory_format=torch.channels_last).requires_grad_(False)
    decoder = nn.ModuleDict({"post_quant_conv": model.post_quant_conv, "decoder": model.decoder})
    decoder.requires_grad_(True).train()
    norms_in_float32(decoder)
    trainer = Trainer(decoder, Schedule(minutes, peak_rate=5e-4), runs / "decoder", decay=DECAY)
    pictures, batches = drawings(runs, size.pixels), Batches(np.arange(COUNT), 2 * size.vae_batch, seed=8)

    def loss_of(step: int) -> Tensor:
        images = random_crops(pictures, batches.indices(step), step).to(device)  # (B, 3, 64, 64)
        with mixed(device):
            made = model.decode(model.encode(images).latent_dist.mean).sample
        return difference(made.float(), images)

    trainer.run(lambda step: backward(loss_of(step)))
    if trainer.average:
        decoder.load_state_dict(trainer.average.weights)
    return model.cpu().eval()


def random_crops(pictures: np.ndarray, indices: np.ndarray, seed: int) -> Tensor:
    """One 64×64 piece of each picture, float32 (B, 3, 64, 64) in -1 .. 1."""
    corners = np.random.default_rng([2, seed]).integers(pictures.shape[1] - CROP + 1, size=(len(indices), 2))
    pieces = [pictures[i, y : y + CROP, x : x + CROP] for i, (y, x) in zip(indices, corners, strict=True)]
    return to_images(np.stack(pieces))


def difference(made: Tensor, asked: Tensor) -> Tensor:
    """L1 for sharpness, L2 for tone, gradients for edges, of two (B, 3, H, W) in opponent colours, and structure."""
    structure = 1 - similarity(made, asked)
    made, asked = (torch.einsum("oc,bchw->bohw", OPPONENT, images) for images in (made, asked))
    return F.l1_loss(made, asked) + F.mse_loss(made, asked) + 0.5 * edge_loss(made, asked) + 0.1 * structure


def similarity(first: Tensor, second: Tensor) -> Tensor:
    """Mean SSIM of two (B, 3, H, W) in -1 .. 1 over windows of 7×7 pixels (Wang et al. 2004, equation 13); a scalar."""
    low, high = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    means = [F.avg_pool2d(images, 7, stride=1) for images in (first, second)]
    variances = [F.avg_pool2d(x * x, 7, stride=1) - m * m for x, m in zip((first, second), means, strict=True)]
    covariance = F.avg_pool2d(first * second, 7, stride=1) - means[0] * means[1]
    alike = (2 * means[0] * means[1] + low) * (2 * covariance + high)
    return (alike / ((means[0] ** 2 + means[1] ** 2 + low) * (variances[0] + variances[1] + high))).mean()


@torch.inference_mode()
def encode_all(model: AutoencoderKL, pictures: np.ndarray, batch: int = 16) -> Tensor:
    """Latent means of all pictures, float32 (N, 8, 16, 16)."""
    means = [
        model.encode(to_images(pictures[start : start + batch])).latent_dist.mean
        for start in range(0, len(pictures), batch)
    ]
    return torch.cat(means).contiguous()


@torch.inference_mode()
def fold_normalisation(model: AutoencoderKL, mean: Tensor, std: Tensor) -> None:
    """Give every latent channel zero mean and unit variance, exactly, by changing the two 1×1 convolutions at the seam.

    `mean` and `std` are (8,), of the latents before. diffusers knows one scaling factor for all channels only;
    afterwards `scaling_factor=1` is right and `decode(encode(x))` answers what it did before.
    """
    quant, post = model.quant_conv, model.post_quant_conv
    quant.weight[:CHANNELS] /= std[:, None, None, None]
    quant.bias[:CHANNELS] = (quant.bias[:CHANNELS] - mean) / std
    quant.bias[CHANNELS:] -= 2 * std.log()  # the other half is the log of the variance
    post.bias += post.weight[:, :, 0, 0] @ mean
    post.weight *= std[None, :, None, None]


@torch.inference_mode()
def psnr(model: AutoencoderKL, pictures: np.ndarray) -> float:
    """Peak signal-to-noise ratio of the reconstruction in dB, averaged over the pictures."""
    images = to_images(pictures)
    made = model.decode(model.encode(images).latent_dist.mean).sample.clamp(-1, 1)
    error = (made - images).square().mean(dim=(1, 2, 3)) / 4  # of values in 0 .. 1
    return float((-10 * error.log10()).mean())
