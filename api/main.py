"""The web server's app: `uvicorn --factory api.main:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.concurrency import run_in_threadpool

from api import problems
from api.access import Door
from api.bodies import BodyLimit
from api.changes import Changes
from api.decoder import Decoder
from api.deps import Services
from api.gate import Gate, allowed_hosts
from api.headers import SecurityHeaders
from api.limits import Limits
from api.metrics import HttpMetrics, LedgerCollector, Measure
from api.openapi import describe
from api.request_ids import RequestIds
from api.routes import catalogue, dead_letters, docs, events, health, images, jobs, me, reading, sign_in, tokens
from api.tokenizers import Tokenizers
from contract import logs
from contract.access import Keys
from contract.audit import Audit
from contract.blobs import Blobs
from contract.broker import make_celery
from contract.reaper import Reaper
from contract.redis_check import refuse_evicting
from contract.settings import Settings
from contract.settings import settings as read_settings
from contract.store import JobStore, connect
from web.pages import make_router, mount_static


def create_app(settings: Settings | None = None) -> FastAPI:
    """Make the app. Without settings given it reads those of the process, and sets up its log."""
    if settings is None:
        settings = read_settings()
        logs.set_up(settings)
    app = FastAPI(
        title="Darkroom",
        version="1",
        lifespan=_lifespan,
        docs_url=None,  # ours loads nothing from outside
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services = services = _services(settings)
    app.state.registry = registry = CollectorRegistry()
    registry.register(LedgerCollector(services.store))
    problems.install(app)
    describe(app)
    for module in (images, reading, jobs, events, dead_letters, catalogue, tokens, health, me, docs, sign_in):
        app.include_router(module.router)
    app.include_router(make_router(settings))
    mount_static(app)
    # The last one added is the first to see a request.
    uploads = (images.router.prefix, reading.PATH)
    app.add_middleware(BodyLimit, upload_paths=uploads, upload_limit=settings.max_upload)
    app.add_middleware(Door, keys=services.keys, limits=services.limits, settings=settings, audit=services.audit)
    app.add_middleware(Gate, hosts=allowed_hosts(settings))
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Measure, metrics=HttpMetrics(registry))
    app.add_middleware(RequestIds)
    return app


def _services(settings: Settings) -> Services:
    """Nothing here connects: the api starts, and answers 503, while Redis is away."""
    store = JobStore(connect(settings))
    return Services(
        settings=settings,
        store=store,
        blobs=Blobs(settings.blobs),
        celery=make_celery(settings),
        changes=Changes(settings),
        tokenizers=Tokenizers(store),
        decoder=Decoder(settings.picture_seconds),
        keys=Keys(store.redis),
        limits=Limits(settings),
        audit=Audit(settings),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    await run_in_threadpool(refuse_evicting, services.store.redis)
    reaper = Reaper(services.store, services.blobs, services.celery, services.settings)
    reaper.start()
    services.decoder.start()
    async with services.changes:
        yield
    await services.limits.close()
    reaper.stop()
    reaper.join(2)
    services.decoder.close()
    services.celery.close()
    services.store.redis.close()
