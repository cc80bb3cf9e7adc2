"""What a `Worker` works with.

Neither this nor worker.py, relay.py and main.py import torch: tests/chaos has a workshop without a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from contract.jobs import MemoryUse, ModelInfo
from contract.kinds import JobRequest
from contract.store import Claim, Work
from contract.verification import MadeBy
from worker.engine.pulse import Pulse
from worker.engine.ticket import Ticket, Trace
from worker.plan import Plan


class Memory(Protocol):
    """The checkpoints of one claim. Nothing here ever fails a job: without them it only takes longer."""

    def keep(self, traces: Mapping[int, Trace]) -> None:
        """Write how far these images came, for whoever claims the job next."""
        ...

    def forget(self) -> None:
        """The job has ended."""
        ...


@dataclass(frozen=True)
class Run:
    """A claimed job under way: what happens on its ticket, and what is made of it."""

    ticket: Ticket
    plan: Plan
    memory: Memory


class Workshop(Protocol):
    """An engine with its model, and how a job is gone about there. `begin` is called from many threads at once."""

    @property
    def model(self) -> ModelInfo: ...

    @property
    def device(self) -> str:
        """Its name, for people."""
        ...

    @property
    def memory(self) -> MemoryUse | None:
        """What this worker takes of the device's memory; asked at every beat, so it must be quick."""
        ...

    @property
    def maker(self) -> str:
        """16 hex digits for all that bytes depend on beside the request."""
        ...

    @property
    def made_by(self) -> MadeBy:
        """That by itself, by name; noted with each picture."""
        ...

    @property
    def counters(self) -> Mapping[str, float]:
        """Counts since the start and what is there now; `rows_in_flight` among them."""
        ...

    @property
    def pulse(self) -> Pulse:
        """Signs of life of the thread that does the work."""
        ...

    def tokenizer(self) -> str:
        """The model's tokenizer as JSON, for the api to show tokens."""
        ...

    def start(self) -> None:
        """Make everything ready, so that the first job does not wait for it."""
        ...

    def stop(self, seconds: float) -> None:
        """Take no more; what has not finished ends with a last checkpoint and Failed("engine_stopped").

        seconds: to wait for it at most.
        """
        ...

    def begin(self, claim: Claim, request: JobRequest, work: Work) -> Run:
        """Read the inputs of a claimed job and submit it, from where an earlier claim came. Raises JobFailed."""
        ...
