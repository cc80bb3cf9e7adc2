"""Identifiers: opaque, unguessable, made by the server."""

import base64
import hashlib
import json
import secrets


def _spell(data: bytes) -> str:
    """16 bytes as 26 characters a-z and 2-7."""
    return base64.b32encode(data[:16]).decode().rstrip("=").lower()


def _name(*parts: str | int) -> str:
    return f"img_{_spell(hashlib.sha256(json.dumps(parts).encode()).digest())}"


def new_job_id() -> str:
    return f"job_{_spell(secrets.token_bytes(16))}"


def upload_id(owner: str, sha256: str) -> str:
    """The same owner's same bytes have the same id."""
    return _name("upload", owner, sha256)


def picture_id(job_id: str, index: int, role: str) -> str:
    """A job run twice, after a crash, names its pictures alike, so the second run replaces the first."""
    return _name("picture", job_id, index, role)


def image_url(image_id: str) -> str:
    """Where the api serves a picture."""
    return f"/api/v1/images/{image_id}"
