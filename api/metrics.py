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
from contract.stock import Stock, take_stock
from contract.store import JobStore

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class LedgerCollector(Collector):
    """Reads the ledger when it is asked. With Redis away it says so, and nothing else."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        try:
            stock, workers = take_stock(self._store), self._store.workers()
        except RedisError:
            yield GaugeMetricFamily("darkroom_redis_up", "Whether Redis answers.", 0)
            return
        yield GaugeMetricFamily("darkroom_redis_up", "Whether Redis answers.", 1)
        yield from _of_ledger(stock)
        yield GaugeMetricFamily("darkroom_workers", "Workers heard from lately.", len(workers))
        yield GaugeMetricFamily("darkroom_workers_ready", "Workers that are warm.", sum(w.ready for w in workers))
        yield from _of_workers(workers)


_COUNTED = {
    "claims": "Times a worker took a job.",
    "lost": "Times a job lost its worker.",
    "retries": "Times a lost job was put back.",
    "released": "Times a worker handed a job back unharmed.",
    "hints_repeated": "Hints the reaper repeated.",
}


def _of_ledger(stock: Stock) -> Iterator[Metric]:
    """Who waits, since when, what happened to leases, and how well starts are told."""
    jobs = GaugeMetricFamily("darkroom_jobs", "Jobs that wait, are paused or run.", labels=["state"])
    oldest = GaugeMetricFamily("darkroom_oldest_job_seconds", "Age of the oldest in its state.", labels=["state"])
    for state, number in stock.jobs.items():
        jobs.add_metric([state], number)
        oldest.add_metric([state], stock.oldest[state])
    yield jobs
    yield oldest
    ended = CounterMetricFamily("darkroom_jobs_ended", "Jobs by how they ended.", labels=["state"])
    for state in ("succeeded", "failed", "cancelled"):
        ended.add_metric([state], stock.counters.get(state, 0))
    yield ended
    for name, told in _COUNTED.items():
        yield CounterMetricFamily(f"darkroom_ledger_{name}", told, stock.counters.get(name, 0))
    yield GaugeMetricFamily("darkroom_hints_unread", "Hints that no worker has read.", stock.hints)
    yield CounterMetricFamily("darkroom_estimates", "Jobs whose start was told.", stock.told)
    yield CounterMetricFamily("darkroom_estimate_error_seconds", "By how much that was wrong.", stock.told_error)
    yield CounterMetricFamily("darkroom_estimated_wait_seconds", "How long these waited.", stock.told_wait)


def _of_workers(workers: list[WorkerInfo]) -> Iterator[Metric]:
    """What workers say of themselves, and the counters they push with their heartbeat."""
    for field, told in (("rows", "Rows in flight."), ("busy", "Jobs in development.")):
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
