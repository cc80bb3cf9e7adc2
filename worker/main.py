"""The process of a worker, around whichever workshop it is given.

The workshop is opened before the first hint is taken. SIGTERM drains the worker; a second SIGTERM hands every job back
and ends at once. Celery's own warm shutdown waits without limit, so the ending is ours.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from celery.signals import setup_logging, worker_init, worker_ready

from contract import logs
from contract.blobs import Blobs, open_blobs
from contract.broker import make_celery
from contract.deaths import death
from contract.hints import RUN
from contract.library import open_library
from contract.reaper import Reaper
from contract.redis_check import refuse_evicting
from contract.settings import Settings
from contract.store import JobStore, connect
from contract.tracing import open_tracing
from worker.watchdog import Watchdog
from worker.worker import Worker
from worker.workshop import Workshop

log = logging.getLogger(__name__)

Opener = Callable[[Settings, JobStore, Blobs], Workshop]


class WorkerProcess:
    """What Celery's signals and the kernel's do to one worker. `app` is for `celery -A`."""

    def __init__(self, settings: Settings, open_workshop: Opener) -> None:
        self.app = make_celery(settings)
        self._settings, self._open_workshop = settings, open_workshop
        self._worker: Worker | None = None  # once its workshop is open
        self._watchdog: Watchdog | None = None
        self.app.task(name=RUN)(self._run)
        setup_logging.connect(self._log, weak=False)
        worker_init.connect(self._begin, weak=False)
        worker_ready.connect(self._take_signals, weak=False)

    def _run(self, job_id: str) -> None:
        """A hint that there may be work, this job or another; the ledger knows."""
        log.debug("hint: %s", job_id)
        if self._worker is not None:
            self._worker.run()

    def _log(self, **_: Any) -> None:
        logs.set_up(self._settings)
        logging.getLogger("celery").setLevel(max(logging.WARNING, logging.getLogger().level))

    def _begin(self, **_: Any) -> None:
        try:
            self._worker = self._start_worker()
        except Exception as error:
            log.exception("the worker cannot start")
            raise SystemExit(1) from error  # Celery would log any other exception and take jobs without a model

    def _start_worker(self) -> Worker:
        """Open library and workshop, warm up, and let the reaper run beside."""
        settings = self._settings
        store, blobs = JobStore(connect(settings)), open_blobs(settings)
        library = open_library(settings)
        refuse_evicting(store.redis)
        library.migrate()
        workshop = self._open_workshop(settings, store, blobs)
        worker = Worker(settings, store, blobs, library, workshop, open_tracing("darkroom-worker"))
        self._watchdog = Watchdog(workshop.pulse, settings.watchdog_seconds, lambda why: worker.die(death(why)))
        self._watchdog.start()
        worker.start()
        Reaper(store, blobs, library, settings).start()
        return worker

    def _take_signals(self, **_: Any) -> None:
        signal.signal(signal.SIGTERM, self._on_sigterm)

    def _on_sigterm(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002  # a signal handler's signature
        signal.signal(signal.SIGTERM, lambda *_: self._leave(drain=False))
        threading.Thread(target=self._leave, name="drain").start()

    def _leave(self, *, drain: bool = True) -> None:
        """End the process; whatever happens here, a lease that runs out frees the jobs."""
        try:
            if self._watchdog is not None:
                self._watchdog.stop()
            if self._worker is not None:
                self._worker.drain() if drain else self._worker.release_all()
        finally:
            logging.shutdown()
            os._exit(0)
