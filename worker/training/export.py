"""Writing `models/mini`: the diffusers folder format, fp16 safetensors, each file replaced at once."""

from __future__ import annotations

import copy
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import CLIPTokenizer

from worker.training.clip import to_images

PIPELINE = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.42.1",
    "feature_extractor": [None, None],
    "image_encoder": [None, None],
    "requires_safety_checker": False,
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}


def write_part(target: Path, name: str, part: Any) -> None:
    """Save a model, tokenizer or scheduler as `target/name`; readers see the old file or the new one, never half."""
    if isinstance(part, nn.Module):
        part = copy.deepcopy(part).half()
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as staging:
        part.save_pretrained(staging)
        if isinstance(part, CLIPTokenizer):
            _write_slow_tokenizer(Path(staging), part)
        if (Path(staging) / "config.json").exists() and name in ("text_encoder", "clip", "captioner"):
            _name_float32(Path(staging) / "config.json")
        _replace_all(Path(staging), target / name)


def write_index(target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    write_json(target / "model_index.json", PIPELINE)


def write_json(path: Path, value: Any) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value, indent=2) + "\n")
    part.rename(path)


def fit_preview(latents: Tensor, pictures: np.ndarray) -> dict[str, list[Any]]:
    """The linear map from latents (N, 8, 16, 16) to RGB 0 .. 1 that fits the pictures (N, 128, 128, 3) best."""
    pixels = torch.nn.functional.avg_pool2d(to_images(pictures), 8).permute(0, 2, 3, 1) / 2 + 0.5  # (N, 16, 16, 3)
    inputs = latents.float().permute(0, 2, 3, 1).reshape(-1, latents.shape[1])  # (N * 256, 8)
    ones = torch.ones(len(inputs), 1)
    solution = torch.linalg.lstsq(torch.cat([inputs, ones], dim=1), pixels.reshape(-1, 3)).solution  # (9, 3)
    rounded = [[round(float(value), 5) for value in row] for row in solution]
    return {"weight": rounded[:-1], "bias": rounded[-1]}


def _name_float32(config: Path) -> None:
    """transformers loads in the dtype that the configuration names: half the bytes on disk, float32 in memory."""
    config.write_text(json.dumps(json.loads(config.read_text()) | {"dtype": "float32"}, indent=2) + "\n")


def _write_slow_tokenizer(folder: Path, tokenizer: CLIPTokenizer) -> None:
    """The two files of CLIP's first tokenizer, and its special tokens, for readers other than transformers 5."""
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"], ensure_ascii=False))
    merges = ["#version: 0.2", *(" ".join(pair) for pair in model["merges"])]
    (folder / "merges.txt").write_text("\n".join(merges) + "\n")
    special = {name: getattr(tokenizer, name) for name in ("bos_token", "eos_token", "pad_token", "unk_token")}
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")


def _replace_all(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted(source.iterdir(), reverse=True):  # weights before their configuration
        file.chmod(0o644)
        shutil.move(file, target / file.name)
