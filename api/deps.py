"""What routes need, as Annotated names: a route's signature reads as a sentence."""

import logging
import re
from dataclasses import dataclass
from typing import Annotated

from celery import Celery
from fastapi import Depends, Request
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from starlette.convertors import Convertor, register_url_convertor

from api.changes import Changes
from api.decoder import Decoder
from api.tokenizers import Tokenizers
from contract.blobs import Blobs
from contract.broker import send_hint
from contract.settings import Settings
from contract.store import JobStore

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Services:
    """What one api process has: made once, in `create_app`."""

    settings: Settings
    store: JobStore
    blobs: Blobs
    celery: Celery
    changes: Changes
    tokenizers: Tokenizers
    decoder: Decoder


# `async def`, though nothing is awaited: FastAPI would run a plain function in a thread, for a mere attribute.
async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]


async def _store(services: ServicesDep) -> JobStore:
    return services.store


async def _owner() -> str:
    """Whose jobs and pictures these are. There are no keys yet, so there is one owner."""
    return "local"


def ring(celery: Celery, job_id: str) -> None:
    """Send a hint; where that fails the reaper will."""
    try:
        send_hint(celery, job_id)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("no hint sent for %s: %s; the reaper will", job_id, error)


StoreDep = Annotated[JobStore, Depends(_store)]
OwnerDep = Annotated[str, Depends(_owner)]


class _Id(Convertor[str]):
    """An id in a path: what does not look like one is another address, hence 404."""

    def __init__(self, prefix: str) -> None:
        self.regex = f"{prefix}_[a-z2-7]{{26}}"  # type: ignore[misc]  # a ClassVar there; two prefixes here

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        assert re.fullmatch(self.regex, value)
        return value


register_url_convertor("job", _Id("job"))
register_url_convertor("img", _Id("img"))
