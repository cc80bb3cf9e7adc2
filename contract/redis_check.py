"""Whether the Redis we were given may be trusted with a queue."""

import logging
from typing import cast

import redis
from redis.exceptions import ConnectionError as Away
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as Late

from contract.errors import DarkroomError

log = logging.getLogger(__name__)


def refuse_evicting(client: "redis.Redis") -> None:
    """Raises DarkroomError where Redis would throw jobs away when it is full.

    Where CONFIG is forbidden, as some hosters have it, and while Redis is away, it says so and goes on.
    """
    try:
        answer = cast("dict[str, str]", client.config_get("maxmemory-policy"))
    except (Away, Late) as error:
        log.warning("Redis does not answer yet, so whether it evicts is not known: %s", error)
        return
    except ResponseError as error:
        log.warning("Redis does not tell its maxmemory-policy (%s); make sure that it is noeviction", error)
        return
    policy = answer.get("maxmemory-policy", "noeviction")
    if policy != "noeviction":
        raise DarkroomError(
            f"this Redis has the maxmemory-policy {policy}: it would throw jobs away when it is full. "
            "Set it to noeviction, with CONFIG SET and in redis.conf, or give Darkroom a Redis of its own."
        )
