"""All that needs an accelerator to be known, in under ten minutes and with random weights: nothing is downloaded.

    python -m bench.gpu_check --out bench/results/gpu.json
    python -m bench.gpu_check --device cpu --sizes tiny --smoke --out /tmp/check.json    # does it run?

Parity with the CPU in float32, independence of batch mates and its cost, the step-time curve beside the roofline, and
the benchmark, for Stable Diffusion 1.5's and SDXL's sizes. What is done is written after each part.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bench import aims, engine, report, roofline
from bench.contest import Plan
from bench.peers import synchronize
from bench.pipelines import Clock
from bench.random_models import CONFIGS, Size, build
from bench.workloads import SAMPLERS, Scale, plain
from worker.engine.flight import Flight
from worker.engine.job import Job
from worker.engine.request import EngineRequest
from worker.engine.runner import BUCKETS, Runner
from worker.engine.ticket import Ticket
from worker.models.loader import Components
from worker.models.preview import PreviewMap

log = logging.getLogger(__name__)

PEAKS = {  # dense bfloat16 TFLOP/s and TB/s by what a device is called, from their data sheets
    "H200": (989.0, 4.8), "H100 PCIe": (756.0, 2.0), "H100": (989.0, 3.35), "A100": (312.0, 2.0),
    "L40S": (362.0, 0.864), "L4": (121.0, 0.3), "RTX 4090": (165.0, 1.01),
}  # fmt: skip


def onto(components: Components, device: torch.device) -> Components:
    """A copy of a model, the same weights, on another device."""
    parts = {name: deepcopy(getattr(components, name)).to(device) for name in ("text_encoder", "unet", "vae")}
    preview = PreviewMap(components.preview.weight.to(device), components.preview.bias.to(device))
    return replace(components, device=device, preview=preview, **parts)


@contextmanager
def full_precision() -> Iterator[None]:
    """float32 products of float32 numbers: no TensorFloat-32."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def board(runner: Runner, request: EngineRequest) -> Flight:
    return runner.board(Job.of(Ticket(request), runner.levels, runner.components.ends_clean), 0)


@torch.inference_mode()
def latents(runner: Runner, requests: Sequence[EngineRequest]) -> list[Tensor]:
    """The finished latents (C, h, w) of these, flown together, on the CPU."""
    flights = [board(runner, request) for request in requests]
    while flying := [flight for flight in flights if flight.landed is None]:
        for flight, answer in zip(flying, runner.denoise(flying), strict=True):
            flight.advance(answer)
    return [flight.landed.cpu() for flight in flights if flight.landed is not None]


def parity(device: torch.device, steps: int = 10) -> dict[str, float]:
    """Relative distance of the tiny model's latents here and on the CPU, in float32, by sampler."""
    at_home = build("tiny", torch.device("cpu"), torch.float32)
    scale = Scale(at_home.native_size)
    asked = {name: plain(scale, i, steps=steps, sampler=name) for i, name in enumerate(SAMPLERS)}
    with full_precision():
        ours = latents(Runner(at_home), list(asked.values()))
        theirs = latents(Runner(onto(at_home, device)), list(asked.values()))
    return {name: float((a - b).norm() / a.norm()) for name, a, b in zip(asked, ours, theirs, strict=True)}


@torch.inference_mode()
def independence(components: Components, mates: int = 7, steps: int = 4) -> dict[str, Any]:
    """One picture alone and among others, bit for bit, with the engine's own choice of batch sizes and without.

    buckets: those not found to disagree; cost: how much longer a call of all of them takes for the choice.
    """
    asked = [plain(Scale(components.native_size), i, steps=steps) for i in range(1 + mates)]
    runners = {"strict": Runner(components), "free": Runner(components, strict=False)}
    found: dict[str, Any] = {"rows": 2 * len(asked)}
    for name, runner in runners.items():
        alone, among = latents(runner, asked[:1])[0], latents(runner, asked)[0]
        found[name] = {
            "same_bits": torch.equal(alone, among),
            "largest_difference": float((alone - among).abs().max()),
            "buckets": [size for size in BUCKETS if size not in runner.unet.apart],
        }
    taken = _calls_in_turn(
        {name: (runner, [board(runner, each) for each in asked]) for name, runner in runners.items()}
    )
    for name, ms in taken.items():
        found[name]["ms_a_call"] = ms
    return found | {"cost": taken["strict"] / taken["free"] - 1}


