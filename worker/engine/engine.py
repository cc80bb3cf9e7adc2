"""The engine: one thread owns the device and runs admit → denoise → land → develop, tick by tick."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from worker.engine import replay
from worker.engine.batcher import Batcher, BatchKey
from worker.engine.capacity import DECODE_ROWS, Allowance
from worker.engine.fairness import Claim, in_turns
from worker.engine.flight import Flight
from worker.engine.job import Job
from worker.engine.outbox import Outbox
from worker.engine.request import EngineRequest
from worker.engine.runner import Readback, Runner
from worker.engine.ticket import Cancelled, Checkpoint, Done, End, Failed, Picture, Ticket
from worker.engine.trial import Trial
from worker.models.loader import Components

log = logging.getLogger(__name__)


_BROKEN = Failed("internal_error", "The engine failed on this job; the worker's log says why.")
_FULL = Failed("out_of_memory", "The device has too little memory for a picture of this size; ask for a smaller one.")
_NAN = Failed("nan_image", "The model produced values that are not numbers; try another seed or a lower guidance.")
_STOPPED = Failed("engine_stopped", "The worker is shutting down.")


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters since the start and what is there now.

    rows: without padding; rows_reused: of them, those that did with deep features of an earlier call.
    texts_cached, texts_encoded: prompt chunks that were remembered, and that were not.
    """

    ticks: int = 0
    calls: int = 0
    rows: int = 0
    rows_reused: int = 0
    images: int = 0
    jobs: int = 0
    texts_cached: int = 0
    texts_encoded: int = 0
    flights: int = 0
    rows_in_flight: int = 0
    images_waiting: int = 0


