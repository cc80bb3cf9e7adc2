"""One worker: an engine, the jobs it holds, and the threads that keep the ledger informed."""

import json
import logging
import socket
import threading
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import torch
from pydantic import TypeAdapter
from redis.exceptions import RedisError

from contract import keys
from contract.blobs import Blobs
from contract.checkpoints import Checkpoints
from contract.errors import ErrorCode, JobFailed
from contract.jobs import ModelInfo, WorkerInfo
from contract.kinds import JobRequest
from contract.requests import Txt2Img
from contract.settings import Settings
from contract.store import Claim, JobStore, Verdict
from worker.checkpoint import Memory, fingerprint, maker_of, resumed
from worker.engine.engine import Engine
from worker.engine.request import Ticket
from worker.kinds import plan
from worker.models.loader import Components
from worker.prepare import prepare
from worker.relay import Relay

log = logging.getLogger(__name__)

_REQUEST: TypeAdapter[JobRequest] = TypeAdapter(JobRequest)


class Worker:
    """Runs jobs. `run` is called from many threads at once; everything else from one."""

    def __init__(self, settings: Settings, store: JobStore, blobs: Blobs, components: Components) -> None:
        self.name = settings.worker_name or socket.gethostname()
        self.model = describe(components, settings)
        self._settings, self._store, self._blobs = settings, store, blobs
        self._tokenizer = components.tokenizer
        self._device = _device_name(components.device)
        self._maker = maker_of(components, self._device)
        self._checkpoints = Checkpoints(settings.checkpoints)
        self._engine = Engine(
            components,
            max_rows=settings.max_rows,
            measured=True,
            strict=settings.strict,
            checkpoint_seconds=settings.checkpoint_seconds,
            checkpoint_bytes=settings.checkpoint_bytes,
        )
        self._held: dict[Claim, Ticket] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._ready = False

    def start(self) -> None:
        """Make the warm-up picture, take over from a dead predecessor, and begin to beat."""
        self._engine.start()
        self._warm_up()
        for job_id in self._store.bury(self.name, self._settings.max_attempts):
            log.warning("%s was lost with the worker before this one; it runs again", job_id)
        self._ready = True
        self._announce()
        for loop in (self._beat_loop, self._cancel_loop):
            threading.Thread(target=loop, name=loop.__name__.strip("_"), daemon=True).start()

    def run(self) -> None:
        """Do jobs from claim to end, while there are any for this worker."""
        while not self._stopping.is_set() and (claim := self._claim()):
            self._do(claim)

    def _claim(self) -> Claim | None:
        """The job whose turn it is. One owner's jobs never take all places: a quarter more is kept for others."""
        settings = self._settings
        return self._store.claim(
            self.name, settings.lease_seconds, models=[self.model.name], share=settings.concurrency
        )

    def _do(self, claim: Claim) -> None:
        job_id = claim.job_id
        try:
            self._develop(claim)
        except JobFailed as failure:
            log.warning("%s failed: %s: %s", job_id, failure.code, failure.message)
            self._fail(claim, failure.code, failure.message)
        except Exception:
            log.exception("%s failed", job_id)
            self._fail(claim, ErrorCode.INTERNAL_ERROR, f"something broke here; the log tells of {job_id}")
        finally:
            with self._lock:
                self._held.pop(claim, None)

    def drain(self) -> None:
        """Take no more jobs, let the running ones end within `drain_seconds`, hand back the rest uncharged."""
        self._stopping.set()
        deadline = time.monotonic() + self._settings.drain_seconds
        while self._held and time.monotonic() < deadline:
            time.sleep(0.05)
        self.release_all()

    def release_all(self) -> None:
        """Hand every job back at once, and say goodbye."""
        self._stopping.set()
        with self._lock:
            held = dict(self._held)
        for claim, ticket in held.items():
            self._store.release(claim)
            ticket.cancel()
        self._store.withdraw(self.name)

    def _develop(self, claim: Claim) -> None:
        work = self._store.work(claim.job_id)
        request = _REQUEST.validate_python(work.request)
        if request.model not in (None, self.model.name):  # None: it needs none
            raise JobFailed(ErrorCode.MODEL_UNAVAILABLE, f"this worker has {self.model.name}, not {request.model}")
        early = Ticket()  # keeps the lease, and hears a wish to cancel, while the inputs are read
        self._hold(claim, early)
        planned = plan(request, work, self._blobs)
        memory = Memory(self._checkpoints, claim, fingerprint(self._maker, work))
        resume = resumed(memory, planned, self._maker, self._store, self._blobs)
        ticket = self._engine.submit(*planned.requests, owner=work.owner, resume=resume)
        self._hold(claim, ticket)
        if early.cancelled:
            ticket.cancel()
        relay = Relay(claim, work, self.model, planned, self._store, self._blobs, memory, self._maker)
        try:
            relay.follow(ticket)
        finally:
            ticket.cancel()  # where the relay gave up, nobody wants the rest

    def _fail(self, claim: Claim, code: ErrorCode, message: str) -> None:
        if self._store.fail(claim, code, message):
            self._checkpoints.clear(claim.job_id)

    def _hold(self, claim: Claim, ticket: Ticket) -> None:
        with self._lock:
            self._held[claim] = ticket

    def _warm_up(self) -> None:
        """One small picture through every network, so that the first real one does not wait for kernels."""
        request = Txt2Img(
            prompt="", width=self.model.native_width, height=self.model.native_height, seed=0, steps=2, previews=False
        )
        for event in self._engine.submit(prepare(request, {}, [("", "")], self._blobs).request):
            log.debug("warm-up: %s", event)

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

    def _announce(self) -> None:
        stats = self._engine.stats
        self._store.publish_tokenizer(self.model, self._tokenizer.dump)
        self._store.announce(
            WorkerInfo(
                id=self.name,
                host=socket.gethostname(),
                device=self._device,
                models=[self.model],
                rows=stats.rows_in_flight,
                busy=len(self._held),
                ready=self._ready and not self._stopping.is_set(),
                heartbeat_at=datetime.now(UTC),
                counters=asdict(stats),
            )
        )


def describe(components: Components, settings: Settings) -> ModelInfo:
    """What the api tells about this model."""
    return ModelInfo(
        name=settings.model.name,
        label=settings.model.name.replace("-", " ").replace("_", " ").capitalize(),
        description=f"{settings.model.name}, {components.native_size} x {components.native_size} pixels",
        hash=components.sha256,
        native_width=components.native_size,
        native_height=components.native_size,
        prediction=components.prediction,
        text_layers=components.text_encoder.config.num_hidden_layers,
        **_recommended(settings.model),
    )


def _recommended(model: Path) -> dict[str, float]:
    """What a model's folder says of the settings that suit it: `recommended.json`, where there is one."""
    file = model / "recommended.json"
    return {"guidance": float(json.loads(file.read_text("utf-8"))["guidance"])} if file.exists() else {}


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
