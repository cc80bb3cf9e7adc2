"""The engine against diffusers' pipeline, one request at a time and as one static batch of equal requests.

Same weights, threads and dtype, one process, rounds in turn. Prints a table and keeps it under bench/results.

    python -m bench.engine            # the whole of it
    python -m bench.engine --smoke    # a minute, to see that it runs
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

from worker.engine.conditioning import Words
from worker.engine.engine import Engine
from worker.engine.flight import Flight
from worker.engine.job import Job
from worker.engine.request import EngineRequest, Picture, Ticket
from worker.engine.runner import BUCKETS, Rows, Runner
from worker.models.loader import Components, default_device, load

ROOT = Path(__file__).parents[1]
SUBJECTS = ("cat", "dog", "bird", "fish", "boat", "house", "tree", "car", "flower", "horse", "kitten", "palm tree")
PLACES = ("on a beach", "in a meadow", "in the snow", "in the city", "in the mountains", "in the desert")
GUIDANCE = 5.0


@dataclass(frozen=True)
class Load:
    """What is asked for: `requests` pictures of `steps` DPM++ 2M steps, guided, at the model's own size."""

    requests: int
    steps: int
    rounds: int

    def prompts(self) -> list[str]:
        return [f"a {SUBJECTS[i % len(SUBJECTS)]} {PLACES[i % len(PLACES)]}" for i in range(self.requests)]


@dataclass(frozen=True)
class Result:
    """One way of serving under one pattern of arrivals. Latency from a request's arrival, in seconds."""

    name: str
    arrivals: str
    images_per_second: float
    p50: float
    p95: float


Serve = Callable[[Sequence[float]], list[float]]  # arrival times → finishing times, seconds from the start


