"""The rows of the networks beside the U-Net: the autoencoder, CLIP, the captioner."""

from __future__ import annotations

import numpy as np
from transformers import BlipForConditionalGeneration, CLIPModel

from worker.training import captioner, clip, held_out, vae
from worker.training.evaluation.bench import Bench
from worker.training.evaluation.report import Row
from worker.training.reading import agrees


def autoencoder(bench: Bench) -> list[Row]:
    """How well drawings come back."""
    drawn = held_out.pictures(held_out.scenes(bench.count), bench.size.pixels)
    parts = np.array_split(drawn, max(len(drawn) // 32, 1))
    measured = float(np.average([vae.psnr(bench.painter.vae, part) for part in parts], weights=[len(p) for p in parts]))
    aim = 27.0 if bench.size.pixels == 128 else 30.0
    return [Row("VAE", "dB", measured, aim, 25.0, f"PSNR of {len(drawn)} held-out drawings")]


def pair(bench: Bench) -> list[Row]:
    """CLIP's retrieval, the worse of the two ways."""
    folder, measured = bench.model / "clip", None
    how = "retrieval of 1 of 100, complete captions of distinct scenes"
    if folder.exists():
        model = CLIPModel.from_pretrained(folder).float().eval()
        ways = clip.retrieval(model, bench.painter.tokenizer, bench.size)
        measured, how = min(ways), f"{how}, from pictures {ways[0]:.0%}, from words {ways[1]:.0%}"
    return [Row("CLIP", "share", measured, 0.9, 0.8, how)]


def speaker(bench: Bench) -> list[Row]:
    """The captioner on drawings and on generated pictures."""
    folder = bench.model / "captioner"
    drawn = made = None
    if folder.exists():
        model = BlipForConditionalGeneration.from_pretrained(folder).float().eval()
        drawn = captioner.accuracy(model, bench.painter.tokenizer, bench.size, bench.count)
        pictures = bench.gallery.pictures("plain", bench.wishes(bench.plain))
        said = captioner.describe(model, bench.painter.tokenizer, pictures)
        made = float(np.mean([agrees(text, scene) for text, scene in zip(said, bench.plain, strict=True)]))
    how = f"subject, colour and place all right, {bench.count}"
    return [
        Row("captioner on drawings", "share", drawn, 0.9, 0.75, f"{how} held-out drawings"),
        Row("captioner on generated pictures", "share", made, 0.75, 0.6, f"{how} pictures of plain subjects", drawn),
    ]
