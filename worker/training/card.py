"""The model card: what the model is, what it was taught, what it can and cannot do, and which files it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import matplotlib as mpl
from safetensors import safe_open

from worker.training.evaluation.report import read, table
from worker.training.prompts import FAILURES, GUIDANCE, PROMPTS, STEPS, STYLED
from worker.training.world.vocabulary import (
    COLOURS,
    HELD_OUT_PATTERNS,
    HELD_OUT_SUBJECTS,
    PLACES,
    STYLES,
    SUBJECTS,
    TIMES,
    WEATHERS,
)

mpl.use("Agg")
from matplotlib import pyplot as plt

TITLES = {"clip": "CLIP pair", "vae": "autoencoder", "unet": "U-Net", "captioner": "captioner", "classifier": "judge"}
PARTS = {
    "text_encoder": "CLIP text transformer, 4 layers, width 128, 77 tokens; trained contrastively, then frozen",
    "clip": "CLIPModel: the same text transformer and its picture tower, 4 layers, width 128, patches of 16×16",
    "vae": "AutoencoderKL, channels 16, 32, 64, 96; trained on 64×64 crops; every latent channel normalised exactly",
    "unet": "UNet2DConditionModel, channels 64, 128, 160, one layer a block, cross-attention at 8×8 and 4×4",
    "captioner": "BlipForConditionalGeneration, 4 layers that look, 3 that speak, width 128",
}


def draw_losses(runs: Path, path: Path) -> None:
    """One panel per stage, loss over minutes."""
    stages = _logged(runs)
    figure, panels = plt.subplots(1, len(stages), figsize=(2.6 * len(stages), 2.4), squeeze=False)
    for panel, name in zip(panels[0], stages, strict=True):
        lines = read_log(runs / name / "log.jsonl")
        panel.plot([line["seconds"] / 60 for line in lines], [line["loss"] for line in lines], linewidth=0.8)
        panel.set(title=TITLES[name], xlabel="minutes", yscale="log")
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    plt.close(figure)


def read_log(path: Path) -> list[dict[str, float]]:
    """The lines that `Trainer.log` wrote; of steps that were run twice, after a restart, the later."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    last = {line["step"]: line for line in lines}
    return [last[step] for step in sorted(last)]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def weights(model: Path) -> list[Path]:
    """The files that hold weights, in order of their names."""
    return sorted(model.glob("*/*.safetensors"))


def write(runs: Path, model: Path) -> None:
    """Write MODEL_CARD.md beside the weights."""
    template = (Path(__file__).parent / "card.md").read_text()
    report = read(runs / "evaluation" / "report.json")
    values = {
        "subjects": _listed(SUBJECTS),
        "colours": _listed(COLOURS),
        "places": _listed(PLACES),
        "times": _listed(TIMES),
        "weathers": _listed(WEATHERS),
        "styles": _listed(STYLES[1:]),
        "held_out_subjects": _listed(HELD_OUT_SUBJECTS),
        "held_out_patterns": _listed(HELD_OUT_PATTERNS),
        "parts": "\n".join(f"| {name} | {what} | {_size(model / name)} |" for name, what in PARTS.items()),
        "times_taken": "\n".join(_time(runs, name) for name in _logged(runs)),
        "report": "; ".join(_reported(runs / "report.txt")) + ".",
        "pictures": str(report.pictures),
        "table": table(report),
        "guidance": str(GUIDANCE),
        "steps": str(STEPS),
        "prompts": "; ".join(PROMPTS),
        "style_rows": _listed(STYLES),
        "styled": "; ".join(STYLED),
        "failures": "; ".join(FAILURES),
        "hashes": "\n".join(f"| `{path.relative_to(model)}` | `{sha256(path)}` |" for path in weights(model)),
    }
    for name, value in values.items():
        template = template.replace("{" + name + "}", value)
    (model / "MODEL_CARD.md").write_text(template)


def _logged(runs: Path) -> list[str]:
    return [name for name in TITLES if (runs / name / "log.jsonl").exists()]


def _reported(path: Path) -> Iterable[str]:
    """The newest line on each thing, which is named before its colon."""
    return {line.partition(":")[0]: line for line in path.read_text().splitlines()}.values()


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _size(part: Path) -> str:
    """Millions of weights."""
    total = 0
    for path in part.glob("*.safetensors"):
        with safe_open(path, "pt") as file:
            total += sum(file.get_tensor(name).numel() for name in file.keys())  # noqa: SIM118  # not a mapping
    return f"{total / 1e6:.1f} M"


def _time(runs: Path, name: str) -> str:
    last = read_log(runs / name / "log.jsonl")[-1]
    return f"| {TITLES[name]} | {last['step']:.0f} | {last['seconds'] / 60:.0f} | {last['loss']:.3f} |"
