"""`python -m cli.health`: exit status 0 while the worker of this host is warm and beating, for a container's check."""

import socket
import sys

from redis.exceptions import RedisError

from contract.settings import Settings, settings
from contract.store import JobStore, connect


def sick(settings: Settings) -> str:
    """Why this host's worker cannot be counted on; "" when it can."""
    name = settings.worker_name or socket.gethostname()
    try:
        heard = {worker.id: worker for worker in JobStore(connect(settings)).workers()}
    except RedisError as error:
        return f"Redis: {error}"
    if name not in heard:
        return f"worker {name} is silent"
    return "" if heard[name].ready else f"worker {name} is not warm yet"


if __name__ == "__main__":
    sys.exit(sick(settings()) or 0)
