"""Redis asked by the event loop itself, for what every request needs: a thread would take longer than the answer."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import redis.asyncio
from hiredis import pack_command
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.commands.core import Script
from redis.exceptions import NoScriptError
from redis.exceptions import TimeoutError as NoAnswer

from contract.jobs import Job
from contract.records import jobs_from
from contract.settings import Settings

PATIENCE = 5.0  # seconds for an answer


class Wire:
    """Runs those of the ledger's scripts that only read, on one connection, one after the other.

    redis-py's own client does much for each command that those need who share connections. Here few calls are made:
    who asks at the same time is asked for together (coalesce.py).
    """

    def __init__(self, settings: Settings, scripts: Mapping[str, Script]) -> None:
        pool = redis.asyncio.ConnectionPool.from_url(
            settings.redis,
            socket_timeout=None,
            socket_connect_timeout=PATIENCE,
            decode_responses=True,
            retry=Retry(NoBackoff(), 0),
        )
        self._connection: redis.asyncio.Connection = pool.make_connection()  # type: ignore[no-untyped-call]
        self._retry = Retry(ExponentialBackoff(cap=0.5, base=0.05), 4)
        self._scripts = scripts
        self._free = asyncio.Lock()

    async def run(self, script: str, *args: str) -> Any:
        """What a script of contract/lua answers. Tries again for about a second when Redis is away."""
        async with self._free:
            return await self._retry.call_with_retry(lambda: self._run(self._scripts[script], args), self._hang_up)

    async def _run(self, script: Script, args: Sequence[str]) -> Any:
        try:
            async with asyncio.timeout(PATIENCE):
                try:
                    return await self._ask("EVALSHA", script.sha, "0", *args)
                except NoScriptError:  # this Redis has not seen it yet
                    return await self._ask("EVAL", script.script, "0", *args)
        except TimeoutError as error:
            raise NoAnswer("Redis does not answer") from error

    async def _ask(self, *command: Any) -> Any:
        await self._connection.send_packed_command(pack_command(command), check_health=False)
        return await self._connection.read_response()

    async def _hang_up(self, _: Exception) -> None:
        await self._connection.disconnect(nowait=True)

    async def find(self, job_ids: Sequence[str]) -> list[Job | None]:
        """Each of these jobs, None where there is none; a hundred at a time."""
        found: dict[str, Job] = {}
        for i in range(0, len(job_ids), 100):
            found |= {job.id: job for job in jobs_from(await self.run("look", *job_ids[i : i + 100]))}
        return [found.get(job_id) for job_id in job_ids]

    async def close(self) -> None:
        await self._connection.disconnect()
