"""The OpenAPI document: FastAPI's own, with errors under their right media type."""

from typing import Any

from fastapi import FastAPI

from api.problems import MEDIA_TYPE


def describe(app: FastAPI) -> None:
    """Have the app describe its errors as `application/problem+json`."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _relabel_all(generate())
        return generate()  # which keeps what it has made

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents


def _relabel_all(document: dict[str, Any]) -> None:
    for operations in document["paths"].values():
        for operation in operations.values():
            _relabel(operation["responses"])
    for unused in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(unused, None)


def _relabel(responses: dict[str, Any]) -> None:
    # FastAPI adds a 422 of its own form to every route with a parameter; ours are all documented.
    if "HTTPValidationError" in str(responses.get("422")):
        del responses["422"]
    for status, response in responses.items():
        if int(status) >= 400:
            response["content"] = {MEDIA_TYPE: next(iter(response["content"].values()))}  # of the route's own type
