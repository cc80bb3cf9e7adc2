"""A workshop without a model, for scenarios of thousands of jobs: a double of `worker.workshop.Workshop`.

One thread plays the engine: every tick all jobs in the air make a step, however many they are, as rows of one U-Net
call would. A finished picture is a function of prompt and seed (`pixels`), so a checker can tell what must come out.
It never imports torch, so that a killed worker is back within a second.

Faults are words of the prompt, so a scenario needs no other way into the process:

| word | what happens at the job's first step |
|---|---|
| `SEGFAULT` | the process dies of SIGSEGV |
| `OOM` | the engine ends the job with `out_of_memory` |
| `NAN` | the engine ends the job with `nan_image` |
| `HANG` | the engine's thread never comes back |
| `BROKEN` | the device is lost, as by a sticky CUDA error; the first time only |
"""

import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from contract.blobs import Blobs
from contract.jobs import ModelInfo
from contract.kinds import JobRequest
from contract.requests import Txt2Img
from contract.settings import ROOT, Settings
from contract.store import Claim, JobStore, Work
from contract.verification import MadeBy
from worker.engine.pulse import Activity, Pulse
from worker.engine.ticket import Cancelled, Done, Failed, Picture, Progress, Ticket, Trace
from worker.plan import Print, told
from worker.workshop import Run

Pixels = npt.NDArray[np.uint8]

SIDE = 8  # pixels
FAULTS = {
    "OOM": Failed("out_of_memory", "injected"),
    "NAN": Failed("nan_image", "injected"),
}
MODEL = ModelInfo(  # under the name of the one in settings, which is the one the api asks for
    name="mini", label="Paced", description="pictures by arithmetic", hash="0" * 64, native_width=64, native_height=64,
    prediction="v_prediction", text_layers=2,
)  # fmt: skip


def pixels(prompt: str, seed: int) -> Pixels:
    """The one picture that this prompt and seed give, (8, 8, 3)."""
    data = hashlib.shake_256(json.dumps([prompt, seed]).encode()).digest(SIDE * SIDE * 3)
    return np.frombuffer(data, np.uint8).reshape(SIDE, SIDE, 3)


class NoMemory:
    """Nothing is kept: a lost job begins anew."""

    def keep(self, traces: Mapping[int, Trace]) -> None:
        pass

    def forget(self) -> None:
        pass


@dataclass(frozen=True)
class PacedPlan:
    """Each picture is stored as it comes."""

    request: Txt2Img
    requests: tuple[()] = ()

    def develop(self, picture: Picture) -> Iterator[Print]:
        request = self.request
        made_from = told(request, (request.prompt, request.negative_prompt))
        yield Print(picture.index, picture.seed, "output", picture.rgb, made_from)

    def recall(self, kept: Mapping[int, str], /) -> frozenset[int]:
        return frozenset()

    def finish(self) -> Iterator[Print]:
        return iter(())


@dataclass
class _Flight:
    request: Txt2Img
    step: int = 0
    ticket: Ticket = field(default_factory=Ticket)

    @property
    def steps(self) -> int:
        return self.request.steps * self.request.count


class PacedWorkshop:
    """See the table above. step_seconds: of one tick; slots: most jobs in the air; marks: folder."""

    model, device, memory, maker = MODEL, "none", None, "paced"
    made_by: MadeBy = {"device": "none"}  # noqa: RUF012

    def __init__(self, step_seconds: float, slots: int, marks: Path) -> None:
        self.pulse = Pulse()
        self._marks = marks  # one file for each fault that happens once
        self._stopping = False
        self._step_seconds, self._slots = step_seconds, slots
        self._wake = threading.Condition()
        self._flights: list[_Flight] = []
        self._counters = {"ticks": 0.0, "jobs": 0.0, "images": 0.0, "rows_in_flight": 0.0}

    @property
    def counters(self) -> Mapping[str, float]:
        return self._counters

    def tokenizer(self) -> str:
        return (ROOT / "models" / "mini" / "tokenizer" / "tokenizer.json").read_text("utf-8")

    def start(self) -> None:
        threading.Thread(target=self._run, name="engine", daemon=True).start()

    def begin(self, claim: Claim, request: JobRequest, work: Work) -> Run:
        assert isinstance(request, Txt2Img), "scenarios ask for nothing else"
        flight = _Flight(request)
        with self._wake:
            self._flights.append(flight)
            self._wake.notify()
        return Run(flight.ticket, PacedPlan(request), NoMemory())

    def stop(self, seconds: float) -> None:
        self._stopping = True

    def _run(self) -> None:
        while True:
            self.pulse.beat(Activity.RESTING)
            with self._wake:
                self._wake.wait_for(lambda: self._flights)
            self.pulse.beat()
            with self._wake:
                flying = self._flights[: self._slots]
            time.sleep(self._step_seconds)
            self._count(ticks=1, rows_in_flight=len(flying) - self._counters["rows_in_flight"])
            for flight in flying:
                self._step(flight)
            with self._wake:
                self._flights = [flight for flight in self._flights if not flight.ticket.ended]

    def _step(self, flight: _Flight) -> None:
        request, ticket = flight.request, flight.ticket
        if ticket.cancelled or self._stopping:
            ticket.put(Cancelled() if ticket.cancelled else Failed("engine_stopped", "the worker is shutting down"))
            return
        self._inject(request.prompt, ticket)
        flight.step += 1
        ticket.put(Progress(flight.step, flight.steps))
        index, rest = divmod(flight.step, request.steps)
        if not rest:
            seed = (request.seed or 0) + index - 1
            ticket.put(Picture(index - 1, seed, pixels(request.prompt, seed)))
            self._count(images=1)
        if flight.step == flight.steps:
            ticket.put(Done())
            self._count(jobs=1)

    def _inject(self, prompt: str, ticket: Ticket) -> None:
        """The fault that a prompt asks for."""
        words = prompt.split()
        if "SEGFAULT" in words:
            os.kill(os.getpid(), signal.SIGSEGV)
        if "HANG" in words:
            threading.Event().wait()
        mark = self._marks / hashlib.sha256(prompt.encode()).hexdigest()
        if "BROKEN" in words and not mark.exists():
            self._marks.mkdir(parents=True, exist_ok=True)
            mark.touch()
            self.pulse.broken = True
            threading.Event().wait()  # the watchdog ends the process
        for word in FAULTS.keys() & words:
            ticket.put(FAULTS[word])

    def _count(self, **more: float) -> None:
        self._counters = {**self._counters, **{name: self._counters[name] + value for name, value in more.items()}}


def open_paced(settings: Settings, store: JobStore, blobs: Blobs) -> PacedWorkshop:
    """As `worker.model_workshop.open_workshop`; PACED_STEP in the environment is the length of a tick in seconds."""
    return PacedWorkshop(float(os.environ.get("PACED_STEP", "0.01")), settings.concurrency, settings.data / "faults")
