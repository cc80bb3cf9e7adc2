"""One trace from the request to the worker, as OpenTelemetry's own exporter for tests gets it."""

import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.main import create_app
from contract.blobs import Blobs
from contract.library import open_library
from contract.settings import ROOT, Settings
from contract.store import JobStore, connect
from contract.tracing import Tracing, open_tracing
from tests.chaos.paced import MODEL, PacedWorkshop
from worker.worker import Worker

JOB = {"kind": "txt2img", "prompt": "a very secret cat", "width": 64, "height": 64, "steps": 4, "seed": 7}


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


def tracing_to(exporter: InMemorySpanExporter) -> Tracing:
    """A process of its own, as far as spans go."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Tracing(provider)


def run_one(settings: Settings, tmp_path: Path, of_api: Tracing, of_worker: Tracing) -> str:
    """Submit a job by HTTP, and have a worker do it."""
    store = JobStore(connect(settings))
    keepers = store, Blobs(settings.blobs), open_library(settings)
    worker = Worker(settings, *keepers, PacedWorkshop(0.01, 4, tmp_path), of_worker)
    worker.start()
    with TestClient(create_app(settings, of_api), client=("127.0.0.1", 5)) as client:
        answer = client.post("/api/v1/jobs", json=JOB)
        assert answer.status_code == 202, answer.text
        assert client.get("/api/v1/tokens?model=none&prompt=a%20very%20secret%20cat").status_code == 422
    job_id: str = answer.json()["id"]
    worker.run()
    job = store.get(job_id)
    assert job is not None
    assert (job.state.value, len(job.images)) == ("succeeded", 1)
    worker.drain()
    return job_id


def named(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def test_one_trace_spans_api_and_worker(settings: Settings, tmp_path: Path, exporter: InMemorySpanExporter) -> None:
    assert MODEL.name == settings.model.name
    job_id = run_one(settings, tmp_path, tracing_to(exporter), tracing_to(exporter))
    spans = named(exporter)
    assert set(spans) == {"POST /api/v1/jobs", "job", "encode", "sampling", "decode"}
    request, job = spans["POST /api/v1/jobs"], spans["job"]
    assert {span.context.trace_id for span in spans.values() if span.context} == {request.context.trace_id}
    assert job.parent is not None
    assert job.parent.span_id == request.context.span_id
    assert dict(job.attributes or {}) == {"darkroom.job": job_id}
    last = job.start_time or 0
    for name in ("encode", "sampling", "decode"):
        span = spans[name]
        assert span.parent is not None
        assert span.parent.span_id == job.context.span_id
        assert last <= (span.start_time or 0) <= (span.end_time or 0) <= (job.end_time or 0)
        last = span.end_time or 0
    assert "secret" not in "".join(span.to_json() for span in spans.values())


def test_a_job_that_was_not_traced_begins_a_trace(
    settings: Settings, tmp_path: Path, exporter: InMemorySpanExporter
) -> None:
    run_one(settings, tmp_path, Tracing(), tracing_to(exporter))
    assert named(exporter)["job"].parent is None


def test_nothing_is_kept_and_nothing_imported_unless_asked_for(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    assert open_tracing("x").provider is None
    job_id = run_one(settings, tmp_path, open_tracing("x"), open_tracing("y"))
    assert JobStore(connect(settings)).traceparent(job_id) == ""
    code = (
        "import sys, contract.tracing\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
        "sys.modules['opentelemetry'] = None  # importing it raises\n"
        "import worker.main\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_endpoint_without_the_extra_is_said_once_and_harms_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter", None)
    assert open_tracing("x").provider is None
    assert "darkroom[otel]" in caplog.text
