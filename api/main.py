"""The web server's app: `uvicorn --factory api.main:create_app`."""

import gc
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CollectorRegistry
from starlette.concurrency import run_in_threadpool

from api import problems
from api.access import Door
from api.bodies import BodyLimit
from api.changes import Changes
from api.coalesce import Coalesced
from api.courier import Courier
from api.decoder import Decoder
from api.deps import Services
from api.gate import Gate, allowed_hosts
from api.headers import SecurityHeaders
from api.limits import Limits
from api.metrics import HttpMetrics, LedgerCollector, Measure
from api.openapi import describe
from api.outbound import Outbound
from api.request_ids import RequestIds
from api.routes import (
    catalogue,
    dead_letters,
    docs,
    events,
    health,
    images,
    jobs,
    library,
    me,
    queue,
    reading,
    sign_in,
    tokens,
    verification,
    webhooks,
)
from api.tokenizers import Tokenizers
from api.wire import Wire
from contract import logs
from contract.access import Keys
from contract.audit import Audit
from contract.blobs import open_blobs
from contract.errors import LibraryAway
from contract.library import open_library
from contract.reaper import Reaper
from contract.redis_check import refuse_evicting
from contract.settings import Settings
from contract.settings import settings as read_settings
from contract.store import JobStore, connect
from contract.tracing import Tracing, open_tracing
from web.pages import make_router, mount_static

_UNTRACED = re.compile(r"/api/v1/tokens|/healthz|/readyz|/metrics|/static/.+")


def create_app(settings: Settings | None = None, tracing: Tracing | None = None) -> FastAPI:
    """Make the app. Without settings given it reads those of the process, and sets up its log; so with tracing."""
    if settings is None:
        settings = read_settings()
        logs.set_up(settings)
    tracing = tracing or open_tracing("darkroom-api")
    app = FastAPI(
        title="Darkroom",
        version="1",
        lifespan=_lifespan,
        docs_url=None,  # ours loads nothing from outside
        redoc_url=None,
        redirect_slashes=False,
        telemetry=_telemetry(tracing),
    )
    app.state.services = services = _services(settings, tracing)
    app.state.registry = registry = CollectorRegistry()
    registry.register(LedgerCollector(services.store))
    problems.install(app)
    describe(app)
    webhooks.describe_message(app)
    pictures, rest = (images, library, verification, reading), (events, webhooks, dead_letters, catalogue)
    for module in (jobs, queue, *pictures, *rest, tokens, health, me, docs, sign_in):
        app.router.routes.extend(module.router.routes)  # `include_router` would match each of them twice
    app.include_router(make_router(settings))
    mount_static(app)
    # The last one added is the first to see a request.
    uploads = (images.router.prefix, reading.PATH)
    app.add_middleware(BodyLimit, upload_paths=uploads, upload_limit=settings.max_upload)
    app.add_middleware(
        Door, wire=services.wire, keys=services.keys, limits=services.limits, settings=settings, audit=services.audit
    )
    app.add_middleware(Gate, hosts=allowed_hosts(settings))
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Measure, metrics=HttpMetrics(registry))
    app.add_middleware(RequestIds)
    return app


def _telemetry(tracing: Tracing) -> TelemetryConfig:
    """Spans of requests and nothing else; none of /tokens, whose address holds a prompt, and of what is asked often."""
    return {
        "tracer_provider": tracing.provider,
        "tracing": tracing.provider is not None,
        "operation_spans": False,
        "metrics": False,
        "logs": False,
        "auto_configure": False,
        "exclude": lambda scope: _UNTRACED.fullmatch(scope["path"]) is not None,
    }


def _services(settings: Settings, tracing: Tracing) -> Services:
    """Nothing here connects: the api starts, and answers 503, while Redis is away."""
    store = JobStore(connect(settings))
    wire = Wire(settings, store.scripts)
    return Services(
        settings=settings,
        store=store,
        wire=wire,
        look=Coalesced(wire.find),
        blobs=open_blobs(settings),
        library=open_library(settings),
        changes=Changes(settings),
        tokenizers=Tokenizers(store),
        decoder=Decoder(settings.picture_seconds),
        keys=Keys(store.redis),
        limits=Limits(settings),
        audit=Audit(settings),
        tracing=tracing,
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    await run_in_threadpool(refuse_evicting, services.store.redis)
    with suppress(LibraryAway):  # told in the log; the first who needs it tries again
        await run_in_threadpool(services.library.migrate)
    reaper = Reaper(services.store, services.blobs, services.library, services.settings)
    courier = Courier(services.store, services.keys, Outbound())
    reaper.start()
    if services.settings.webhooks:
        courier.start()
    services.decoder.start()
    async with services.changes:
        gc.collect()
        gc.freeze()  # what lives as long as the process need not be looked through again and again: 0.2 s each time
        yield
    await services.limits.close()
    await services.wire.close()
    courier.stop()
    reaper.stop()
    reaper.join(2)
    services.decoder.close()
    services.library.close()
    services.store.redis.close()
