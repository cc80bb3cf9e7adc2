"""Tells the ledger how a worker died, the moment its supervisor sees it: its jobs run again at once."""

import logging
from contextlib import suppress
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from contract.deaths import Death, death
from contract.settings import Settings
from contract.store import JobStore

log = logging.getLogger(__name__)

_VMSTAT = Path("/proc/vmstat")


class Undertaker:
    """Buries one worker, as often as it dies. Where Redis is away it tries again before the next one starts."""

    def __init__(self, settings: Settings, vmstat: Path = _VMSTAT) -> None:
        # Short timeouts and no second try: the supervisor has other children to look after.
        client = redis.Redis.from_url(
            settings.redis, decode_responses=True, socket_timeout=1, socket_connect_timeout=1,
            retry=Retry(NoBackoff(), 0),
        )  # fmt: skip
        self._store, self._settings, self._vmstat = JobStore(client), settings, vmstat
        self._worker = settings.worker_name or ""
        self._kills = self._kernel_kills()
        self._unburied: Death | None = None

    def look(self) -> None:
        """The worker lives: whatever the kernel has killed so far, it was not this one."""
        self._kills = self._kernel_kills()

    def bury(self, status: int) -> bool:
        """The worker has died with this status, negative for a signal; whether it had jobs."""
        before, kills = self._kills, self._kernel_kills()
        self._unburied = death(status, out_of_memory=None if before is None or kills is None else kills > before)
        return self._bury()

    def make_room(self) -> None:
        """Before the next one starts: nobody is to take the dead one for ready, while this one loads its model."""
        self._bury()
        try:
            self._store.withdraw(self._worker)
        except RedisError as error:
            log.debug("not withdrawn: %s", error)

    def _bury(self) -> bool:
        if self._unburied is None:
            return False
        try:
            jobs = self._store.bury(self._worker, self._settings.max_attempts, self._unburied)
        except RedisError as error:
            log.warning("the ledger is not told yet how the worker died: %s", error)
            return False
        self._unburied = None
        return bool(jobs)

    def _kernel_kills(self) -> int | None:
        """Processes that Linux has ended for want of memory, on the whole host or in any of its control groups.

        None where the kernel does not tell.
        """
        with suppress(OSError):
            for line in self._vmstat.read_text().splitlines():
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
        return None
