"""The way that falls silent: what was connected hears nothing more, not even an end; what comes later gets through."""

from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry

from tests.chaos.proxy import Proxy
from tests.conftest import RedisServer


def test_what_was_connected_stays_half_open(redis_server: RedisServer, tmp_path: Path) -> None:
    proxy = Proxy(tmp_path / "way", Path(redis_server.url.removeprefix("unix://")))
    proxy.start()
    once = Retry(NoBackoff(), 0)
    old, new = (redis.Redis(unix_socket_path=str(tmp_path / "way"), socket_timeout=0.5, retry=once) for _ in range(2))
    assert old.ping()
    proxy.silence(0.2)
    with pytest.raises(RedisTimeout):
        old.ping()
    assert new.ping()
    assert old.ping(), "it has connected anew"
    for client in (old, new):
        client.close()
    proxy.stop()
