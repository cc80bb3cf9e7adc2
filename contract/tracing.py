"""Traces for OpenTelemetry: a request, and in its trace what a worker does for its job.

Only with `pip install darkroom[otel]` and `OTEL_EXPORTER_OTLP_ENDPOINT`; without them nothing of it is imported. The
api's spans are FastAPI's own. The job carries the `traceparent` of its request through the queue, as it does its id.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer, TracerProvider

log = logging.getLogger(__name__)


class Tracing:
    """Where spans go; without a provider, nowhere."""

    def __init__(self, provider: "TracerProvider | None" = None) -> None:
        self.provider = provider

    def traceparent(self) -> str:
        """Where this thread or task stands, as W3C Trace Context writes it; "" where nothing is traced."""
        if self.provider is None:
            return ""
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier)
        return carrier.get("traceparent", "")

    @contextmanager
    def job(self, job_id: str, traceparent: str) -> Iterator[None]:
        """A worker's run of a job. traceparent: of the request it came with, or ""."""
        if self.provider is None:
            yield
            return
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        request = TraceContextTextMapPropagator().extract({"traceparent": traceparent})
        named = {"darkroom.job": job_id}
        with self._tracer(self.provider).start_as_current_span("job", request, SpanKind.CONSUMER, named):
            yield

    @contextmanager
    def phases(self) -> Iterator[Callable[[str], None]]:
        """What comes one after the other within a job: each call begins a span and ends the one before."""
        if self.provider is None:
            yield lambda _: None
            return
        tracer = self._tracer(self.provider)
        under_way: dict[str, Span] = {}  # the one there is

        def enter(name: str) -> None:
            if name not in under_way:
                leave()
                under_way[name] = tracer.start_span(name)

        def leave() -> None:
            while under_way:
                under_way.popitem()[1].end()

        try:
            yield enter
        finally:
            leave()

    @staticmethod
    def _tracer(provider: "TracerProvider") -> "Tracer":
        return provider.get_tracer("darkroom")


def open_tracing(service: str) -> Tracing:
    """Export as OpenTelemetry's own variables say, under this name; nothing where none is set."""
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return Tracing()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        log.warning("traces need `pip install darkroom[otel]`, and none are kept: %s", error)
        return Tracing()
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)
