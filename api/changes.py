"""Who waits for which job: wakes `?wait=` requests when the ledger says that their job changed.

One connection per process and no thread per waiter, so a thousand may wait. It hears of the jobs that are waited for,
and of no others: reading a message takes as long as the script that sends it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import redis.asyncio
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from contract import keys
from contract.jobs import JobState
from contract.settings import Settings

log = logging.getLogger(__name__)

RECHECK_SECONDS = 1.0  # how long a lost message can go unnoticed


Standing = tuple[JobState, int]  # a job's state and step


class Changes:
    """Listens to the ledger's channels of changed jobs. Use as a context manager on the event loop."""

    def __init__(self, settings: Settings) -> None:
        pool = redis.asyncio.BlockingConnectionPool.from_url(
            settings.redis, max_connections=16, timeout=5, socket_connect_timeout=5, decode_responses=True
        )
        self._redis = redis.asyncio.Redis(connection_pool=pool)
        self._waiting: dict[str, list[tuple[Standing, asyncio.Event]]] = {}
        self._heard: PubSub | None = None  # while there is a connection
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Changes":
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._recheck())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.connection_pool.disconnect()

    async def wait(self, job_id: str, seen: Standing, seconds: float) -> bool:
        """Return when state and step of the job are no longer `seen`, or after `seconds`; whether they changed."""
        async with self._watch(job_id, seen) as changed:
            await self._wake([job_id])  # it may have changed since it was seen
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), seconds)
            return changed.is_set()

    async def events(self, job_id: str, after: str) -> tuple[list[tuple[str, dict[str, str]]], Standing | None]:
        """A job's events since the one with the id `after`, and how it stands now; None when it is gone."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.xrange(keys.events(job_id), min=f"({after}")
            pipe.hmget(keys.job(job_id), ["state", "step"])
            events, (state, step) = await pipe.execute()
        return events, (JobState(state), int(step)) if state else None

    @asynccontextmanager
    async def _watch(self, job_id: str, seen: Standing) -> AsyncIterator[asyncio.Event]:
        entry = seen, asyncio.Event()
        self._waiting.setdefault(job_id, []).append(entry)
        try:
            if len(self._waiting[job_id]) == 1:
                await self._hear(job_id)
            yield entry[1]
        finally:
            self._waiting[job_id].remove(entry)
            if not self._waiting[job_id]:
                del self._waiting[job_id]
                await self._hear(job_id)

    async def _hear(self, job_id: str) -> None:
        """Begin to listen to a job that somebody waits for now, or end it. Where that fails, `_recheck` makes up."""
        if self._heard is None:
            return
        with suppress(RedisError, OSError):
            if job_id in self._waiting:
                await self._heard.subscribe(keys.changed(job_id))
            else:
                await self._heard.unsubscribe(keys.changed(job_id))

    async def _wake(self, job_ids: list[str]) -> None:
        """Look at these jobs, in one round trip, and wake whoever has seen them otherwise."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hmget(keys.job(job_id), ["state", "step"])
            for job_id, (state, step) in zip(job_ids, await pipe.execute(), strict=True):
                for seen, changed in self._waiting.get(job_id, ()):
                    if (state, step) != (seen[0].value, str(seen[1])):
                        changed.set()

    async def _listen(self) -> None:
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    # Nothing is told to the first channel: it keeps the connection listening while nobody waits.
                    await pubsub.subscribe(keys.CHANGED, *map(keys.changed, self._waiting))
                    self._heard = pubsub
                    async for message in pubsub.listen():
                        await self._wake([message["data"]])
            except (RedisError, OSError) as error:
                log.warning("waiting for changes: %s; trying again", error)
                await asyncio.sleep(RECHECK_SECONDS)
            finally:
                self._heard = None

    async def _recheck(self) -> None:
        """Make up for messages that were lost with a connection."""
        while True:
            await asyncio.sleep(RECHECK_SECONDS)
            try:
                await self._wake(list(self._waiting))
            except (RedisError, OSError):
                for waiting in self._waiting.values():
                    for _, changed in waiting:
                        changed.set()  # they look themselves, and tell their clients what is wrong
