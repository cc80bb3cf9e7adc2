"""How often somebody may ask: counters in Redis, shared by all api processes."""

import math
import time
from typing import Any

import redis.asyncio
from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import OutOfMemoryError

from contract import keys
from contract.settings import Settings


class Limits:
    """Sliding windows of a minute."""

    def __init__(self, settings: Settings) -> None:
        self._pool = redis.asyncio.BlockingConnectionPool.from_url(
            settings.redis, max_connections=16, timeout=5, socket_timeout=5, socket_connect_timeout=5
        )
        options: dict[str, Any] = {"connection_pool": self._pool}  # its hints leave out what it documents
        uri = _uri(settings.redis)
        storage = RedisStorage(uri, implementation="redispy", key_prefix=keys.LIMITS, **options)
        self._windows = SlidingWindowCounterRateLimiter(storage)

    async def hit(self, what: str, who: str, most: int) -> int:
        """Count one of `most` a minute (0 = any number): 0, or, when it is one too many, the seconds to wait."""
        if not most:
            return 0
        item = RateLimitItemPerMinute(most)
        try:
            if await self._windows.hit(item, what, who):
                return 0
        except OutOfMemoryError:  # a full Redis takes no jobs, but whoever has some may look at them
            return 0
        stats = await self._windows.get_window_stats(item, what, who)
        return max(1, min(60, math.ceil(stats.reset_time - time.time())))

    async def close(self) -> None:
        await self._pool.disconnect()


def _uri(url: str) -> str:
    """A URL of redis-py as `limits` spells it."""
    return "async+redis+" + url if url.startswith("unix:") else "async+" + url
