"""One worker: a workshop, the jobs it holds, and the threads that keep the ledger informed."""

import logging
import socket
import threading
import time

from pydantic import TypeAdapter
from redis.exceptions import RedisError

from contract import keys, logs
from contract.blobs import Blobs
from contract.checkpoints import Checkpoints
from contract.deaths import Death
from contract.errors import ErrorCode, JobFailed
from contract.jobs import WorkerInfo
from contract.kinds import JobRequest
from contract.library import Library
from contract.settings import Settings
from contract.store import Claim, JobStore, Verdict
from contract.tracing import Tracing
from worker.engine.ticket import Ticket
from worker.patience import insist
from worker.relay import Relay
from worker.workshop import Workshop

log = logging.getLogger(__name__)

_REQUEST: TypeAdapter[JobRequest] = TypeAdapter(JobRequest)
_FAREWELL = 4.0  # seconds; with `drain_seconds` it stays below the supervisor's grace


class Worker:
    """Runs jobs. `run` is called from many threads at once; everything else from one."""

    def __init__(
        self,
        settings: Settings,
        store: JobStore,
        blobs: Blobs,
        library: Library,
        workshop: Workshop,
        tracing: Tracing | None = None,
    ) -> None:
        self.name = settings.worker_name or socket.gethostname()
        self._settings, self._workshop = settings, workshop
        self._store, self._blobs, self._library = store, blobs, library
        self._checkpoints = Checkpoints(settings.checkpoints)
        self._tracing = tracing or Tracing()
        self._held: dict[Claim, Ticket] = {}
        self._lock = threading.Lock()
        self._announcing, self._gone = threading.Lock(), False
        self._stopping = threading.Event()
        self._ready = False

    def start(self) -> None:
        """Warm up, take over from a dead predecessor, and begin to beat."""
        self._workshop.start()
        for job_id in self._store.bury(self.name, self._settings.max_attempts):
            log.warning("%s was lost with the worker before this one; it runs again", job_id)
        self._ready = True
        self._announce()
        for loop in (self._beat_loop, self._cancel_loop):
            threading.Thread(target=loop, name=loop.__name__.strip("_"), daemon=True).start()

    def run(self) -> None:
        """Do jobs from claim to end, while there are any for this worker."""
        while not (self._stopping.is_set() or self._workshop.pulse.broken) and (claim := self._claim()):
            with logs.about(job=claim.job_id, **self._origin(claim)), self._tracing.job(*self._traced(claim)):
                self._do(claim)

    def _origin(self, claim: Claim) -> dict[str, str]:
        """Whose job it is and which request it came with; for the log, so not worth a failure."""
        try:
            return self._store.origin(claim.job_id)
        except RedisError:
            return {}

    def _traced(self, claim: Claim) -> tuple[str, str]:
        """The job, and where the request it came with stands in its trace."""
        try:
            return claim.job_id, self._store.traceparent(claim.job_id) if self._tracing.provider else ""
        except RedisError:
            return claim.job_id, ""

    def _claim(self) -> Claim | None:
        """The job whose turn it is. One owner's jobs never take all places: a quarter more is kept for others."""
        settings = self._settings
        models = [self._workshop.model.name]
        return self._store.claim(self.name, settings.lease_seconds, models=models, share=settings.concurrency)

    def _do(self, claim: Claim) -> None:
        try:
            self._develop(claim)
        except JobFailed as failure:
            log.warning("%s failed: %s: %s", claim.job_id, failure.code, failure.message)
            self._fail(claim, failure.code, failure.message)
        except Exception:
            log.exception("%s failed", claim.job_id)
            self._fail(claim, ErrorCode.INTERNAL_ERROR, f"something broke here; the log tells of {claim.job_id}")
        finally:
            with self._lock:
                self._held.pop(claim, None)

    def drain(self) -> None:
        """Take no more jobs, and let the running ones end within `drain_seconds`.

        The rest write a last checkpoint and are handed back uncharged, which takes `_FAREWELL` seconds at most.
        """
        self._stopping.set()
        self._await_end(self._settings.drain_seconds)
        deadline = time.monotonic() + _FAREWELL
        if self._held:
            self._workshop.stop(_FAREWELL)
            self._await_end(deadline - time.monotonic())
        self.release_all()

    def _await_end(self, seconds: float) -> None:
        """Until every held job has ended, so long at most."""
        deadline = time.monotonic() + seconds
        while self._held and time.monotonic() < deadline:
            time.sleep(0.05)

    def die(self, death: Death) -> None:
        """Tell the ledger that this worker is about to end, and why: its jobs are free at once."""
        self._stopping.set()
        with self._lock:
            self._held.clear()  # nothing is beaten any more
        self._store.bury(self.name, self._settings.max_attempts, death)
        self._withdraw()

    def release_all(self) -> None:
        """Hand every job back at once, and say goodbye."""
        self._stopping.set()
        with self._lock:
            held = dict(self._held)
        for claim, ticket in held.items():
            self._store.release(claim)
            ticket.cancel()
        self._withdraw()

    def _develop(self, claim: Claim) -> None:
        work = insist(self._store.work, claim.job_id)
        request, model = _REQUEST.validate_python(work.request), self._workshop.model
        if request.model not in (None, model.name):  # None: it needs none
            raise JobFailed(ErrorCode.MODEL_UNAVAILABLE, f"this worker has {model.name}, not {request.model}")
        early = Ticket()  # keeps the lease, and hears a wish to cancel, while the inputs are read
        self._hold(claim, early)
        run = self._workshop.begin(claim, request, work)
        self._hold(claim, run.ticket)
        if early.cancelled:
            run.ticket.cancel()
        shop, keepers = self._workshop, (self._store, self._blobs, self._library, run.memory)
        relay = Relay(claim, work, model, run.plan, *keepers, shop.maker, self._tracing, request.metadata, shop.made_by)
        try:
            relay.follow(run.ticket)
        finally:
            run.ticket.cancel()  # where the relay gave up, nobody wants the rest

    def _fail(self, claim: Claim, code: ErrorCode, message: str) -> None:
        try:
            if insist(self._store.fail, claim, code, message):
                self._checkpoints.clear(claim.job_id)
        except JobFailed:
            log.error("the end of %s could not be told; its lease runs out", claim.job_id)  # told above

    def _hold(self, claim: Claim, ticket: Ticket) -> None:
        with self._lock:
            self._held[claim] = ticket

    # --- what goes on beside ----------------------------------------------------------------------

    def _beat_loop(self) -> None:
        while not self._stopping.wait(self._settings.beat_seconds):
            self._beat()
        while self._held:  # a draining worker keeps its leases
            self._beat()
            time.sleep(min(1.0, self._settings.beat_seconds))

    def _beat(self) -> None:
        with self._lock:
            held = dict(self._held)
        try:
            self._announce()
            for claim, verdict in self._store.beat(held, self._settings.lease_seconds).items():
                if verdict is not Verdict.HELD:
                    held[claim].cancel()
        except RedisError as error:
            log.warning("heartbeat: %s; trying again", error)

    def _cancel_loop(self) -> None:
        """Cancelling is heard at once here, and at the next beat where this connection broke."""
        while not self._stopping.is_set():
            try:
                with self._store.listen(keys.CANCEL) as wishes:
                    while not self._stopping.is_set():
                        if message := wishes.get_message(timeout=1.0):
                            self._cancel(message["data"])
            except RedisError as error:
                log.warning("listening for cancels: %s; trying again", error)
                time.sleep(1.0)

    def _cancel(self, job_id: str) -> None:
        with self._lock:
            tickets = [ticket for claim, ticket in self._held.items() if claim.job_id == job_id]
        for ticket in tickets:
            ticket.cancel()

    def _withdraw(self) -> None:
        """Say goodbye; a beat under way must not announce this worker once more."""
        with self._announcing:
            self._gone = True
            self._store.withdraw(self.name)

    def _announce(self) -> None:
        with self._announcing:
            if not self._gone:
                self._introduce()

    def _introduce(self) -> None:
        shop = self._workshop
        counters = dict(shop.counters)
        self._store.publish_tokenizer(shop.model, shop.tokenizer)
        self._store.announce(
            WorkerInfo(
                id=self.name,
                host=socket.gethostname(),
                device=shop.device,
                models=[shop.model],
                memory=shop.memory,
                rows=int(counters["rows_in_flight"]),
                busy=len(self._held),
                ready=self._ready and not self._stopping.is_set(),
                heartbeat_at=self._store.now(),
                counters=counters,
            )
        )
