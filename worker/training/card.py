"""The model card: what the model is, what it was taught, what it can and cannot do, and which files it is."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

from worker.training.prompts import GUIDANCE, PROMPTS, STEPS

TITLES = {"clip": "CLIP pair", "vae": "autoencoder", "unet": "U-Net"}


def draw_losses(runs: Path, path: Path) -> None:
    """One panel per stage, loss over minutes."""
    stages = [name for name in TITLES if (runs / name / "log.jsonl").exists()]
    figure, panels = plt.subplots(1, len(stages), figsize=(3.2 * len(stages), 2.4), squeeze=False)
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


def read_verdicts(model: Path) -> list[str]:
    """What a person wrote into judged.json about each picture of the grid: "yes", or what is wrong with it.

    The file names the grid that was judged by its hash, so that a verdict does not outlive its pictures.
    """
    path = model / "judged.json"
    judged = json.loads(path.read_text()) if path.exists() else {}
    if judged.get("grid_sha256") != sha256(model / "grid.png"):
        return ["not judged yet"] * len(PROMPTS)
    return [str(verdict) for verdict in judged["verdicts"]]


def weights(model: Path) -> list[Path]:
    """The files that hold weights, in order of their names."""
    return sorted(model.glob("*/*.safetensors"))


def write(runs: Path, model: Path) -> None:
    """Write MODEL_CARD.md beside the weights."""
    template = (Path(__file__).parent / "card.md").read_text()
    report = (runs / "report.txt").read_text().splitlines()
    verdicts = read_verdicts(model)
    values = {
        "times": "\n".join(_time(runs, name) for name in TITLES if (runs / name / "log.jsonl").exists()),
        "clip": next(line for line in reversed(report) if line.startswith("clip: ")),
        "vae": next(line for line in reversed(report) if line.startswith("vae: ")),
        "guidance": str(GUIDANCE),
        "steps": str(STEPS),
        "recognised": str(sum(verdict.startswith("yes") for verdict in verdicts)),
        "prompts": "\n".join(f"| {i} | {PROMPTS[i]} | {verdict} |" for i, verdict in enumerate(verdicts)),
        "hashes": "\n".join(f"| `{path.relative_to(model)}` | `{sha256(path)}` |" for path in weights(model)),
    }
    for name, value in values.items():
        template = template.replace("{" + name + "}", value)
    (model / "MODEL_CARD.md").write_text(template)


def _time(runs: Path, name: str) -> str:
    last = read_log(runs / name / "log.jsonl")[-1]
    return f"| {TITLES[name]} | {last['step']:.0f} | {last['seconds'] / 60:.0f} | {last['loss']:.3f} |"
