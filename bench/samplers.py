"""The figures of docs/samplers.md: how errors fall with the steps, and every sampler's pictures of one seed.

python -m bench.samplers errors      # seconds; no model
python -m bench.samplers pictures    # minutes; the bundled model
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image, ImageDraw

from contract.catalogue import SAMPLERS, Sampler, SamplerId
from tests.worker.engine.moments import error
from worker.engine.conditioning import Words
from worker.engine.engine import Engine
from worker.engine.request import EngineRequest
from worker.engine.sigmas import exponential, karras
from worker.engine.ticket import Picture
from worker.models.loader import default_device, load

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "docs" / "samplers"
STEPS = (5, 10, 20, 50)
PROMPT, SEED, GUIDANCE, SIDE = "a red boat on the sea", 7, 5.0, 128
LEFT, TOP = 108, 18  # pixels around the pictures, for their names


def way(name: SamplerId, steps: int) -> list[float]:
    """Down from 14.6 to 0.1, evenly in log sigma; Restart goes back up once, halfway."""
    down = [float(sigma) for sigma in exponential(steps + 1, 0.1, 14.6)]
    if name != SamplerId.RESTART:
        return down
    turn = steps // 2
    return [*down[: turn + 1], *karras(steps // 4, down[turn], 4.0)[:-1], *down[turn:]]


def draw_errors() -> None:
    """Error of mean and deviation on a Gaussian target over steps, one panel with noise and one without."""
    import matplotlib as mpl  # only here: pictures do without

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    counts = (10, 14, 20, 28, 40, 56, 80, 113, 160, 226, 320)
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.6), sharey=True, layout="constrained")
    for panel, noisy in zip(panels, (False, True), strict=True):
        for sampler in SAMPLERS:
            if sampler.adds_noise == noisy and sampler.order:
                errors = [error(sampler.name.value, way(sampler.name, count)) for count in counts]
                panel.loglog(counts, errors, label=f"{sampler.label} ({sampler.order})", linewidth=1.3)
        panel.set(title="with fresh noise" if noisy else "without", xlabel="steps")
        panel.grid(alpha=0.3)
        panel.legend(fontsize=7, ncols=2, frameon=False)
    panels[0].set_ylabel("error of mean and deviation")
    figure.savefig(FIGURES / "errors.png", dpi=90)


def draw_pictures() -> None:
    """One row a sampler, one column a number of steps, on the schedule that suits the sampler best."""
    torch.manual_seed(0)
    engine = Engine(load(ROOT / "models" / "mini", *default_device()))
    engine.start()
    tickets = {(sampler.name, steps): engine.submit(ask(sampler, steps)) for sampler in SAMPLERS for steps in STEPS}
    sheet = Image.new("RGB", (LEFT + SIDE * len(STEPS), TOP + SIDE * len(SAMPLERS)), "white")
    pen = ImageDraw.Draw(sheet)
    for column, steps in enumerate(STEPS):
        pen.text((LEFT + column * SIDE + 4, 4), f"{steps} steps", "black")
    for row, sampler in enumerate(SAMPLERS):
        pen.text((4, TOP + row * SIDE + 4), f"{sampler.label}\n{sampler.schedules[0]}", "black")
        for column, steps in enumerate(STEPS):
            events = list(tickets[sampler.name, steps])
            (picture,) = [event.rgb for event in events if isinstance(event, Picture)]
            sheet.paste(Image.fromarray(picture), (LEFT + column * SIDE, TOP + row * SIDE))
    engine.stop()
    sheet.save(FIGURES / "pictures.webp", quality=80)


def ask(sampler: Sampler, steps: int) -> EngineRequest:
    return EngineRequest(
        words=(Words(PROMPT),),
        width=SIDE,
        height=SIDE,
        steps=steps,
        sampler=sampler.name.value,
        schedule=sampler.schedules[0].value,
        guidance=1.0 if sampler.name == SamplerId.LCM else GUIDANCE,
        seed=SEED,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="The figures of docs/samplers.md.")
    parser.add_argument("figure", choices=("errors", "pictures"))
    FIGURES.mkdir(exist_ok=True)
    {"errors": draw_errors, "pictures": draw_pictures}[parser.parse_args().figure]()


if __name__ == "__main__":
    main()