def _calls_in_turn(sides: Mapping[str, tuple[Runner, list[Flight]]], times: int = 7) -> dict[str, float]:
    """Milliseconds of one call of each side, medians of calls in turn after one that warms up."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(times + 1):
        for name, (runner, flights) in sides.items():
            clock = Clock()
            runner.denoise(flights)
            synchronize(runner.components.device)
            taken[name].append(1e3 * clock())
    return {name: statistics.median(each[1:]) for name, each in taken.items()}


def step_times(components: Components, size: Size, rows: Sequence[int], peaks: tuple[float, float] | None) -> Any:
    """The step-time curve; beside it, where the device's peaks are known, the share of the roofline reached."""
    curve = aims.curve(components, Scale(components.native_size), rows)
    model = roofline.shapes(size, components.dtype)
    found: list[dict[str, float]] = []
    for count, ms in curve.calls.items():
        work = model.unet_call(count)
        least = {} if peaks is None else {"ms_at_least": 1e3 * work.limit(*peaks)}
        share = {} if peaks is None else {"share_of_roofline": least["ms_at_least"] / ms}
        found.append({"rows": count, "ms": ms, "tflops": work.flops / ms / 1e9, **least, **share})
    return {"a": curve.a, "c": curve.c, "decode_ms": curve.decode, "calls": found}


def plan_for(components: Components, minutes: float) -> Plan:
    """Mixed work, all peers, load 0.8, in as many of three rounds as there is time for."""
    small = components.native_size <= 512
    scale = Scale(components.native_size, requests=24 if small else 16, burst=64 if small else 32)
    return Plan(scale, rounds=3, minutes=minutes, workloads=("mixed",), loads=(0.8,))


class Check:
    """The parts one after the other, while there is time; what is known is kept in a file."""

    def __init__(self, out: Path, minutes: float) -> None:
        self.found: dict[str, Any] = {}
        self._out, self._minutes, self._clock = out, minutes, Clock()

    @property
    def minutes_left(self) -> float:
        return self._minutes - self._clock() / 60

    def part(self, name: str, do: Callable[[], Any]) -> None:
        """Do a part and keep what it finds; a fault in it is kept too, and the others go on."""
        if self.minutes_left <= 0:
            self.found[name] = {"skipped": "no time was left"}
        else:
            begin = self._clock()
            try:
                self.found[name] = do()
            except Exception:
                log.exception("%s failed", name)
                self.found[name] = {"error": traceback.format_exc()}
            self.found.setdefault("seconds", {})[name] = round(self._clock() - begin, 1)
        self._out.parent.mkdir(parents=True, exist_ok=True)
        self._out.write_text(json.dumps(self.found, indent=1) + "\n", "utf-8")


def run(out: Path, device: torch.device, sizes: Sequence[Size], peaks: tuple[float, float] | None, minutes: float,
        *, smoke: bool) -> Mapping[str, Any]:  # fmt: skip
    """Everything; returns what was written to `out`."""
    check = Check(out, minutes)
    check.found["peaks"] = peaks
    check.part("parity", lambda: parity(device))
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    for number, size in enumerate(sizes):
        components = build(size, device, dtype)
        plan = engine.smoke(components.native_size) if smoke else plan_for(
            components, max(0.5, check.minutes_left / (len(sizes) - number) - 1.5)
        )  # fmt: skip
        rows = [each for each in (1, 2, *BUCKETS) if each <= plan.max_rows]
        check.part(f"{size}: independence", lambda c=components: independence(c))  # type: ignore[misc]
        check.part(f"{size}: curve", lambda c=components, s=size, r=rows: step_times(c, s, r, peaks))  # type: ignore[misc]
        check.part(f"{size}: bench", lambda c=components, p=plan: engine.bench(c, p)[1])  # type: ignore[misc]
        del components
        if device.type == "cuda":
            torch.cuda.empty_cache()
    return check.found


def known_peaks(device: torch.device) -> tuple[float, float] | None:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else ""
    return next((peaks for part, peaks in PEAKS.items() if part in name), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=report.RESULTS / "gpu.json")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--sizes", nargs="+", default=["sd15", "sdxl"], choices=list(CONFIGS))
    parser.add_argument("--minutes", type=float, default=9.0, help="no part begins after so many")
    parser.add_argument("--tflops", type=float, help="the device's peak; known for some")
    parser.add_argument("--tbps", type=float, help="its memory's terabytes a second")
    parser.add_argument("--smoke", action="store_true", help="little of everything")
    options = parser.parse_args()
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        parser.error("no CUDA device here; --device cpu --sizes tiny --smoke tries it without one")
    peaks = (options.tflops, options.tbps) if options.tflops and options.tbps else known_peaks(device)
    found = run(options.out, device, options.sizes, peaks, options.minutes, smoke=options.smoke)
    print(json.dumps({name: part for name, part in found.items() if "bench" not in name}, indent=1))
    failed = [name for name, part in found.items() if isinstance(part, dict) and "error" in part]
    if failed:
        parser.exit(1, f"failed: {', '.join(failed)}\n")
    print(options.out)


if __name__ == "__main__":
    main()
