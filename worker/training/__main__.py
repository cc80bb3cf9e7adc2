"""`python -m worker.training`: every stage of the bundled model's training, one after the other or alone.

tokenizer   byte-pair encoding from the captions                     models/mini/tokenizer
clip        a CLIP pair; its text encoder                            models/mini/clip, text_encoder
vae         the autoencoder; the preview's linear map                models/mini/vae, preview.json
decoder     the autoencoder's decoder alone, on from where it is     models/mini/vae
denoiser    the U-Net on the autoencoder's latents                   models/mini/unet
captioner   a BLIP that begins with CLIP's eyes                      models/mini/captioner
classifier  the judge of `evaluate`, no part of the model            models/judge
evaluate    the table of what it can do, on captions never seen      runs/evaluation/report.json
grid        fixed prompts with diffusers' pipeline                   models/mini/grid.png
card        loss curves, the table, hashes, the account of all this  models/mini/MODEL_CARD.md
all         all of these, in one box of time
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from worker.training.evaluate import PICTURES
from worker.training.objective import NOISES, TARGETS, Objective
from worker.training.sizes import SIZES
from worker.training.stages import Studio

SHARES = {"clip": 0.15, "vae": 0.12, "classifier": 0.06, "captioner": 0.09, "denoiser": 0.58}  # of the minutes of `all`
UNTIMED = ("tokenizer", "evaluate", "grid", "card")
ASIDE = ("compare", "decoder")  # timed, and no part of `all`


def main() -> None:
    arguments = _parser().parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.runs.mkdir(parents=True, exist_ok=True)
    objective = Objective(arguments.target, arguments.noise)
    size, warm = SIZES[arguments.size], arguments.warm
    studio = Studio(arguments.runs, arguments.model, size, objective, arguments.device, warm, arguments.pictures)
    if arguments.stage == "all":
        studio.tokenizer()
        plan = {stage: arguments.minutes * share for stage, share in SHARES.items()}
        print("; ".join(f"{stage} {minutes:.0f} min" for stage, minutes in plan.items()))
        for stage, minutes in plan.items():
            getattr(studio, stage)(minutes)
        studio.evaluate()
        studio.grid()
        studio.card()
    elif arguments.stage in (*SHARES, *ASIDE):
        getattr(studio, arguments.stage)(arguments.minutes)
    else:
        getattr(studio, arguments.stage)()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m worker.training", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stage", choices=[*UNTIMED, *SHARES, *ASIDE, "all"], nargs="?", default="all")
    parser.add_argument("--minutes", type=float, default=120.0, help="time to train, over all resumed runs")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="checkpoints, logs and cached drawings")
    parser.add_argument("--model", type=Path, default=Path("models/mini"), help="the folder to write")
    parser.add_argument("--size", choices=SIZES, default="small", help="small: 128×128, for CPUs; large: 256×256")
    parser.add_argument("--target", choices=TARGETS, default="v", help="what the U-Net predicts")
    parser.add_argument("--noise", choices=NOISES, default="scaled_linear", help="the noise schedule")
    parser.add_argument("--pictures", type=int, default=PICTURES, help="to judge in `evaluate`")
    parser.add_argument("--warm", action="store_true", help="begin with the weights in --model, not with random ones")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    return parser


if __name__ == "__main__":
    main()
