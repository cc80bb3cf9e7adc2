"""The ledger: every job's record in Redis, moved only by the small Lua scripts in lua/.

Each script is one atomic compare-and-set that also tells the change to whoever listens. A running job belongs to
the claim whose token it carries: a worker that lost its lease cannot write any more, so a job ends once.
docs/architecture.md draws the states; lua/prelude.lua holds what the scripts share.
"""

import base64
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import redis
from redis.backoff import ExponentialBackoff
from redis.client import PubSub
from redis.retry import Retry

from contract import keys
from contract.access import over_quota
from contract.deaths import UNKNOWN, Death
from contract.errors import Conflict, ErrorCode, NotFound, QueueFull
from contract.estimates import Standing, cost_of
from contract.grid import Grid
from contract.hints import UNREAD, hint
from contract.jobs import Job, JobState, ModelInfo, StoredImage, WorkerInfo
from contract.kinds import JobRequest
from contract.phrases import Phrase
from contract.records import jobs_from, standing_from, utc
from contract.requests import Priority
from contract.settings import Settings
from contract.verification import Original, Verification

_LUA = Path(__file__).parent / "lua"
_SHARED = ("prelude", "alone", "standing", "view")  # put before every script
_WORKER_SILENT_MS = 15_000
_PREVIEW_SECONDS = 60
_EVENTS = 100  # of a job, the latest
_ENDED, _ENDED_BEFORE = 1, 2  # what finish.lua says
_UNMEASURED_SECONDS = 30.0  # what a client of a full queue is told before anything was measured
_FULL, _OTHER_BODY, _OVER_QUOTA = 0, 3, 4  # what submit.lua says, but for 1 and 2: accepted, now or before
_OTHER_REQUEST = "This Idempotency-Key was sent with another request; take a new key for a new request."
_GONE = "There is no job of this id; it may have been deleted."
# So much earlier than it did a job counts as having come.
LEAD_MS: dict[Priority, int] = {"high": 300_000, "normal": 0, "low": -300_000}


class Verdict(IntEnum):
    """What the ledger says of a claim."""

    LOST = 0  # somebody else's now, or over: stop, and drop the result
    HELD = 1
    CANCEL = 2  # still ours, and its owner wants it stopped


@dataclass(frozen=True)
class Once:
    """A client's Idempotency-Key, and a digest of the request that came with it."""

    key: str
    digest: str


@dataclass(frozen=True)
class Claim:
    """A worker's right to one run of one job."""

    job_id: str
    token: int


@dataclass(frozen=True)
class Work:
    """What a worker needs to know of a job it claimed.

    inputs: image id → SHA-256 of its bytes. drawn: prompt and negative prompt of every picture, or of all.
    verifies: the picture that is only made again to compare it.
    """

    request: dict[str, Any]
    inputs: dict[str, str]
    drawn: list[tuple[str, str]]
    owner: str
    verifies: Original | None = None


def connect(settings: Settings) -> "redis.Redis":
    """A client that waits for a free connection, and tries again for about a second when Redis is away."""
    pool = redis.BlockingConnectionPool.from_url(
        settings.redis,
        max_connections=50,
        timeout=5,
        socket_timeout=5,
        socket_connect_timeout=5,
        health_check_interval=10,
        decode_responses=True,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 4),
    )
    return redis.Redis(connection_pool=pool)


