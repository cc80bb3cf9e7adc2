"""What routes need, as Annotated names: a route's signature reads as a sentence."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor

from api.access import LOOKING, Stay, Who
from api.changes import Changes
from api.coalesce import Coalesced
from api.decoder import Decoder
from api.limits import Limits
from api.problems import path_of
from api.tokenizers import Tokenizers
from api.wire import Wire
from contract.access import LOCAL, Keys
from contract.audit import Audit
from contract.blobs import Blobs
from contract.jobs import Job
from contract.library import Library
from contract.settings import Settings
from contract.store import JobStore
from contract.tracing import Tracing


@dataclass(frozen=True)
class Services:
    """What one api process has: made once, in `create_app`."""

    settings: Settings
    store: JobStore
    wire: Wire
    look: Coalesced[str, Job | None]  # job id → how it stands
    blobs: Blobs
    library: Library
    changes: Changes
    tokenizers: Tokenizers
    decoder: Decoder
    keys: Keys
    limits: Limits
    audit: Audit
    tracing: Tracing


# `async def`, though nothing is awaited: FastAPI would run a plain function in a thread, for a mere attribute.
async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]


async def _store(services: ServicesDep) -> JobStore:
    return services.store


async def _library(services: ServicesDep) -> Library:
    return services.library


async def _who(request: Request) -> Who:
    who: Who = request.state.who  # the door has put it there
    return who


WhoDep = Annotated[Who, Depends(_who)]


async def _stay(request: Request) -> Stay:
    stay: Stay = request.state.stay
    return stay


StayDep = Annotated[Stay, Depends(_stay)]


async def _owner(request: Request) -> str:
    """Whose things a request is about: what an admin does to another's job or picture is done in that owner's place."""
    who = await _who(request)
    if not who.admin or who.owner == LOCAL:
        return who.owner
    services = await _services(request)
    owner = await run_in_threadpool(_named, services, request.path_params) or who.owner
    if owner != who.owner and request.method not in LOOKING:
        await run_in_threadpool(services.audit.note, who.name, f"{request.method} {path_of(request.scope)} of {owner}")
    return owner


def _named(services: Services, path: Mapping[str, str]) -> str | None:
    """The owner of what a path names."""
    if "job_id" in path:
        return services.store.owner(path["job_id"])
    return services.library.owner(path["image_id"]) if "image_id" in path else None


async def _visible(who: WhoDep) -> str | None:
    return None if who.admin else who.owner


StoreDep = Annotated[JobStore, Depends(_store)]
LibraryDep = Annotated[Library, Depends(_library)]
OwnerDep = Annotated[str, Depends(_owner)]
VisibleDep = Annotated[str | None, Depends(_visible)]  # whose things a list shows; None = everybody's


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
