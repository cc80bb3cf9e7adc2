"""The stages of the training: each reads what the one before it left in `runs`, and writes its part of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import BlipForConditionalGeneration, CLIPModel, CLIPTextModel, CLIPTokenizer

from worker.training import captioner, card, classifier, clip, denoiser, export, held_out, tokenizer, vae
from worker.training.augment import RoundTrip
from worker.training.compare import compare
from worker.training.data import drawings, named_for_the_world
from worker.training.evaluate import PICTURES, evaluate, table
from worker.training.objective import Objective
from worker.training.prompts import FAILURES, GUIDANCE, HIRES, PROMPTS, STEPS, STYLED
from worker.training.sizes import SIZES, Size
from worker.training.translation import Translation
from worker.training.world.captions import STYLES as STYLE_WORDS
from worker.training.world.vocabulary import STYLES

Part = TypeVar("Part", AutoencoderKL, BlipForConditionalGeneration, CLIPModel, UNet2DConditionModel)


@dataclass(frozen=True)
class Studio:
    """`runs` keeps checkpoints and caches, `model` is the folder in diffusers format that grows.

    `warm`: a stage without a checkpoint begins with the weights that the folder has. `pictures`: how many to judge.
    """

    runs: Path
    model: Path
    size: Size = SIZES["small"]
    objective: Objective = field(default_factory=Objective)
    device: str = "cpu"
    warm: bool = False
    pictures: int = PICTURES

    def tokenizer(self) -> None:
        export.write_index(self.model)
        export.write_json(self.model / "recommended.json", {"guidance": GUIDANCE, "hires": HIRES})
        export.write_part(self.model, "scheduler", self.objective.scheduler())
        export.write_part(self.model, "tokenizer", tokenizer.build())

    def clip(self, minutes: float) -> None:
        words = self._tokenizer()
        begin = self._before("clip", CLIPModel)
        pair = clip.train(self.runs, words, minutes, self.size, self.device, begin, on_save=self._export_clip)
        self._export_clip(pair)
        export.write_part(self.model, "clip", clip.image_processor(self.size))
        pictures, captions = clip.retrieval(pair, words, self.size)
        self._report(f"clip: {pictures:.0%} of 100 pictures find their caption, {captions:.0%} of captions theirs")

    def vae(self, minutes: float) -> None:
        """Train, normalise the latents, and keep them for the U-Net."""
        model = vae.train(self.runs, minutes, self.size, self.device, self._before("vae", AutoencoderKL))
        pictures = drawings(self.runs, self.size.pixels)
        latents = vae.encode_all(model, pictures)
        mean, std = latents.mean(dim=(0, 2, 3)), latents.std(dim=(0, 2, 3))
        vae.fold_normalisation(model, mean, std)
        latents = ((latents - mean[:, None, None]) / std[:, None, None]).half()
        save_file({"latents": latents}, self._latents_file)
        self._export_vae(model)
        export.write_json(self.model / "preview.json", export.fit_preview(latents[:1000], pictures[:1000]))

    def decoder(self, minutes: float) -> None:
        """Train the autoencoder's decoder on; what is in the latents, and all that was trained on them, stays."""
        begin = AutoencoderKL.from_pretrained(self.model / "vae", torch_dtype=torch.float32)
        self._export_vae(vae.train_decoder(self.runs, minutes, self.size, begin, self.device))

    def denoiser(self, minutes: float) -> None:
        encoder = CLIPTextModel.from_pretrained(self.model / "text_encoder", dtype=torch.float32).eval()
        unet = denoiser.train(
            self.runs,
            self._latents(),
            encoder,
            self._tokenizer(),
            minutes,
            self.size,
            self.objective,
            self.device,
            self._before("unet", UNet2DConditionModel),
            on_save=self._export_unet,
        )
        self._export_unet(unet)

    def captioner(self, minutes: float) -> None:
        pair = CLIPModel.from_pretrained(self.model / "clip", dtype=torch.float32)
        words = self._tokenizer()
        begin = self._before("captioner", BlipForConditionalGeneration)
        model = captioner.train(
            self.runs, words, minutes, self.size, self.device, pair=pair, round_trip=self._round_trip(), begin=begin
        )
        captioner.write(self.model, model, self.size)
        self._report(f"captioner: {captioner.accuracy(model, words, self.size):.1%} of 500 drawings told right")

    def classifier(self, minutes: float) -> None:
        """The judge of `evaluate`; no part of the model."""
        begin = classifier.load(self.model.parent / "judge") if self.warm else None
        judge = classifier.train(self.runs, minutes, self._round_trip(), begin)
        classifier.save(judge, self.model.parent / "judge")
        found = classifier.accuracy(judge)
        self._report("classifier: " + ", ".join(f"{name} {share:.1%}" for name, share in found.items()))

    def compare(self, minutes: float) -> None:
        """`minutes` for each target and noise schedule, for docs/training.md."""
        compare(self.runs, self.model, self._latents(), self.size, minutes, Path("docs/training"))

    def evaluate(self) -> None:
        """Every row of the card's table, printed as it is measured and kept in `runs/evaluation`."""
        report = evaluate(self.model, self.runs, self.pictures, on_row=lambda row: print(row.what, row.measured))
        print(table(report))

    def grid(self) -> None:
        """The pictures of the card, made by diffusers' own pipeline: the bar, the styles, known failures."""
        styled = [_in_style(prompt, style) for style in STYLES for prompt in STYLED]
        for name, prompts in (("grid", PROMPTS), ("styles", styled), ("failures", FAILURES)):
            self._draw_sheet(name, prompts)

    def paint(self, prompts: Sequence[str]) -> np.ndarray:
        """Prompt i with seed i, as the card says, float32 (N, H, W, 3) in 0 .. 1."""
        pipeline = StableDiffusionPipeline.from_pretrained(self.model, safety_checker=None)
        pipeline.set_progress_bar_config(disable=True)
        seeds = [torch.Generator().manual_seed(seed) for seed in range(len(prompts))]
        pictures: np.ndarray = pipeline(
            list(prompts), num_inference_steps=STEPS, guidance_scale=GUIDANCE, generator=seeds, output_type="np"
        ).images
        return pictures

    def card(self) -> None:
        card.draw_losses(self.runs, self.model / "losses.png")
        card.write(self.runs, self.model)

    def _before(self, part: str, kind: type[Part]) -> Part | None:
        """The weights that `part` of the model has now, for a stage that is to begin with them."""
        if not self.warm:
            return None
        self._report(f"start of the {part}: the weights of the model before this one")
        kept: Part = kind.from_pretrained(self.model / part, torch_dtype=torch.float32)
        return kept

    def _latents(self) -> Tensor:
        """Of every drawing, float16 (N, 8, 16, 16): the autoencoder's stage leaves them, a fresh clone makes them."""
        if not self._latents_file.exists():
            model = AutoencoderKL.from_pretrained(self.model / "vae", torch_dtype=torch.float32).eval()
            made = vae.encode_all(model, drawings(self.runs, self.size.pixels))
            save_file({"latents": made.half()}, self._latents_file)
        latents: Tensor = load_file(self._latents_file)["latents"]
        return latents

    @property
    def _latents_file(self) -> Path:
        return named_for_the_world(self.runs, "latents", self.size.pixels).with_suffix(".safetensors")

    def _round_trip(self) -> RoundTrip:
        """Pictures through the autoencoder and back, as all that the U-Net draws come out of it."""
        model = AutoencoderKL.from_pretrained(self.model / "vae", torch_dtype=torch.float32).eval()

        @torch.inference_mode()
        def through(images: Tensor) -> Tensor:
            back: Tensor = model.decode(model.encode(images).latent_dist.mean).sample
            return back.clone()

        return through

    def _tokenizer(self) -> CLIPTokenizer:
        return CLIPTokenizer.from_pretrained(self.model / "tokenizer")

    def _export_clip(self, pair: CLIPModel) -> None:
        """The pair, and its text encoder alone, which is all that drawing needs."""
        export.write_part(self.model, "clip", pair)
        encoder = CLIPTextModel(pair.config.text_config)
        encoder.load_state_dict(_text_weights(pair, encoder))
        if self.warm:
            self._carry_unet_over_to(encoder.eval())
        export.write_part(self.model, "text_encoder", encoder)

    def _carry_unet_over_to(self, encoder: CLIPTextModel) -> None:
        """The U-Net that is there goes on reading, in what is linear, when its text encoder is replaced by this one."""
        replaced = CLIPTextModel.from_pretrained(self.model / "text_encoder", dtype=torch.float32).eval()
        unet = UNet2DConditionModel.from_pretrained(self.model / "unet", torch_dtype=torch.float32)
        new, old = (denoiser.sample_states(each, self._tokenizer()) for each in (encoder, replaced))
        Translation.fit(new, old).fold_into(unet)
        export.write_part(self.model, "unet", unet)

    def _export_vae(self, model: AutoencoderKL) -> None:
        export.write_part(self.model, "vae", model)
        drawn = held_out.pictures(held_out.scenes(128), self.size.pixels)
        self._report(f"vae: {vae.psnr(model, drawn):.2f} dB on held-out drawings")

    def _export_unet(self, unet: nn.Module) -> None:
        export.write_part(self.model, "unet", unet)
        self._draw_sheet("grid", PROMPTS)  # on the way, to see what has been learnt so far

    def _draw_sheet(self, name: str, prompts: Sequence[str]) -> None:
        """Their pictures in one PNG, four in a row."""
        pictures = self.paint(prompts)
        rows = [np.concatenate(list(pictures[start : start + 4]), axis=1) for start in range(0, len(prompts), 4)]
        sheet = Image.fromarray((np.concatenate(rows) * 255).round().astype(np.uint8))
        sheet.save(self.model / f"{name}.png", optimize=True)

    def _report(self, line: str) -> None:
        with (self.runs / "report.txt").open("a") as file:
            file.write(line + "\n")


def _in_style(prompt: str, style: str) -> str:
    return prompt if style == "flat" else f"{prompt}, {STYLE_WORDS[style][1][0]}"


def _text_weights(pair: CLIPModel, encoder: CLIPTextModel) -> dict[str, Tensor]:
    """The text tower's weights under the names that CLIPTextModel gives them."""
    inside = {name.removeprefix("text_model."): value for name, value in pair.text_model.state_dict().items()}
    return {name: inside[name.removeprefix("text_model.")] for name in encoder.state_dict()}
