"""A worker for tests, `celery -A tests.e2e.poisoned:app`: the product's own around a workshop with a poison in it.

A job whose prompt holds POISON crashes the process in mid-picture, as a fault in a driver does.
"""

import os
import signal
import threading

from contract.blobs import Blobs
from contract.kinds import JobRequest
from contract.settings import Settings, settings
from contract.store import Claim, JobStore, Work
from worker.engine.ticket import Progress, Ticket
from worker.main import WorkerProcess
from worker.model_workshop import ModelWorkshop, open_workshop
from worker.workshop import Run

POISON = "cyanide"


class PoisonedWorkshop:
    """All of a real workshop, but that `begin` keeps an eye on poisoned jobs."""

    def __init__(self, real: ModelWorkshop) -> None:
        self._real = real

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def begin(self, claim: Claim, request: JobRequest, work: Work) -> Run:
        run = self._real.begin(claim, request, work)
        if POISON in request.prompt:
            _crash_at_the_first_step(run.ticket)
        return run


def _crash_at_the_first_step(ticket: Ticket) -> None:
    plain = ticket.put

    def put(event: object) -> None:
        if isinstance(event, Progress) and event.step:
            os.kill(os.getpid(), signal.SIGSEGV)
            threading.Event().wait()  # until the signal has come
        plain(event)  # type: ignore[arg-type]

    ticket.put = put  # type: ignore[method-assign]


def open_poisoned(settings: Settings, store: JobStore, blobs: Blobs) -> PoisonedWorkshop:
    return PoisonedWorkshop(open_workshop(settings, store, blobs))


app = WorkerProcess(settings(), open_poisoned).app  # type: ignore[arg-type]  # the rest of it by __getattr__
