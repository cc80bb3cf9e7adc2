"""The OpenAPI document: FastAPI's own, with errors under their right media type."""

from typing import Any

from fastapi import FastAPI

from api.access import needed
from api.problems import MEDIA_TYPE, meaning

_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A key."},
    "basic": {"type": "http", "scheme": "basic", "description": "A key as the password, with any name."},
}


# Where the id in an answer leads: the answer, the field that holds the id, and the routes about such a thing.
_JOB, _IMAGE = "/api/v1/jobs/{job_id}", "/api/v1/images/{image_id}"
_LETTER = "/api/v1/dead-letters/{job_id}"
_LINKS = (
    ("POST /api/v1/jobs", "/id", _JOB),
    ("GET /api/v1/jobs", "/jobs/0/id", _JOB),
    ("GET /api/v1/jobs/active", "/jobs/0/id", _JOB),
    (f"GET {_JOB}", "/images/0/id", _IMAGE),
    (f"POST {_JOB}/retry", "/id", _JOB),
    ("POST /api/v1/images", "/id", _IMAGE),
    (f"POST {_IMAGE}/verify", "/id", _JOB),
    ("GET /api/v1/images", "/images/0/id", _IMAGE),
    ("GET /api/v1/dead-letters", "/dead_letters/0/job_id", _LETTER),
    (f"POST {_LETTER}/replay", "/id", _JOB),
)


def describe(app: FastAPI) -> None:
    """Have the app describe its errors as `application/problem+json`."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _relabel_all(generate())
        return generate()  # which keeps what it has made

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents


def _relabel_all(document: dict[str, Any]) -> None:
    document["components"]["securitySchemes"] = _SCHEMES
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _relabel(operation["responses"])
            if needed(method.upper(), path):
                _lock(operation)
    for operations in document.get("webhooks", {}).values():  # what we send; the receiver's errors are its own
        for operation in operations.values():
            operation["responses"].pop("422", None)
    for link in _LINKS:
        _link(document["paths"], *link)
    for unused in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(unused, None)


def _relabel(responses: dict[str, Any]) -> None:
    # FastAPI adds a 422 of its own form to every route with a parameter; ours are all documented.
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    for status, response in responses.items():
        if int(status) >= 400:
            response["content"] = {MEDIA_TYPE: next(iter(response["content"].values()))}  # of the route's own type


def _lock(operation: dict[str, Any]) -> None:
    """Say that a key is needed, and how its lack is answered: by the door (api/access.py), for every route alike."""
    operation["security"] = [{scheme: []} for scheme in _SCHEMES]
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    for status in (401, 403, 429, 503):
        answer = {"description": meaning(status), "content": {MEDIA_TYPE: {"schema": schema}}}
        operation["responses"].setdefault(str(status), answer)


def _link(paths: dict[str, Any], source: str, field: str, target: str) -> None:
    """Say that an id in the answer of one route is what the others are about (OpenAPI's links)."""
    method, path = source.split()
    responses = paths[path][method.lower()]["responses"]
    name = target.rpartition("{")[2].rstrip("}")
    responses[min(responses)]["links"] = {
        operation["operationId"]: {
            "operationId": operation["operationId"],
            "parameters": {name: f"$response.body#{field}"},
        }
        for about, operations in paths.items()
        if about.startswith(target)
        for operation in operations.values()
    }
