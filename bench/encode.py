"""What stands around denoising: PNGs written with their parameters, texts and pictures encoded. Milliseconds, medians.

python -m bench.encode
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from bench.peers import median_time
from worker.files import TEXT_KEY, Pixels, png
from worker.models.loader import Components, default_device, load
from worker.text.encode import states

ROOT = Path(__file__).parents[1]
MADE_FROM = {"prompt": "a red boat on the sea", "steps": 30, "sampler": "dpmpp_2m", "seed": 7, "model": "mini"}


def pictures(side: int) -> dict[str, Pixels]:
    """From easy to hard: the bundled model's drawings enlarged, something as grainy as a photograph, pure noise."""
    rng = np.random.default_rng(0)
    drawing = Image.open(ROOT / "models" / "mini" / "grid.png").convert("RGB").resize((side, side))
    coarse = Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).resize(
        (side, side), Image.Resampling.BICUBIC
    )
    grain = np.asarray(coarse, dtype=np.float64) + rng.normal(0, 4, (side, side, 3))
    return {
        "drawing": np.asarray(drawing),
        "photograph": grain.clip(0, 255).astype(np.uint8),
        "noise": rng.integers(0, 256, (side, side, 3), dtype=np.uint8),
    }


def png_times(side: int) -> dict[str, tuple[float, int]]:
    """Milliseconds of one core and bytes, by picture. Raises AssertionError when a file is not its picture."""
    found = {}
    for name, pixels in pictures(side).items():
        written = png(pixels, MADE_FROM)
        read = Image.open(io.BytesIO(written))
        assert np.array_equal(np.asarray(read), pixels), "the pixels came back changed"
        assert TEXT_KEY in read.info, "the parameters are gone"
        found[name] = 1e3 * statistics.median(_core_time(pixels) for _ in range(7)), len(written)
    return found


def _core_time(pixels: Pixels) -> float:
    """Seconds that one core works on a PNG, however busy the machine is."""
    begin = time.thread_time()
    png(pixels, MADE_FROM)
    return time.thread_time() - begin


@torch.inference_mode()
def model_times(components: Components) -> dict[str, float]:
    """Milliseconds of one prompt chunk, and of one picture of the native size in and out of the VAE."""
    side, device = components.native_size, components.device
    ids = (0,) * 77
    picture = torch.zeros(1, 3, side, side, device=device, dtype=components.dtype)
    latent = torch.zeros(
        1, components.latent_channels, side // components.vae_scale, side // components.vae_scale,
        device=device, dtype=components.dtype,
    )  # fmt: skip
    tries = {
        "text, one chunk": lambda: states(components, ids),
        f"VAE encode, {side}x{side}": lambda: components.vae.encode(picture, return_dict=False),
        f"VAE decode, {side}x{side}": lambda: components.vae.decode(latent, return_dict=False),
    }
    return {name: 1e3 * median_time(work, device) for name, work in tries.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "mini")
    parser.add_argument("--side", type=int, default=512, help="pixels of the PNGs")
    options = parser.parse_args()
    print("| what | ms | kB |\n|---|---|---|")
    for name, (ms, size) in png_times(options.side).items():
        print(f"| PNG, {options.side}x{options.side}, {name} | {ms:.1f} | {size / 1000:.0f} |")
    for name, ms in model_times(load(options.model, *default_device())).items():
        print(f"| {name} | {ms:.1f} | – |")


if __name__ == "__main__":
    main()