class Contest:
    """The three ways of serving, on one model."""

    def __init__(self, model: Path, load_: Load) -> None:
        self.load = load_
        device, dtype = default_device()
        self.components: Components = load(model, device, dtype)
        self.runner = Runner(self.components)
        self._engine = Engine(self.components)
        self._engine.start()
        pipeline = StableDiffusionPipeline.from_pretrained(str(model), dtype=dtype, local_files_only=True).to(device)
        pipeline.scheduler = DPMSolverMultistepScheduler.from_config(
            pipeline.scheduler.config, timestep_spacing="linspace", use_karras_sigmas=True
        )
        pipeline.set_progress_bar_config(disable=True)
        self._pipeline: Any = pipeline

    def engine(self, arrivals: Sequence[float]) -> list[float]:
        """This engine: every request is submitted as it arrives."""
        begin = time.perf_counter()
        finished = [0.0] * len(arrivals)

        def follow(i: int, request: EngineRequest) -> None:
            for event in self._engine.submit(request):
                if isinstance(event, Picture):
                    finished[i] = time.perf_counter() - begin

        readers = []
        for i, (arrival, prompt) in enumerate(zip(arrivals, self._prompts(len(arrivals)), strict=True)):
            time.sleep(max(0.0, arrival - (time.perf_counter() - begin)))
            readers.append(threading.Thread(target=follow, args=(i, self._request(prompt, i))))
            readers[-1].start()
        for reader in readers:
            reader.join()
        return finished

    def stop(self) -> None:
        self._engine.stop()

    def one_at_a_time(self, arrivals: Sequence[float]) -> list[float]:
        """(a) the pipeline, one request after the other."""
        return self._in_batches(arrivals, largest=1)

    def static_batch(self, arrivals: Sequence[float]) -> list[float]:
        """(b) the pipeline, on all that waits when it is free, as one batch; who comes later waits for its end."""
        return self._in_batches(arrivals, largest=self.load.requests)

    def _in_batches(self, arrivals: Sequence[float], largest: int) -> list[float]:
        begin = time.perf_counter()
        prompts = self._prompts(len(arrivals))
        finished: list[float] = []
        while len(finished) < len(arrivals):
            first = len(finished)
            time.sleep(max(0.0, arrivals[first] - (time.perf_counter() - begin)))
            now = time.perf_counter() - begin
            batch = [i for i in range(first, len(arrivals)) if arrivals[i] <= now][:largest]
            self._pipeline(
                [prompts[i] for i in batch],
                num_inference_steps=self.load.steps,
                guidance_scale=GUIDANCE,
                generator=[torch.Generator("cpu").manual_seed(i) for i in batch],
                output_type="np",
            )
            finished += [time.perf_counter() - begin] * len(batch)
        return finished

    def _prompts(self, count: int) -> list[str]:
        prompts = self.load.prompts()
        return [prompts[i % len(prompts)] for i in range(count)]

    def _request(self, prompt: str, seed: int) -> EngineRequest:
        side = self.components.native_size
        return EngineRequest(
            words=(Words(prompt),), width=side, height=side, steps=self.load.steps, sampler="dpmpp_2m",
            schedule="karras", guidance=GUIDANCE, seed=seed,
        )  # fmt: skip

    def _board(self, runner: Runner) -> Flight:
        return runner.board(Job.of(Ticket(self._request("a cat", 0)), runner.levels, ends_clean=True), 0)

    @torch.inference_mode()
    def step_times(self) -> dict[int, float]:
        """Milliseconds of one U-Net call by rows, the median of five: 2 rows is what (a) pays a step."""
        components = self.components
        side = components.native_size // components.vae_scale
        text = self._board(self.runner).stage.texts[:1]
        return {
            rows: 1e3
            * self._median_time(
                lambda rows=rows: self.runner.call(  # type: ignore[misc]  # bound early on purpose
                    rows,
                    Rows(
                        torch.randn(rows, components.latent_channels, side, side, device=components.device),
                        torch.full((rows,), 500.0),
                        torch.ones(rows),
                        text.expand(rows, -1, -1),
                    ),
                )
            )
            for rows in (2, *BUCKETS)
        }

    @torch.inference_mode()
    def fixed_time(self) -> float:
        """Seconds a picture costs beside its steps: one text encoded and one latent decoded."""
        components = self.components
        side = components.native_size // components.vae_scale
        latent = torch.randn(components.latent_channels, side, side, device=components.device)
        decode = self._median_time(lambda: self.runner.decode(latent).wait())
        return decode + self._median_time(lambda: self._board(Runner(components))) / 2

    def _median_time(self, work: Callable[[], object], times: int = 5) -> float:
        taken = []
        for _ in range(times + 1):
            begin = time.perf_counter()
            work()
            if self.components.device.type == "cuda":
                torch.cuda.synchronize()
            taken.append(time.perf_counter() - begin)
        return statistics.median(taken[1:])  # the first warms up


def measure(name: str, pattern: str, arrivals: Sequence[float], serve: Serve) -> Result:
    finished = serve(arrivals)
    waits = sorted(end - begin for begin, end in zip(arrivals, finished, strict=True))
    return Result(
        name,
        pattern,
        len(waits) / (max(finished) - arrivals[0]),
        statistics.median(waits),
        waits[min(len(waits) - 1, int(0.95 * len(waits)))],
    )


def median(results: Sequence[Result]) -> Result:
    """The round in the middle, figure by figure."""
    first = results[0]
    figures = ([r.images_per_second for r in results], [r.p50 for r in results], [r.p95 for r in results])
    return Result(first.name, first.arrivals, *(statistics.median(values) for values in figures))


def compete(contest: Contest) -> list[Result]:
    """A burst, several rounds in turn, then Poisson arrivals at 0.8 of what the engine did in the burst."""
    load_ = contest.load
    ways: dict[str, Serve] = {
        "engine": contest.engine,
        "(a) one at a time": contest.one_at_a_time,
        "(b) static batch": contest.static_batch,
    }
    for serve in ways.values():
        serve([0.0] * load_.requests)  # warms up: buckets are tried, kernels chosen
    together = [0.0] * load_.requests
    rounds = [[measure(name, "together", together, ways[name]) for name in ways] for _ in range(load_.rounds)]
    results = [median(way) for way in zip(*rounds, strict=True)]
    rng = random.Random(0)
    rate = 0.8 * results[0].images_per_second
    arrivals = [0.0]
    while len(arrivals) < 3 * load_.requests:
        arrivals.append(arrivals[-1] + rng.expovariate(rate))
    results += [measure(name, f"Poisson, {rate:.2f}/s", arrivals, serve) for name, serve in ways.items()]
    return results


