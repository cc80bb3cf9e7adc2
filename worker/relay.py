"""One claimed job: what happens on its ticket, told to the ledger."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import ParamSpec, TypeVar

from redis.exceptions import RedisError

from contract import infotext
from contract.blobs import Blobs
from contract.errors import ErrorCode, JobFailed
from contract.ids import image_url, picture_id
from contract.jobs import ModelInfo, StoredImage
from contract.library import Library
from contract.store import Claim, JobStore, Verdict, Work
from contract.tracing import Tracing
from contract.verification import MadeBy, Original
from worker import files
from worker.engine.ticket import Cancelled, Checkpoint, Done, Event, Failed, Picture, Preview, Progress, Ticket
from worker.patience import insist, read_bytes
from worker.plan import Plan, Print
from worker.verify import verify
from worker.workshop import Memory

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Relay:
    """Carries the events of one claim to store, blobs and library, in the thread of its Celery task."""

    claim: Claim
    work: Work
    model: ModelInfo
    plan: Plan
    store: JobStore
    blobs: Blobs
    library: Library
    memory: Memory
    maker: str
    tracing: Tracing = field(default_factory=Tracing)
    tells: bool = True  # the files say how they were made
    made_by: MadeBy = field(default_factory=dict)  # what `maker` is a digest of
    begun: float = field(default_factory=time.monotonic)
    stored: set[int] = field(default_factory=set)  # of the engine's pictures, those that need no trace any more

    def follow(self, ticket: Ticket) -> None:
        """Until the job has ended, and is ended in the ledger. A lost claim's events fall on the floor."""
        with self.tracing.phases() as enter:
            enter("encode")  # until the first step is told: what is before it, too
            for event in ticket:
                if isinstance(event, Progress):
                    enter("sampling" if event.step < event.steps else "decode")
                self._tell(event, ticket)

    def _tell(self, event: Event, ticket: Ticket) -> None:
        match event:
            case Progress(step=step):
                self._obey(self._try(self.store.progress, self.claim, step), ticket)
            case Preview(index=index, rgb=rgb):
                self._try(self.store.preview, self.claim, index, files.preview(rgb))
            case Picture():
                for made in self.plan.develop(event):
                    self._keep(made)
                    self.stored.add(event.index)
            case Checkpoint(traces=traces):
                self.memory.keep({index: trace for index, trace in traces.items() if index not in self.stored})
            case Failed(code="engine_stopped"):
                insist(self.store.release, self.claim)
            case Failed(code=code, message=message):
                raise JobFailed(ErrorCode(code), message)
            case Done():
                for made in self.plan.finish():
                    self._keep(made)
                self._ended(self.store.finish)
            case Cancelled():
                self._ended(self.store.cancelled)

    def _ended(self, end: Callable[[Claim], bool]) -> None:
        """End the job in the ledger; where the claim is lost, its checkpoints are the newer one's."""
        if insist(end, self.claim):
            self.memory.forget()

    def _keep(self, made: Print) -> None:
        """Store one finished picture: first the bytes, then the record that lasts, then the one that shows it."""
        if self.work.verifies:
            self._compare(made, self.work.verifies)
            return
        model = {"name": self.model.name, "hash": self.model.hash}
        made_from = {
            **made.made_from,
            "inputs": self.work.inputs,
            "model": model if self.plan.requests else None,
            "seed": made.seed,
            "role": made.role,
        }
        told = infotext.describe(made_from, made.index)
        data = files.png(made.pixels, made_from, told) if self.tells else files.png(made.pixels, None)
        sha = insist(self.blobs.put, data)
        if (small := files.thumbnail(made.pixels)) is not None:
            self._try(self.blobs.keep_thumbnail, sha, small)
        image_id = picture_id(self.claim.job_id, made.index, made.role)
        image = StoredImage(
            id=image_id,
            sha256=sha,
            url=image_url(image_id),
            width=made.pixels.shape[1],
            height=made.pixels.shape[0],
            format="png",
            bytes=len(data),
            created_at=datetime.now(UTC),
            job_id=self.claim.job_id,
            index=made.index,
            seed=made.seed,
            role=made.role,
            owner=self.work.owner,
            metadata={
                **made_from,
                "infotext": told,
                "maker": self.maker,
                "made_by": dict(self.made_by),
                "timings": {"seconds": round(time.monotonic() - self.begun, 3)},
            },
        )
        self._record(image, partial(self.blobs.ensure, sha, data))

    def _record(self, image: StoredImage, sure: Callable[[], None]) -> None:
        """Into the library, and to the job. A claim that is lost adds to neither."""
        token = self.claim.token
        if insist(self.library.add, image, token, sure) and not insist(self.store.add_picture, self.claim, image):
            insist(self.library.settle, image, token, insist(self.store.image, image.id))

    def _compare(self, made: Print, original: Original) -> None:
        """Note whether a picture is the one that it was made after. It is not kept."""
        if made.role != original.role:
            return
        data = read_bytes(self.work.inputs.get(original.image_id), self.blobs)
        try:
            verdict = verify(original, data, made.pixels, self.maker, self.made_by)
        except OSError as error:
            raise JobFailed(ErrorCode.BAD_IMAGE, "the picture to compare with cannot be read any more") from error
        insist(self.store.judge, self.claim, verdict)

    def _try(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Progress and previews are worth no waiting: the next tells more; a thumbnail is made again when asked for."""
        try:
            return act(*args, **kwargs)
        except (RedisError, OSError) as error:
            log.debug("passed over: %s", error)
            return None

    def _obey(self, verdict: Verdict | None, ticket: Ticket) -> None:
        if verdict in (Verdict.LOST, Verdict.CANCEL):
            ticket.cancel()
