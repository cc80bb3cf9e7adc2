"""The least time that a device needs for one U-Net call or one decode (Williams et al. 2009, the roofline model).

    python -m bench.roofline                                          # the bundled model, rows 1 to 32
    python -m bench.roofline --model sd15 --tflops 989 --tbps 3.35    # an H100's peaks in bfloat16, from its data sheet

Models run on torch's "meta" device, which has shapes and no numbers: seconds for any size, and no weights are needed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from bench import random_models

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Work:
    """One call. flops: a multiplication and an addition are two; bytes: `weights` are read once at least.

    moved: all that passes through memory where every function reads its inputs and writes its output, and attention is
    one function; in_out: what a call whose functions are all fused still reads and writes beside its weights.
    """

    flops: int
    weights: int
    moved: int
    in_out: int

    def limit(self, tflops: float, tbps: float) -> float:
        """Seconds that no program can beat: arithmetic or weights, input and output, whichever takes longer."""
        return max(self.flops / (tflops * 1e12), (self.weights + self.in_out) / (tbps * 1e12))

    def unfused(self, tflops: float, tbps: float) -> float:
        """Seconds at peak where each function passes through memory."""
        return max(self.flops / (tflops * 1e12), self.moved / (tbps * 1e12))


def work(module: torch.nn.Module, *inputs: Tensor, call: Callable[..., Any] | None = None, **named: Any) -> Work:
    """Count one call of a module on the meta device. call: what to call in place of its forward."""
    traffic = _Traffic()
    with torch.no_grad(), FlopCounterMode(display=False) as counter, traffic:
        output = (call or module)(*inputs, **named)
    weights = sum(_bytes(each) for each in [*module.parameters(), *module.buffers()])
    in_out = sum(_bytes(each) for each in tree_leaves((inputs, named, output)) if isinstance(each, Tensor))
    return Work(counter.get_total_flops(), weights, traffic.moved, in_out)


class _Traffic(TorchFunctionMode):
    """Bytes that functions read and write; a view of something moves nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.moved = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        inputs = [each for each in tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
        known = {_storage(each) for each in inputs}
        fresh = [each for each in tree_leaves(output) if isinstance(each, Tensor) and _storage(each) not in known]
        if inputs and fresh:
            self.moved += sum(_bytes(each) for each in [*inputs, *fresh])
        return output


def _storage(tensor: Tensor) -> int:
    with torch._C.DisableTorchFunction():
        return int(tensor.untyped_storage()._cdata)


def _bytes(tensor: Tensor) -> int:
    with torch._C.DisableTorchFunction():
        return tensor.numel() * tensor.element_size()


@dataclass(frozen=True)
class Shapes:
    """A model's U-Net and VAE on the meta device, and the side of its latents."""

    unet: Any
    vae: Any
    side: int

    def unet_call(self, rows: int, texts: int = 77) -> Work:
        parts, dtype = self.unet.config, self.unet.dtype
        x = torch.empty(rows, parts.in_channels, self.side, self.side, device="meta", dtype=dtype)
        text = torch.empty(rows, texts, parts.cross_attention_dim, device="meta", dtype=dtype)
        times = torch.empty(rows, device="meta")
        with torch.device("meta"):
            return work(self.unet, x, times, encoder_hidden_states=text, return_dict=False)

    def decode(self) -> Work:
        channels = self.vae.config.latent_channels
        latent = torch.empty(1, channels, self.side, self.side, device="meta", dtype=self.vae.dtype)
        weights = self.vae.decoder, self.vae.post_quant_conv
        return work(torch.nn.ModuleList(weights), latent, call=self.vae.decode, return_dict=False)


def shapes(model: str, dtype: torch.dtype) -> Shapes:
    """A size of `random_models`, or a folder in diffusers format."""
    with random_models.made_as("meta", dtype):
        if model in random_models.CONFIGS:
            unet, vae = random_models.unet(model), random_models.vae(model)
        else:
            read = {
                part: json.loads((Path(model) / part / "config.json").read_text("utf-8")) for part in ("unet", "vae")
            }
            unet, vae = UNet2DConditionModel.from_config(read["unet"]), AutoencoderKL.from_config(read["vae"])
    return Shapes(unet.eval(), vae.eval(), unet.config.sample_size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=str(ROOT / "models" / "mini"), help="a folder, or tiny, sd15 or sdxl")
    parser.add_argument("--dtype", default="bfloat16", choices=("float32", "float16", "bfloat16"))
    parser.add_argument("--tflops", type=float, default=989.0, help="the device's peak, dense, for this dtype")
    parser.add_argument("--tbps", type=float, default=3.35, help="its memory's terabytes a second")
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32])
    options = parser.parse_args()
    model = shapes(options.model, getattr(torch, options.dtype))
    print(f"{options.model}, {options.dtype}, {options.tflops:g} TFLOP/s, {options.tbps:g} TB/s\n")
    print("| call | GFLOP | MB weights | MB moved unfused | ms at least | ms unfused |\n|---|---|---|---|---|---|")
    calls = {f"U-Net, {rows} rows": model.unet_call(rows) for rows in options.rows} | {"decode": model.decode()}
    for name, counted in calls.items():
        limits = [1e3 * each(options.tflops, options.tbps) for each in (counted.limit, counted.unfused)]
        sizes = [counted.flops / 1e9, counted.weights / 1e6, counted.moved / 1e6]
        print(f"| {name} | {' | '.join(f'{each:.4g}' for each in [*sizes, *limits])} |")


if __name__ == "__main__":
    main()
