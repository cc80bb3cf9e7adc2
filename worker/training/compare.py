"""Which target, which noise schedule: short runs from the same random weights, measured with one ruler.

Their losses say nothing: noise and v are errors in different things, and every schedule has its own share of hard
levels. So each run is asked for x_0 at the same signal-to-noise ratios, of drawings that it never saw, on its way and
at its end; and draws the same prompts. A third of the width, so that a few minutes show something.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from PIL import Image
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from worker.training import denoiser
from worker.training.clip import tokenise
from worker.training.data import COUNT, scene
from worker.training.objective import Objective, noised
from worker.training.sizes import Size
from worker.training.world.captions import plainly

mpl.use("Agg")
from matplotlib import pyplot as plt

RUNS = (("v", "scaled_linear"), ("noise", "scaled_linear"), ("v", "linear"), ("v", "cosine"))
RATIOS = (0.02, 0.2, 1.0, 5.0)  # of signal to noise: where a picture is laid out, to where its detail is made
HELD = 256  # drawings kept out of the runs
GUIDANCE, STEPS = 3.0, 30
PROMPTS = (
    "a red boat on the sea", "a blue house in the snow at night", "a yellow car in the city at night",
    "a brown horse in a meadow", "an orange fish in the sea", "a green palm tree in the desert",
)  # fmt: skip

Errors = dict[float, float]


def compare(runs: Path, model: Path, latents: Tensor, size: Size, minutes: float, target: Path) -> None:
    """Train each of RUNS for `minutes`; `target` gets errors.json, errors.png and samples.png, a row for each run."""
    size = replace(size, unet_channels=(32, 64, 96))
    encoder = CLIPTextModel.from_pretrained(model / "text_encoder", dtype=torch.float32).eval()
    words = CLIPTokenizer.from_pretrained(model / "tokenizer")
    target.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[dict[str, Any]]] = {}
    sheets = []
    for answer, noise in RUNS:
        objective, name = Objective(answer, noise), f"{answer}, {noise}"
        ruler = Ruler(objective, latents[-HELD:].float(), _read(encoder, words))
        folder, way = runs / "compare" / name.replace(", ", "-"), found.setdefault(name, [])
        unet = denoiser.train(
            folder, latents[:-HELD], encoder, words, minutes, size, objective, on_save=_noted(way, ruler, folder),
            save_every=30,
        )  # fmt: skip
        sheets.append(_draw(model, unet, objective))
    (target / "errors.json").write_text(json.dumps(found, indent=1))
    _plot(found, target / "errors.png")
    Image.fromarray(np.concatenate(sheets)).save(target / "samples.png", optimize=True)


class Ruler:
    """Asks a U-Net for x_0 of the same latents (N, C, h, w) under the same noise at each of RATIOS."""

    def __init__(self, objective: Objective, latents: Tensor, states: Tensor) -> None:
        self.objective, self.latents, self.states = objective, latents, states
        self.noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(0))

    @torch.inference_mode()
    def errors(self, guess: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Errors:
        """Mean square of the error in x_0 for each ratio; a guess of nothing at all has 1 on unit latents."""
        found = {}
        for ratio in RATIOS:
            step = (self.objective.alphas / (1 - self.objective.alphas) - ratio).abs().argmin()
            alpha = self.objective.alphas[step]
            rows = noised(self.latents, self.noise, alpha)
            said = torch.cat(
                [
                    guess(rows[at : at + 64], step.expand(len(rows[at : at + 64])), self.states[at : at + 64])
                    for at in range(0, len(rows), 64)
                ]
            )
            error = self.objective.clean(rows, said, alpha) - self.latents
            found[ratio] = float(error.square().mean())
        return found


def _noted(way: list[dict[str, Any]], ruler: Ruler, folder: Path) -> Callable[[UNet2DConditionModel], None]:
    def note(unet: UNet2DConditionModel) -> None:
        last = json.loads((folder / "unet" / "log.jsonl").read_text().splitlines()[-1])
        found = ruler.errors(lambda rows, steps, states: unet(rows, steps, states).sample)
        way.append({"step": last["step"], "seconds": last["seconds"], "errors": found})

    return note


@torch.inference_mode()
def _read(encoder: CLIPTextModel, words: CLIPTokenizer) -> Tensor:
    """States (HELD, 77, D) of the held drawings' captions."""
    last = [plainly(scene(index)) for index in range(COUNT - HELD, COUNT)]
    states: Tensor = encoder(input_ids=tokenise(words, last)["input_ids"]).last_hidden_state
    return states


def _draw(model: Path, unet: UNet2DConditionModel, objective: Objective) -> np.ndarray:
    """PROMPTS side by side, prompt i with seed i, uint8 (H, N·W, 3)."""
    pipeline = StableDiffusionPipeline.from_pretrained(
        model, unet=unet, scheduler=objective.scheduler(), safety_checker=None
    )
    pipeline.set_progress_bar_config(disable=True)
    pictures: np.ndarray = pipeline(
        list(PROMPTS), num_inference_steps=STEPS, guidance_scale=GUIDANCE, output_type="np",
        generator=[torch.Generator().manual_seed(seed) for seed in range(len(PROMPTS))],
    ).images  # fmt: skip
    return (np.concatenate(list(pictures), axis=1) * 255).round().astype(np.uint8)


def _plot(found: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """One panel for each ratio, the error in x_0 over steps, a line for each run."""
    figure, panels = plt.subplots(1, len(RATIOS), figsize=(3 * len(RATIOS), 2.8))
    for panel, ratio in zip(panels, RATIOS, strict=True):
        for name, way in found.items():
            panel.plot([at["step"] for at in way], [at["errors"][ratio] for at in way], label=name, linewidth=1)
        panel.set(title=f"signal to noise {ratio:g}", xlabel="steps", yscale="log")
    panels[0].set_ylabel("mean square error in x_0")
    panels[-1].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)
