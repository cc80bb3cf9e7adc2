"""The API describes itself: every route, field, limit and error, and `/docs` loads nothing from outside."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from contract.errors import ErrorCode

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "api.md"

ROUTES = {
    "POST /api/v1/images": "201",
    "GET /api/v1/images": "200",
    "GET /api/v1/images/zip": "200",
    "GET /api/v1/images/count": "200",
    "GET /api/v1/images/labels": "200",
    "POST /api/v1/images/delete": "200",
    "POST /api/v1/images/restore": "200",
    "PATCH /api/v1/images/{image_id}": "200",
    "GET /api/v1/images/{image_id}/chain": "200",
    "POST /api/v1/read": "200",
    "GET /api/v1/images/{image_id}": "200",
    "GET /api/v1/images/{image_id}/metadata": "200",
    "DELETE /api/v1/images/{image_id}": "204",
    "POST /api/v1/images/{image_id}/verify": "202",
    "POST /api/v1/jobs": "202",
    "GET /api/v1/jobs": "200",
    "GET /api/v1/jobs/active": "200",
    "POST /api/v1/jobs/clear": "200",
    "GET /api/v1/jobs/{job_id}": "200",
    "PATCH /api/v1/jobs/{job_id}": "200",
    "GET /api/v1/jobs/{job_id}/preview": "200",
    "POST /api/v1/jobs/{job_id}/cancel": "202",
    "POST /api/v1/jobs/{job_id}/pause": "202",
    "POST /api/v1/jobs/{job_id}/resume": "202",
    "POST /api/v1/jobs/{job_id}/move": "202",
    "POST /api/v1/jobs/{job_id}/retry": "202",
    "GET /api/v1/jobs/{job_id}/events": "200",
    "DELETE /api/v1/jobs/{job_id}": "204",
    "GET /api/v1/jobs/{job_id}/deliveries": "200",
    "GET /api/v1/webhook-secret": "200",
    "POST /api/v1/webhook-secret": "200",
    "GET /api/v1/dead-letters": "200",
    "DELETE /api/v1/dead-letters": "204",
    "POST /api/v1/dead-letters/{job_id}/replay": "202",
    "DELETE /api/v1/dead-letters/{job_id}": "204",
    "GET /api/v1/models": "200",
    "GET /api/v1/samplers": "200",
    "GET /api/v1/schedules": "200",
    "GET /api/v1/styles": "200",
    "GET /api/v1/wildcards": "200",
    "GET /api/v1/tokens": "200",
    "GET /api/v1/queue": "200",
    "POST /api/v1/queue/pause": "200",
    "POST /api/v1/queue/resume": "200",
    "GET /api/v1/me": "200",
    "GET /api/v1/me/library": "200",
    "GET /healthz": "200",
    "GET /readyz": "200",
    "GET /metrics": "200",
}
ERRORS = {
    "POST /api/v1/images": {"413", "415", "422"},
    "POST /api/v1/read": {"413", "415", "422", "503"},
    "GET /api/v1/images": {"422", "503"},
    "GET /api/v1/images/zip": {"404", "422", "503"},
    "GET /api/v1/images/count": {"422", "503"},
    "GET /api/v1/images/labels": {"503"},
    "POST /api/v1/images/delete": {"413", "415", "422", "503"},
    "POST /api/v1/images/restore": {"413", "415", "422", "503"},
    "PATCH /api/v1/images/{image_id}": {"404", "413", "415", "422", "503"},
    "POST /api/v1/jobs": {"409", "413", "415", "422", "429"},
    "GET /api/v1/jobs": {"422"},
    "GET /api/v1/jobs/active": {"422"},
    "GET /api/v1/jobs/{job_id}": {"404", "422"},
    "PATCH /api/v1/jobs/{job_id}": {"404", "409", "413", "415", "422"},
    "POST /api/v1/jobs/{job_id}/cancel": {"404", "409"},
    "DELETE /api/v1/images/{image_id}": {"404"},
    "POST /api/v1/images/{image_id}/verify": {"404", "409", "422", "429", "503"},
    "GET /api/v1/jobs/{job_id}/deliveries": {"404"},
    "GET /api/v1/dead-letters": {"422"},
    "POST /api/v1/dead-letters/{job_id}/replay": {"404", "429"},
    "DELETE /api/v1/dead-letters/{job_id}": {"404"},
}


@pytest.fixture
def document(client: TestClient) -> Any:
    return client.get("/openapi.json").json()


@pytest.fixture
def operations(document: Any) -> dict[str, Any]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_the_routes_are_the_contracts(operations: dict[str, Any]) -> None:
    assert set(operations) == set(ROUTES)
    for name, operation in operations.items():
        assert ROUTES[name] in operation["responses"], name
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name


def test_the_guide_names_every_route(operations: dict[str, Any]) -> None:
    guide = GUIDE.read_text("utf-8")
    assert not [name for name in operations if f"`{name}`" not in guide]


def test_errors_are_documented_as_problems(document: Any, operations: dict[str, Any]) -> None:
    for name, operation in operations.items():
        errors = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        assert ERRORS.get(name, set()) | {"500"} <= set(errors), name
        for answer in errors.values():
            assert list(answer["content"]) == ["application/problem+json"]
            schema = answer["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/ProblemDetails"}
    assert "HTTPValidationError" not in str(document)


def test_an_id_in_an_answer_is_linked_to_what_it_opens(document: Any, operations: dict[str, Any]) -> None:
    """Each names a route that there is, by a parameter that it has; a job leads to all that may be done with it."""
    by_id = {operation["operationId"]: name for name, operation in operations.items()}
    linked: dict[str, set[str]] = {}
    for name, operation in operations.items():
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                (parameter,) = link["parameters"]
                assert f"{{{parameter}}}" in by_id[link["operationId"]]
                assert link["parameters"][parameter].startswith("$response.body#/")
                linked.setdefault(name, set()).add(by_id[link["operationId"]])
    of_job = {name for name in ROUTES if "/jobs/{job_id}" in name}
    assert len(of_job) == 11
    for name in (
        "POST /api/v1/jobs",
        "GET /api/v1/jobs",
        "GET /api/v1/jobs/active",
        "POST /api/v1/jobs/{job_id}/retry",
        "POST /api/v1/images/{image_id}/verify",
    ):
        assert linked[name] == of_job
    for name in ("POST /api/v1/images", "GET /api/v1/images"):
        assert linked[name] == {name for name in ROUTES if "{image_id}" in name}
    assert linked["GET /api/v1/dead-letters"] == {name for name in ROUTES if "/dead-letters/{job_id}" in name}


def test_every_request_field_is_described_with_its_limits(document: Any) -> None:
    schemas = document["components"]["schemas"]
    for kind in ("Txt2Img", "Img2Img", "Inpaint", "Grid", "Axis", "Upscale", "Webhook"):
        for name, field in schemas[kind]["properties"].items():
            assert name == "kind" or field.get("description"), f"{kind}.{name}"
    steps = schemas["Txt2Img"]["properties"]["steps"]
    assert (steps["minimum"], steps["maximum"], steps["default"]) == (1, 1000, 20)
    assert set(schemas["ErrorCode"]["enum"]) == set(ErrorCode)


def test_what_is_sent_is_described_too(document: Any) -> None:
    operation = document["webhooks"]["job-ended"]["post"]
    assert set(operation["responses"]) == {"200"}
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/WebhookMessage"}
    assert set(document["components"]["schemas"]["WebhookMessage"]["properties"]) == {"type", "timestamp", "data"}


def test_every_query_parameter_is_described(operations: dict[str, Any]) -> None:
    for name, operation in operations.items():
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query":
                assert parameter.get("description"), f"{name}: {parameter['name']}"


def test_docs_load_nothing_from_outside(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    addresses = re.findall(r"""(?:src|href)=["']([^"']+)""", page.text)
    assert len(addresses) == 3
    assert not [address for address in addresses if not address.startswith("/static/")]
    for address in addresses:
        assert client.get(address).status_code == 200, address
    policy = page.headers["content-security-policy"]
    script = re.findall(r"<script>(.+?)</script>", page.text, re.DOTALL)[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in policy
    assert "http" not in policy


def test_the_page_is_served_with_its_policy(client: TestClient) -> None:
    page = client.get("/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_every_answer_carries_the_headers_that_tame_browsers(client: TestClient) -> None:
    for path in ("/", "/docs", "/healthz", "/openapi.json", "/nowhere", "/api/v1/samplers", "/metrics"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "no-referrer", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