def promise(load_: Load, step_ms: dict[int, float], fixed: float) -> float:
    """Speed-up over (a) that the step-time curve promises: a picture alone against its share of a full batch."""
    rows = min(2 * load_.requests, BUCKETS[-1])
    bucket = next(size for size in BUCKETS if size >= rows)
    alone = load_.steps * step_ms[2] / 1e3 + fixed
    shared = load_.steps * step_ms[bucket] / 1e3 / (rows / 2) + fixed
    return alone / shared


def surroundings(components: Components) -> dict[str, Any]:
    """Machine, date and commit."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    cpus = [line.split(":")[1].strip() for line in _read("/proc/cpuinfo").splitlines() if line.startswith("model name")]
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain") else ""),
        "machine": f"{platform.system()} {platform.machine()}, {len(cpus)} cores, {cpus[0] if cpus else '?'}",
        "device": torch.cuda.get_device_name() if components.device.type == "cuda" else "cpu",
        "dtype": str(components.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "model": f"{components.name} {components.sha256[:12]}",
    }


def _read(path: str) -> str:
    file = Path(path)
    return file.read_text() if file.exists() else ""


def report(
    where: dict[str, Any], load_: Load, results: Sequence[Result], step_ms: dict[int, float], promised: float
) -> str:
    """The table, as Markdown."""
    engine, alone, static = results[:3]
    speed_up = engine.images_per_second / alone.images_per_second
    lines = [
        f"# Engine, {where['date']}",
        "",
        f"{where['machine']}; {where['device']}, {where['dtype']}, {where['threads']} threads, torch {where['torch']};",
        f"model {where['model']}; commit {where['commit']}.",
        f"{load_.requests} requests of {load_.steps} steps (DPM++ 2M, Karras, guidance {GUIDANCE}), median of"
        f" {load_.rounds} rounds; Poisson: {3 * load_.requests} requests at 0.8 of the engine's own capacity.",
        "",
        "| | arrivals | images/s | p50 s | p95 s |",
        "|---|---|---|---|---|",
        *(f"| {r.name} | {r.arrivals} | {r.images_per_second:.3f} | {r.p50:.2f} | {r.p95:.2f} |" for r in results),
        "",
        f"Throughput against (b): {engine.images_per_second / static.images_per_second:.3f} (aim 0.95).",
        f"Speed-up over (a): {speed_up:.2f}; the step-time curve promises {promised:.2f}.",
        "",
        "| rows | ms a call | ms a row |",
        "|---|---|---|",
        *(f"| {rows} | {ms:.1f} | {ms / rows:.1f} |" for rows, ms in step_ms.items()),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "mini")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--smoke", action="store_true", help="4 requests of 3 steps, once, and keep nothing")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    load_ = Load(requests=4, steps=3, rounds=1) if options.smoke else Load(requests=16, steps=20, rounds=3)
    contest = Contest(options.model, load_)
    results = compete(contest)
    contest.stop()
    step_ms = contest.step_times()
    promised = promise(load_, step_ms, contest.fixed_time())
    where = surroundings(contest.components)
    text = report(where, load_, results, step_ms, promised)
    print(text)
    if not options.smoke:
        folder = ROOT / "bench" / "results"
        folder.mkdir(exist_ok=True)
        name = folder / f"engine-{where['date'][:10]}"
        name.with_suffix(".md").write_text(text, "utf-8")
        figures = {
            "where": where, "load": asdict(load_), "results": [asdict(r) for r in results],
            "step_ms": step_ms, "promised_speed_up": promised,
        }  # fmt: skip
        name.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