class Engine:
    """Runs requests together on one model: `submit` gives a `Ticket` at once, its events follow.

    max_rows: budget of U-Net rows a tick, of the model's own size; a guided image takes two. measured: the step-time
    curve and the device's memory are measured first, and fewer rows are taken where more would gain or fit nothing.
    strict: a picture never depends on its neighbours, bit for bit, at some cost on accelerators (`make gpu-check`).
    checkpoint_seconds: how often a job hands out what it needs to be gone on with, 0 = never; checkpoint_bytes: at most
    so much of it.
    """

    def __init__(
        self,
        components: Components,
        *,
        max_rows: int = 32,
        measured: bool = False,
        strict: bool = True,
        checkpoint_seconds: float = 0.0,
        checkpoint_bytes: int = 64 * 1024 * 1024,
    ) -> None:
        self._log_bytes = checkpoint_bytes if checkpoint_seconds else 0
        self._runner = Runner(components, strict=strict)
        self._outbox = Outbox(self._runner, checkpoint_seconds)
        self._batcher = Batcher(max_rows, components.native_size**2)
        self._trial = Trial(self._runner) if measured else None
        self._decode_rows = DECODE_ROWS
        self._keys: set[BatchKey] = set()  # whose memory is known
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._wake = threading.Condition()  # guards these three
        self._arrived: list[Job] = []
        self._submitted = 0
        self._stopping = False
        self._jobs: list[Job] = []  # from here on the engine thread's own
        self._flights: list[Flight] = []
        self._exposed: list[Flight] = []  # landed; their latents wait to be decoded
        self._stats = Stats()

    @property
    def stats(self) -> Stats:
        """Counts as of the last tick, from any thread."""
        return self._stats

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End within a tick; what has not finished ends with Failed("engine_stopped")."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def submit(self, *requests: EngineRequest, owner: str = "local", resume: Checkpoint | None = None) -> Ticket:
        """Queue a job of one request or several, from any thread. After `stop` it ends with engine_stopped at once.

        owner: whose it is; owners share the device evenly. resume: how far an earlier run of the same requests came, on
        an engine of the same model, device and build.
        """
        ticket = Ticket(*requests)
        if not requests:
            ticket.put(Done())
            return ticket
        parts = self._runner.components
        job = Job.of(
            ticket, self._runner.levels, parts.ends_clean, told_guidance=parts.guidance_width > 0,
            resume=resume, log_bytes=self._log_bytes,
        )  # fmt: skip
        job.owner, job.model = owner, parts.name
        if not job.count:
            ticket.put(Done())
            return ticket
        with self._wake:
            if self._stopping:
                ticket.put(_STOPPED)
                return ticket
            job.age = self._submitted
            self._submitted += 1
            self._arrived.append(job)
            self._wake.notify()
        return ticket

    def _run(self) -> None:
        with torch.inference_mode():
            self._measure()
            while self._wait():
                try:
                    self._tick()
                except Exception:  # a fault of the engine itself: the thread must outlive it
                    log.exception("a tick failed, and every job in the engine with it")
                    self._end_all(_BROKEN)
        self._end_all(_STOPPED)

    def _measure(self) -> None:
        """Cap the rows of a tick at the knee of the device's own curve, which takes some one and a half seconds."""
        if self._trial is None:
            return
        try:
            known = self._trial.measure(self._batcher.max_rows)
        except Exception:  # a device that cannot be measured can be used all the same
            log.exception("the step-time curve could not be measured")
            return
        if known is not None:
            log.info("%s", known)
            self._batcher = Batcher(known.rows, self._runner.components.native_size**2)
            self._decode_rows = known.decode_rows

    def _wait(self) -> bool:
        """Take in what arrived, sleeping while there is nothing to do at all. False: stop."""
        with self._wake:
            self._wake.wait_for(lambda: self._arrived or self._jobs or self._stopping)
            self._jobs += self._arrived
            self._arrived = []
            return not self._stopping

    def _tick(self) -> None:
        self._admit()
        for batch in self._batcher.batches(flight for flight in self._flights if flight.landed is None):
            self._denoise(batch)
        self._outbox.report(self._flights)
        self._land()
        self._develop()
        self._deliver()
        self._runner.pace()
        self._count(ticks=1)

    def _admit(self) -> None:
        """Drop what was cancelled, then let images board while the row budget lasts.

        Who has a picture to be encoded boards at a later tick where there are many: half a tick goes into that, unless
        one job has the device to itself and keeps nobody waiting.
        """
        for job in [job for job in self._jobs if job.ticket.cancelled]:
            self._end(job, Cancelled())
        crowded = len(self._jobs) > 1
        allowance = Allowance(self._batcher.budget // 2)
        for job in self._batcher.board(self._jobs):
            encodes = 0 if job.over else self._runner.encodes(job, job.boarded)
            if not (encodes and crowded) or self._afford(allowance, job, encodes):
                with self._blaming([job]):
                    self._board(job)

    def _board(self, job: Job) -> None:
        if job.over:  # its image before this one could not board
            return
        if not job.boarded:
            job.checkpointed_at = time.monotonic()
        self._take_off(replay.board(self._runner, job, job.todo[job.boarded]))
        job.boarded += 1

    def _take_off(self, flight: Flight) -> None:
        """Into the air; the first of a key is told how many of it fit into memory."""
        self._flights.append(flight)
        if self._trial is not None and flight.key not in self._keys:
            self._keys.add(flight.key)
            self._batcher.cap(flight.key, self._trial.rows_in_memory(flight.key))

    def _afford(self, allowance: Allowance, claim: Claim, pictures: int = 1) -> bool:
        """Whether there is time in this tick for so many ways through the VAE; the owner is charged for it."""
        cost = self._batcher.cost(pictures * self._decode_rows, claim.lane)
        if not allowance.take(cost):
            return False
        self._batcher.charge(claim.owner, cost)
        return True

    def _denoise(self, batch: list[Flight]) -> None:
        """One U-Net call, and each flight's answer to its sampler. A batch too large for the device is halved."""
        batch = [flight for flight in batch if not flight.job.over]
        halves: list[list[Flight]] = []
        with self._blaming([flight.job for flight in batch]):
            try:
                answers = self._runner.denoise(batch)
            except Exception as error:
                if not _is_memory(error) or len(batch) < 2:
                    raise
                halves = self._batcher.halve(batch)
            else:
                self._count(calls=1, rows=sum(flight.rows for flight in batch))
                for flight, answer in zip(batch, answers, strict=True):
                    self._advance(flight, answer)
        for half in halves:  # out here, where the exception no longer holds the tensors of the call
            self._runner.free_memory()
            self._denoise(half)

    def _advance(self, flight: Flight, answer: Tensor) -> None:
        if flight.job.over:  # another image of this job failed a moment ago
            return
        with self._blaming([flight.job]):
            flight.advance(answer)

    def _land(self) -> None:
        """A flight whose sampler returned waits for its turn to be decoded or to fly on."""
        landed = [flight for flight in self._flights if flight.landed is not None]
        self._exposed += landed
        self._flights = [flight for flight in self._flights if flight.landed is None]

    def _develop(self) -> None:
        """Decode what has landed, or send it on its second pass, for half a tick: others are not held up for longer.

        What is left over waits for the next tick and keeps its place in the budget.
        """
        allowance = Allowance(self._batcher.budget // 2)
        exposed, self._exposed = self._exposed, []
        for flight in in_turns(exposed):
            if flight.job.over:
                continue
            if not self._afford(allowance, flight):
                self._exposed.append(flight)
                continue
            with self._blaming([flight.job]):
                if flight.last:
                    flight.job.landed += 1
                    picture = self._runner.decode(flight.finished, flight.leg.request.tiling)
                    self._outbox.send(flight, picture, self._hand_over)
                else:
                    self._take_off(self._runner.fly_on(flight))

    def _deliver(self) -> None:
        """Pass on what has reached host memory; wait for it only when there is nothing else to do."""
        for flight, hand_on in self._outbox.arrived(wait=not self._flights):
            if not flight.job.over:
                with self._blaming([flight.job]):
                    hand_on()

    def _hand_over(self, flight: Flight, readback: Readback) -> None:
        job = flight.job
        rgb, finite = readback.wait()
        if not finite:
            self._end(job, _NAN)
            return
        job.ticket.put(Picture(flight.index, flight.seed, rgb.numpy()))
        job.delivered += 1
        self._count(images=1)
        if job.delivered == job.count:
            self._end(job, Done())

    @contextmanager
    def _blaming(self, jobs: Iterable[Job]) -> Iterator[None]:
        """What goes wrong inside ends these jobs and nothing else."""
        try:
            yield
        except Exception as error:
            log.exception("a job failed in the engine")
            for job in jobs:
                self._end(job, _FULL if _is_memory(error) else _BROKEN)

    def _end(self, job: Job, end: End) -> None:
        if job.over:
            return
        job.over = True
        self._jobs.remove(job)
        for flight in self._flights:
            if flight.job is job:
                flight.close()
        self._flights = [flight for flight in self._flights if flight.job is not job]
        self._exposed = [flight for flight in self._exposed if flight.job is not job]
        self._count(jobs=1)
        job.ticket.put(end)

    def _end_all(self, end: End) -> None:
        with self._wake:
            jobs = self._jobs + self._arrived
            self._jobs, self._arrived = list(jobs), []
        for job in jobs:
            self._end(job, end)

    def _count(self, **more: int) -> None:
        """Add to the counters, and take stock."""
        added = {name: getattr(self._stats, name) + count for name, count in more.items()}
        self._stats = replace(
            self._stats,
            **added,
            rows_reused=self._runner.rows_reused,
            texts_cached=self._runner.texts.hits,
            texts_encoded=self._runner.texts.misses,
            flights=len(self._flights),
            rows_in_flight=sum(flight.rows for flight in self._flights),
            images_waiting=sum(job.waiting for job in self._jobs),
        )


def _is_memory(error: Exception) -> bool:
    """Whether a device or host ran out of memory; the CPU allocator says so in the text of a RuntimeError."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
