"""Webhooks: who is told when a job ends, in the form of the Standard Webhooks specification.

The script that ends a job also puts its delivery on the list `deliveries`; what takes one from there
(api/courier.py) has it for a while and no longer, so one that dies is made up for by another process. A message
thus arrives once or more often, always under the same `webhook-id`.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Event = Literal["job.succeeded", "job.failed", "job.cancelled"]
Standing = Literal["none", "waiting", "delivered", "given_up"]

EVENTS: tuple[Event, ...] = ("job.succeeded", "job.failed", "job.cancelled")
# Seconds from one attempt to the next, as the specification advises; a tenth more at most, by chance (courier.py).
PAUSES = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
MOST_ATTEMPTS = len(PAUSES) + 1

_MOST = 2000  # characters of an address
_LABEL = "(?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# A name with a dot, whose last part begins with a letter: no number can pass for an address, however it is written.
_HOST = rf"(?:[A-Za-z0-9]{_LABEL}\.)+[A-Za-z]{_LABEL}"
_URL = rf"https://({_HOST})(?::([0-9]{{1,5}}))?([/?][!$-;=?-\[\]_a-z~]*)?"


@dataclass(frozen=True)
class Place:
    """An https address, taken apart: what is looked up, called, and asked for."""

    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """What stands in `Host`."""
        return self.host if self.port == 443 else f"{self.host}:{self.port}"


def place_of(url: str) -> Place:
    """Raises ValueError, with what to change.

    >>> place_of("https://Studio.example:8443?done=1")
    Place(host='studio.example', port=8443, target='/?done=1')
    """
    if not url.lower().startswith("https://"):
        raise ValueError("must begin with https://")
    if "@" in url.partition("//")[2].partition("/")[0].partition("?")[0]:
        raise ValueError("must hold no name or password; put a secret into the path, or check the signature")
    parts = re.fullmatch(_URL, url)
    if parts is None or len(parts[1]) > 253:
        raise ValueError(
            "must be https://, a public host name (no number, with a dot; other alphabets as xn--), and a path of "
            "plain characters, others as %XX, without #fragment"
        )
    port = int(parts[2] or 443)
    if port != 443 and not 1024 <= port <= 65535:
        raise ValueError("must have the port 443, or one from 1024 to 65535")
    target = parts[3] or "/"
    return Place(parts[1].lower(), port, target if target.startswith("/") else f"/{target}")


def _check(url: str) -> str:
    place_of(url)
    return url


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Webhook(_Record):
    """Where to send a signed message when the job ends."""

    url: Annotated[
        str,
        Field(max_length=_MOST, json_schema_extra={"format": "uri", "pattern": f"^{_URL}$"}),
        AfterValidator(_check),
    ] = Field(
        description="A public https address, on port 443 or one from 1024 on; without a name or password in it. "
        "Redirects are not followed."
    )
    events: tuple[Event, ...] = Field(EVENTS, min_length=1, max_length=3, description="Ends to be told of.")


class Attempt(_Record):
    """One try to deliver."""

    number: int = Field(description="From 1; one that is missing was cut short by the end of its process.")
    at: datetime
    seconds: float = Field(description="How long it took.")
    status: int | None = Field(description="HTTP status of the answer; null when none came.")
    error: str | None = Field(description="Why it does not count as delivered; null when it does.")


class Delivery(_Record):
    """What became of a job's message."""

    webhook_id: str = Field(description="The message's `webhook-id`, the same at every attempt.")
    state: Standing = Field(
        description="`none`: nothing is to be sent, since the job has no webhook, has not ended, or not in a way asked "
        "for. `waiting` for an attempt or its answer. `given_up`: after ten attempts, an answer 410, or because the "
        "key is revoked."
    )
    attempts: list[Attempt]
    next_at: datetime | None = Field(description="When it is tried next, if it is.")


class WebhookSecret(_Record):
    """What messages are signed with, by HMAC-SHA256."""

    secret: str = Field(description="`whsec_` and the key's bytes in base64.")
    replaced: str | None = Field(description="The one before, which signs too until `replaced_until`.")
    replaced_until: datetime | None


def message_id(job_id: str) -> str:
    """The `webhook-id` of a job's message: a job ends once."""
    return f"msg_{job_id.removeprefix('job_')}"


def sign(secret: str, message: str, timestamp: int, body: bytes) -> str:
    """A signature of the specification's version 1: of id, time in seconds since 1970, and body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{message}.{timestamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def headers(signers: Iterable[str], message: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The specification's headers; while a secret is being replaced both sign."""
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(secret, message, timestamp, body) for secret in signers),
    }