class JobStore:
    """Jobs, pictures' records and workers' announcements in Redis. Safe to share between threads."""

    def __init__(self, client: "redis.Redis") -> None:
        self.redis = client
        texts = [(_LUA / f"{name}.lua").read_text() for name in _SHARED]
        prelude = "\n".join([f"local PREFIX = '{keys.PREFIX}'", *texts])
        self.scripts = {
            path.stem: client.register_script(f"{prelude}\n{path.read_text()}")
            for path in _LUA.glob("*.lua")
            if path.stem not in _SHARED
        }

    def run(self, script: str, *args: str | int | float) -> Any:
        """Run a script of lua/."""
        return self.scripts[script](args=list(args))

    # --- what the api writes -----------------------------------------------------------------------

    def submit(
        self,
        job_id: str,
        request: JobRequest,
        *,
        owner: str,
        steps: int,
        inputs: Mapping[str, str],
        max_queue: int,
        drawn: Sequence[tuple[str, str]] = (),
        once: "Once | None" = None,
        request_id: str = "",
        traceparent: str = "",
        verifies: Original | None = None,
    ) -> Job:
        """Accept a job, and ring for it: the job, which is an earlier one where `once` stands for that.

        Raises QueueFull, OverQuota, BadRequest for what its owner's quota never allows, Conflict where `once` stands
        for another request, and NotFound where its job is being deleted. `steps` is the sum over its images; submitting
        an id again is harmless. drawn: as in `Work`; empty = the request's own prompts. verifies: the picture that it
        makes again.
        """
        body = request.model_dump(mode="json")
        wishes = request.base if isinstance(request, Grid) else request
        times = LEAD_MS[wishes.priority], _ms(wishes.start_within), _ms(wishes.finish_within)
        key = f"{owner}:{once.key}" if once else ""
        prompts = list(drawn) or [(request.prompt, request.negative_prompt)]
        texts = [json.dumps(value) for value in (body, dict(inputs), prompts)]
        webhook = wishes.webhook.model_dump_json() if wishes.webhook else ""
        cost = cost_of(request, steps)
        # fmt: off
        said, what, *quota = self.run(
            "submit", job_id, owner, body["kind"], request.model or "", steps, cost, *times,
            max_queue, key, once.digest if once else "", request_id, *texts, webhook, traceparent,
            verifies.model_dump_json() if verifies else "", UNREAD, hint(job_id),
        )
        # fmt: on
        if said == _FULL:
            free = self.standing(request.model or "").next_place
            told = Phrase("{count} jobs are waiting, which is the most this server takes; try later", count=what)
            raise QueueFull(told, _UNMEASURED_SECONDS if free is None else free)
        if said == _OTHER_BODY:
            raise Conflict(_OTHER_REQUEST)
        if said == _OVER_QUOTA:
            raise over_quota(cost / 1e6, what, *quota)
        for job in jobs_from(what):
            return job
        raise NotFound(_GONE)

    def replayed(self, owner: str, once: "Once") -> str | None:
        """The job that an Idempotency-Key stands for, if any. Raises Conflict where it is another request's."""
        found = self.redis.hmget(keys.idempotency(owner, once.key), ["job", "body"])
        job_id, digest = cast("list[str | None]", found)
        if job_id is None or not self.redis.exists(keys.job(job_id)):
            return None
        if digest != once.digest:
            raise Conflict(_OTHER_REQUEST)
        return job_id

    def ring(self, job_ids: Sequence[str]) -> None:
        """Let workers know once more that there may be work: a hint for each of these jobs."""
        if job_ids:
            self.redis.lpush(UNREAD, *map(hint, job_ids))

    def cancel(self, job_id: str) -> JobState | None:
        """Ask for a job to be cancelled; tells the state it was in, None when there is no such job."""
        state = self.run("cancel", job_id)
        return JobState(state) if state else None

    def delete_job(self, job_id: str) -> None:
        """Forget a job and its pictures; a running one is cancelled first."""
        self.run("delete_job", job_id)

    # --- what a worker writes ----------------------------------------------------------------------

    def claim(self, worker: str, lease_seconds: float, *, models: Collection[str] = (), share: int = 0) -> Claim | None:
        """Take the job whose turn it is; None when nothing waits that this worker may take.

        Owners take turns by what they were served; within an owner's line priority and arrival decide. Where suspects
        wait (lua/alone.lua), it may be one of these, or nothing. models: those the worker has (none = any job). share:
        most jobs of one owner that it holds at a time (0 = any number).
        """
        taken = self.run("claim", worker, int(lease_seconds * 1000), share, *models)
        return Claim(taken[0], int(taken[1])) if taken else None

    def work(self, job_id: str) -> Work:
        """The request of a claimed job."""
        names = ("request", "inputs", "drawn", "owner", "verifies")
        request, inputs, drawn, owner, verifies = self._fields(job_id, *names)
        pairs = [(prompt, negative) for prompt, negative in json.loads(drawn)]
        original = Original.model_validate_json(verifies) if verifies else None
        return Work(json.loads(request), json.loads(inputs), pairs, owner, original)

    def origin(self, job_id: str) -> dict[str, str]:
        """Whose job it is, and which HTTP request it came with, for the log."""
        found = self.redis.hmget(keys.job(job_id), ["owner", "request_id"])
        owner, request_id = cast("list[str | None]", found)
        return {"owner": owner or "", "request": request_id or ""}

    def traceparent(self, job_id: str) -> str:
        """Where the request that the job came with stood in its trace; "" where it was not traced."""
        return cast("str | None", self.redis.hget(keys.job(job_id), "traceparent")) or ""

    def beat(self, claims: Iterable[Claim], lease_seconds: float) -> dict[Claim, Verdict]:
        """Renew the leases of all of a worker's jobs in one round trip."""
        held = list(claims)
        pairs = [part for claim in held for part in (claim.job_id, claim.token)]
        verdicts = self.run("beat", int(lease_seconds * 1000), *pairs)
        return dict(zip(held, map(Verdict, verdicts), strict=True))

    def progress(self, claim: Claim, step: int) -> Verdict:
        """Note how far a job is, in steps summed over its images."""
        return Verdict(self.run("progress", claim.job_id, claim.token, step))

    def preview(self, claim: Claim, index: int, jpeg: bytes) -> None:
        """Keep the newest preview of image `index` for a minute."""
        key = keys.preview(claim.job_id)
        with self.redis.pipeline(transaction=False) as pipe:
            pipe.hset(key, mapping={str(index): base64.b64encode(jpeg).decode(), "newest": str(index)})
            pipe.expire(key, _PREVIEW_SECONDS)
            told: dict[Any, Any] = {"event": "preview", "index": index}
            pipe.xadd(keys.events(claim.job_id), told, nomkstream=True, maxlen=_EVENTS, approximate=False)
            pipe.execute()

    def add_picture(self, claim: Claim, image: StoredImage) -> bool:
        """Show a finished picture of a job; False when the claim is lost, or the job is to be deleted."""
        return bool(self.run("picture", claim.job_id, claim.token, _rank(image), *_image_args(image)))

    def judge(self, claim: Claim, verdict: Verification) -> bool:
        """Note what came of making a picture again; False when the claim is lost."""
        return bool(self.run("judge", claim.job_id, claim.token, verdict.model_dump_json()))

    def finish(self, claim: Claim) -> bool:
        """End a job as succeeded; False when the claim is lost. Calling it twice is harmless."""
        return self._end(claim, JobState.SUCCEEDED)

    def fail(self, claim: Claim, code: ErrorCode, message: str) -> bool:
        """End a job as failed; False when the claim is lost."""
        return self._end(claim, JobState.FAILED, code, message)

    def cancelled(self, claim: Claim) -> bool:
        """End a job as cancelled, as was asked; False when the claim is lost, and when it was only to pause."""
        return self._end(claim, JobState.CANCELLED)

    def release(self, claim: Claim) -> bool:
        """Hand a job back, unharmed and uncharged, for another worker to run."""
        return bool(self.run("release", claim.job_id, claim.token))

    def bury(self, worker: str, max_attempts: int, death: Death = UNKNOWN) -> list[str]:
        """Take a dead worker's jobs from it at once: for whoever saw it die, or starts in its place."""
        return cast("list[str]", self.run("bury", worker, max_attempts, death.reason, death.blame))

    def _end(self, claim: Claim, state: JobState, code: str = "", message: str = "") -> bool:
        return self.run("finish", claim.job_id, claim.token, state, code, message) in (_ENDED, _ENDED_BEFORE)

    # --- what any process does ---------------------------------------------------------------------

    def reap(
        self, max_attempts: int, hint_age: float = 5.0, most: int = 32, *, lease_seconds: float = 15.0
    ) -> list[str]:
        """Put back what lost its lease; the ids of waiting jobs that need a hint (unheard for `hint_age` seconds).

        lease_seconds: what every claim gets when nobody has reaped for a while, since Redis was away.
        """
        times = int(hint_age * 1000), most, UNREAD, int(lease_seconds * 1000)
        return cast("list[str]", self.run("reap", max_attempts, *times))

    def sweep(self, age_seconds: float = 3600.0) -> list[str]:
        """Hashes of bytes that nobody has needed for so long; the caller deletes them."""
        return cast("list[str]", self.run("sweep", int(age_seconds * 1000)))

    def retire(self, age_seconds: float) -> int:
        """Forget finished jobs that ended so long ago: a hundred at most; how many it were."""
        return int(self.run("retire", int(age_seconds * 1000)))

    def found(self, shas: Sequence[str]) -> None:
        """Bytes that lie on the disk: what nobody refers to is swept an hour later, if still nobody does."""
        for i in range(0, len(shas), 500):
            self.run("orphan", *shas[i : i + 500])

    def elect_reaper(self, me: str, seconds: float = 3.0) -> bool:
        """Whether this process reaps now. Two at once would do no harm."""
        return bool(self.redis.set(keys.REAPER, me, nx=True, px=int(seconds * 1000)))

    # --- dead letters (contract/dead_letters.py) -----------------------------------------------------

    def name_replay(self, job_id: str, new_id: str) -> str | None:
        """The id that the next run of a dead letter's job has: `new_id`, unless one was given before."""
        return cast("str | None", self.run("replay", job_id, new_id))

    def purge(self, job_ids: Sequence[str]) -> int:
        """Forget dead letters; how many there were."""
        return int(self.run("purge", *job_ids))

    # --- pictures of jobs (all there are: contract/library) ------------------------------------------

    def image(self, image_id: str) -> StoredImage | None:
        """A picture that a job shows, with its owner and how it was made."""
        fields = cast("list[str | None]", self.redis.hmget(keys.image(image_id), ["record", "owner", "metadata"]))
        record, owner, metadata = fields
        if record is None or owner is None or metadata is None:
            return None
        return StoredImage(**json.loads(record), owner=owner, metadata=json.loads(metadata))

    def images(self) -> Iterator[StoredImage]:
        """Every picture that the ledger knows, in no order; one may come twice."""
        for key in self.redis.scan_iter(keys.image("*"), count=500):
            if image := self.image(str(key).removeprefix(keys.image(""))):
                yield image

    def referred(self, hashes: Sequence[str]) -> set[str]:
        """Those of the hashes whose bytes a job needs."""
        with self.redis.pipeline(transaction=False) as pipe:
            for sha in hashes:
                pipe.exists(keys.refs(sha))
            return {sha for sha, there in zip(hashes, pipe.execute(), strict=True) if there}

    def hide(self, pictures: Iterable[tuple[str, str | None]]) -> None:
        """Image id and job id of pictures that were deleted: their jobs show them no more."""
        pairs = [part for image_id, job_id in pictures if job_id for part in (image_id, job_id)]
        for i in range(0, len(pairs), 1000):
            self.run("hide", *pairs[i : i + 1000])

    def show(self, image: StoredImage) -> None:
        """Its deletion was undone: its job shows it again, where the job is still there."""
        if image.job_id and image.index is not None:
            self.run("show", image.job_id, _rank(image), *_image_args(image))

    # --- reading -----------------------------------------------------------------------------------

    def get(self, job_id: str) -> Job | None:
        """A job as its owner sees it."""
        return next(iter(self.get_many([job_id])), None)

    def get_many(self, job_ids: Iterable[str]) -> list[Job]:
        """Jobs in the order asked for, without those that are gone: one round trip for a hundred."""
        ids = list(job_ids)
        return [job for i in range(0, len(ids), 100) for job in jobs_from(self.run("look", *ids[i : i + 100]))]

    def standing(self, model: str) -> Standing:
        """Who waits for this model ('' = none), and how fast its workers are."""
        return standing_from(self.run("queue", model))

    def told(self, job_id: str, start: float, end: float | None = None) -> None:
        """Remember that the client was told in how many seconds its job starts and ends, to learn how true that is."""
        self.run("estimate", job_id, int(start * 1000), int((end or 0) * 1000))

    def page(
        self,
        *,
        state: JobState | None,
        kind: str | None,
        before: float | None,
        limit: int,
        owner: str | None = None,
        ended: bool = False,
    ) -> tuple[list[Job], float | None]:
        """Newest first: at most `limit` jobs older than `before` (ms), and where the next page begins.

        owner: only his; None = everybody's. ended: only those that are over. A page ends after 2000 jobs looked at,
        with however many of them fit.
        """
        found: list[Job] = []
        for _ in range(10):
            top = f"({before}" if before is not None else "+inf"
            rows = cast(
                "list[tuple[str, float]]",
                self.redis.zrevrangebyscore(
                    keys.owned(owner) if owner else keys.JOBS, top, "-inf", start=0, num=200, withscores=True
                ),
            )
            scores = dict(rows)
            for job in self.get_many(scores):
                fits = (state is None or job.state is state) and (kind is None or job.kind == kind)
                if fits and (job.state.final or not ended):
                    found.append(job)
                    before = scores[job.id]
                    if len(found) == limit:
                        return found, before
            if len(rows) < 200:
                return found, None
            before = rows[-1][1]
        return found, before

    def newest_preview(self, job_id: str, index: int | None = None) -> bytes | None:
        """The newest preview of a job, or of its image `index`: JPEG."""
        key = keys.preview(job_id)
        field = str(index) if index is not None else self.redis.hget(key, "newest")
        data = self.redis.hget(key, cast("str", field)) if field is not None else None
        return base64.b64decode(cast("str", data)) if data else None

    def unfinished(self, job_ids: Sequence[str]) -> set[str]:
        """Those that wait or run."""
        with self.redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hget(keys.job(job_id), "state")
            states = pipe.execute()
        return {job_id for job_id, state in zip(job_ids, states, strict=True) if state and not JobState(state).final}

    def owner(self, job_id: str) -> str | None:
        return cast("str | None", self.redis.hget(keys.job(job_id), "owner"))

    def counts(self) -> tuple[int, int]:
        """Jobs queued and jobs running."""
        with self.redis.pipeline(transaction=False) as pipe:
            for key in (keys.QUEUED, keys.PAUSED, keys.SUSPECTS, keys.LEASES):
                pipe.zcard(key)
            *waiting, running = pipe.execute()
        return sum(map(int, waiting)), int(running)

    def listen(self, channel: str) -> PubSub:
        """A subscription of its own connection, to `keys.CANCEL` or a job's `keys.changed`: messages are job ids."""
        listener: PubSub = self.redis.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        listener.subscribe(channel)
        return listener

    def _fields(self, job_id: str, *names: str) -> list[str]:
        return cast("list[str]", self.redis.hmget(keys.job(job_id), list(names)))

    # --- workers and models ------------------------------------------------------------------------

    def now(self) -> datetime:
        """Redis' clock, which all processes on all hosts share."""
        return utc(self.redis.time())

    def announce(self, worker: WorkerInfo) -> None:
        """A worker's heartbeat about itself, and the models it has."""
        with self.redis.pipeline(transaction=False) as pipe:
            pipe.hset(keys.WORKERS, worker.id, worker.model_dump_json())
            for model in worker.models:
                pipe.hset(keys.MODELS, model.name, model.model_dump_json())
            pipe.execute()
        self.run("serve", *(model.name for model in worker.models))

    def publish_tokenizer(self, model: ModelInfo, tokenizer: Callable[[], str]) -> None:
        """Let the api cut prompts into a model's tokens; written once."""
        if not self.redis.hexists(keys.TOKENIZERS, model.hash):
            self.redis.hset(keys.TOKENIZERS, model.hash, tokenizer())

    def tokenizer(self, model: ModelInfo) -> str | None:
        """What `publish_tokenizer` was given."""
        return cast("str | None", self.redis.hget(keys.TOKENIZERS, model.hash))

    def withdraw(self, worker_id: str) -> None:
        """A worker says goodbye."""
        self.redis.hdel(keys.WORKERS, worker_id)

    def workers(self) -> list[WorkerInfo]:
        """Workers heard from in the last 15 seconds."""
        with self.redis.pipeline(transaction=False) as pipe:
            pipe.hvals(keys.WORKERS)
            pipe.time()
            records, now = pipe.execute()
        found = [WorkerInfo.model_validate_json(record) for record in records]
        return [w for w in found if (utc(now) - w.heartbeat_at).total_seconds() * 1000 < _WORKER_SILENT_MS]

    def models(self) -> dict[str, ModelInfo]:
        """Every model a worker has published, by name; kept when the worker goes."""
        records = cast("dict[str, str]", self.redis.hgetall(keys.MODELS))
        return {name: _model(record) for name, record in sorted(records.items())}


@lru_cache(maxsize=64)
def _model(record: str) -> ModelInfo:
    return ModelInfo.model_validate_json(record)


def _ms(seconds: float | None) -> int:
    """0 = no bound."""
    return max(1, int(seconds * 1000)) if seconds is not None else 0


def _rank(image: StoredImage) -> int:
    """Where a picture stands among those of its job."""
    assert image.index is not None
    return 2 * image.index + (image.role == "raw")


def _image_args(image: StoredImage) -> tuple[str, str, str, str, str]:
    """What the scripts that keep a picture want: id, SHA-256, owner, what clients see, how it was made."""
    return image.id, image.sha256, image.owner, image.public().model_dump_json(), json.dumps(image.metadata)
