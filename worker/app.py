"""Celery's entry: `python -m celery -A worker.app:app worker --pool=threads --concurrency=16`.

The process loads the model before it takes its first hint. SIGTERM drains it; a second SIGTERM hands every job back
and ends at once. Celery's own warm shutdown waits without limit, so the ending is ours.
"""

import logging
import os
import signal
import threading
from types import FrameType
from typing import Any

import torch
from celery.signals import setup_logging, worker_init, worker_ready

from contract.blobs import Blobs
from contract.broker import RUN, make_celery
from contract.reaper import Reaper
from contract.redact import redact_logs
from contract.settings import Settings
from contract.settings import settings as read_settings
from contract.store import JobStore, connect
from worker.models.loader import default_device, load
from worker.worker import Worker

log = logging.getLogger(__name__)

settings = read_settings()
app = make_celery(settings)
_worker: list[Worker] = []  # the one worker of this process, once its model is loaded


@app.task(name=RUN)  # type: ignore[untyped-decorator]  # celery ships no types
def run(job_id: str) -> None:
    """A hint that there may be work; the ledger knows."""
    for worker in _worker:
        worker.run(job_id)


@setup_logging.connect  # type: ignore[untyped-decorator]  # celery ships no types
def _log(**_: Any) -> None:
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    redact_logs(settings)
    logging.getLogger("celery").setLevel(max(logging.WARNING, logging.getLogger().level))


@worker_init.connect  # type: ignore[untyped-decorator]  # celery ships no types
def _begin(**_: Any) -> None:
    try:
        _worker.append(start_worker(settings))
    except Exception as error:
        log.exception("the worker cannot start")
        raise SystemExit(1) from error  # Celery would log any other exception and take jobs without a model


@worker_ready.connect  # type: ignore[untyped-decorator]  # celery ships no types
def _take_signals(**_: Any) -> None:
    signal.signal(signal.SIGTERM, _on_sigterm)


def start_worker(settings: Settings) -> Worker:
    """Load the model, warm up, and let the reaper run beside."""
    if settings.threads:
        torch.set_num_threads(settings.threads)
    store, blobs = JobStore(connect(settings)), Blobs(settings.blobs)
    worker = Worker(settings, store, blobs, load(settings.model, *placement(settings)))
    worker.start()
    Reaper(store, blobs, app, settings).start()
    return worker


def placement(settings: Settings) -> tuple[torch.device, torch.dtype]:
    """Where the model runs, and in which number format."""
    device, dtype = default_device()
    if settings.device != "auto":
        device = torch.device(settings.device)
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    return device, dtype if settings.dtype == "auto" else getattr(torch, settings.dtype)


def _on_sigterm(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signature of a signal handler
    signal.signal(signal.SIGTERM, lambda *_: _leave(drain=False))
    threading.Thread(target=_leave, name="drain").start()


def _leave(*, drain: bool = True) -> None:
    """End the process; whatever happens here, a lease that runs out frees the jobs."""
    try:
        for worker in _worker:
            worker.drain() if drain else worker.release_all()
    finally:
        logging.shutdown()
        os._exit(0)
