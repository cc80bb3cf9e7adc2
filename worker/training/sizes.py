"""One dial for the size of everything: what two CPU cores can train, or one accelerator."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Of pictures and networks. Channels are from the outermost level inwards."""

    pixels: int  # width and height of a picture
    patch: int  # width and height of one token of CLIP's image encoder, and the captioner's
    vae_channels: tuple[int, ...]
    unet_channels: tuple[int, ...]
    unet_layers: int  # ResNet blocks a level
    batch: int  # of the U-Net
    vae_batch: int  # crops

    @property
    def latent(self) -> int:
        """Width and height of a latent."""
        return self.pixels // 8


SIZES = {
    "small": Size(128, 16, (16, 32, 64, 96), (64, 128, 160), 1, 32, 4),
    "large": Size(256, 32, (32, 64, 128, 128), (96, 192, 320), 2, 128, 32),
}
