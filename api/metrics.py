"""What Prometheus reads: the ledger and the workers as they stand, and how this process answers."""

import re
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contract.jobs import WorkerInfo
from contract.store import JobStore

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class LedgerCollector(Collector):
    """Reads the ledger when it is asked. With Redis away it says so, and nothing else."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        try:
            counts, workers = self._store.counts(), self._store.workers()
        except RedisError:
            yield GaugeMetricFamily("darkroom_redis_up", "Whether Redis answers.", 0)
            return
        yield GaugeMetricFamily("darkroom_redis_up", "Whether Redis answers.", 1)
        jobs = GaugeMetricFamily("darkroom_jobs", "Jobs that wait or run.", labels=["state"])
        for state, count in zip(("queued", "running"), counts, strict=True):
            jobs.add_metric([state], count)
        yield jobs
        yield GaugeMetricFamily("darkroom_workers", "Workers heard from lately.", len(workers))
        yield GaugeMetricFamily("darkroom_workers_ready", "Workers that are warm.", sum(w.ready for w in workers))
        yield from _of_workers(workers)


def _of_workers(workers: list[WorkerInfo]) -> Iterator[Metric]:
    """What workers say of themselves, and the counters they push with their heartbeat."""
    for field, told in (("rows", "Samples in the last U-Net call."), ("busy", "Jobs in development.")):
        gauge = GaugeMetricFamily(f"darkroom_worker_{field}", told, labels=["worker", "device"])
        for worker in workers:
            gauge.add_metric([worker.id, worker.device], getattr(worker, field))
        yield gauge
    for name in sorted({name for worker in workers for name in worker.counters if _NAME.fullmatch(name)}):
        counter = CounterMetricFamily(f"darkroom_worker_{name}", "Counted by the worker.", labels=["worker", "device"])
        for worker in workers:
            if name in worker.counters:
                counter.add_metric([worker.id, worker.device], worker.counters[name])
        yield counter


class HttpMetrics:
    """Requests by route and status, and their durations."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["method", "route"]
        self._count = Counter("darkroom_http_requests", "HTTP requests.", [*labels, "status"], registry=registry)
        self._seconds = Histogram("darkroom_http_request_seconds", "Time to answer.", labels, registry=registry)

    def note(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = getattr(scope.get("route"), "path_format", "none")
        self._count.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


class Measure:
    """Counts every request. ASGI middleware."""

    def __init__(self, app: ASGIApp, metrics: HttpMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, begun = 500, time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            self._metrics.note(scope, status, time.perf_counter() - begun)
