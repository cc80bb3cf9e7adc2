"""Keys: who may do what, how much of it, and how much of it they have done.

A key's text is `darkroom_<id>_<256 random bits>`, shown once; only its SHA-256 is kept. The id says which record to
look into, and is the owner of what the key makes. Rotating a key gives it a second text; the old one lives on for a
grace time. A session is a browser's, made with one text and ended with it.
"""

import base64
import hashlib
import hmac
import ipaddress
import json
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, cast

import redis
from pydantic import BaseModel, ConfigDict, Field

from contract import keys
from contract.errors import BadRequest, Conflict, NotFound, OverQuota, RequestError
from contract.phrases import Phrase

LOCAL = "local"  # who everybody is while there are no keys
GRACE_SECONDS = 24 * 3600
SESSION_SECONDS = 14 * 24 * 3600

_TEXT = re.compile(r"darkroom_([a-z2-7]{8})_[a-z2-7]{52}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,39}")
_NOTHING = "0" * 64  # compared with when there is no such key, so that this takes as long


class Scope(StrEnum):
    """What a key may do. An admin may do everything, to everybody's things."""

    GENERATE = "generate"
    READ = "read"
    ADMIN = "admin"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Quota(_Record):
    """What a key may use; none = as much as the server gives."""

    cost: float | None = Field(None, gt=0, le=1e9, description="Megapixel-steps an hour.")
    jobs: int | None = Field(None, ge=1, le=1_000_000, description="Jobs waiting or running at a time.")
    rate: int | None = Field(None, ge=1, le=1_000_000, description="Requests a minute.")


class Secret(_Record):
    """One text of a key."""

    sha256: str
    created_at: datetime
    expires_at: datetime | None = None

    def lives(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


class Key(_Record):
    """A key as it is kept."""

    id: str
    name: str
    scopes: frozenset[Scope]
    quota: Quota
    created_at: datetime
    revoked_at: datetime | None = None
    secrets: tuple[Secret, ...]

    def alive(self, now: datetime) -> tuple[Secret, ...]:
        """Its texts that are taken."""
        return () if self.revoked_at else tuple(secret for secret in self.secrets if secret.lives(now))


class Usage(_Record):
    """What a key has done."""

    jobs: int = Field(description="Jobs accepted, ever.")
    cost: float = Field(description="Megapixel-steps accepted, ever.")
    last_hour: float = Field(description="Megapixel-steps accepted in the last hour; a quota counts these.")
    in_flight: int = Field(description="Jobs that wait or run.")
    used_at: datetime | None = Field(description="When the key was last seen, to the minute.")


@dataclass(frozen=True)
class Credentials:
    """What a request shows to be let in: every key's text that it carries, right or wrong, and a session's token."""

    texts: frozenset[str]
    token: str | None

    def sought(self) -> tuple[str, str]:
        """What lua/door.lua looks up: a key's id or "", a session or "". A key goes before a session."""
        if self.texts:
            form = _TEXT.fullmatch(next(iter(self.texts))[:200]) if len(self.texts) == 1 else None
            return (form[1] if form else ""), ""
        return "", _digest(self.token) if self.token else ""

    def holder(self, record: str, began_with: str) -> Key | None:
        """Whose they are, by what it found; None when they are nobody's, as two different keys are."""
        key = _read(record) if record else None
        if self.texts:
            return key if len(self.texts) == 1 and _fits(key, _digest(next(iter(self.texts)))) else None
        return key if key and any(secret.sha256 == began_with for secret in key.alive(_now())) else None


class Keys:
    """The keys in Redis. Safe to share between threads."""

    def __init__(self, client: "redis.Redis") -> None:
        self.redis = client

    # --- administration ----------------------------------------------------------------------------

    def add(self, name: str, scopes: Iterable[Scope], quota: Quota) -> tuple[Key, str]:
        """Make a key: its record, and its text. Raises BadRequest, and Conflict for a name that another key has."""
        if not _NAME.fullmatch(name):
            raise BadRequest(
                Phrase("{name} cannot be a key's name: take up to 40 letters, digits and . _ @ -", name=repr(name)),
                "name",
            )
        taken = [key for key in self.all() if key.name == name and not key.revoked_at]
        if taken:
            raise Conflict(
                Phrase("there is a key {name} already; rotate it, revoke it, or take another name", name=name)
            )
        key_id = _spell(5)
        text = _new_text(key_id)
        now = _now()
        key = Key(
            id=key_id,
            name=name,
            scopes=frozenset(scopes),
            quota=quota,
            created_at=now,
            secrets=(Secret(sha256=_digest(text), created_at=now),),
        )
        if not self.redis.hsetnx(keys.KEYS, key_id, _dump(key)):
            raise Conflict("the id that was drawn is taken; try again")  # once in 2^40
        return key, text

    def rotate(self, name: str, grace_seconds: float = GRACE_SECONDS) -> tuple[Key, str]:
        """Give a key a new text: the record and the text. Those before live on for the grace time, at most."""
        now = _now()
        end = now + timedelta(seconds=grace_seconds)
        text = ""

        def turned(key: Key) -> Key:
            nonlocal text
            text = _new_text(key.id)
            newest = [secret for secret in key.secrets if secret.lives(now)][:1]  # two live ones at most
            old = [secret.model_copy(update={"expires_at": min(secret.expires_at or end, end)}) for secret in newest]
            return key.model_copy(update={"secrets": (Secret(sha256=_digest(text), created_at=now), *old)})

        return self._change(name, turned), text

    def revoke(self, name: str) -> Key:
        """End a key and its sessions, at once and for good. What it made stays, for admins to see."""
        return self._change(name, lambda key: key.model_copy(update={"revoked_at": _now()}))

    def all(self) -> list[Key]:
        """Every key, revoked ones included, oldest first."""
        records = cast("list[str]", self.redis.hvals(keys.KEYS))
        return sorted((Key.model_validate_json(record) for record in records), key=lambda key: key.created_at)

    def exist(self) -> bool:
        """Whether somebody holds a key that is taken."""
        now = _now()
        return any(key.alive(now) for key in self.all())

    def _change(self, name: str, change: Callable[[Key], Key]) -> Key:
        """Change the key of this name or id, whatever others do meanwhile. Raises NotFound."""
        wanted = next((key for key in self.all() if name in (key.name, key.id) and not key.revoked_at), None)
        if wanted is None:
            raise NotFound(Phrase("there is no key {name}", name=name))

        def write(pipe: Any) -> Key:
            key = Key.model_validate_json(pipe.hget(keys.KEYS, wanted.id))
            changed = change(key)
            pipe.multi()
            pipe.hset(keys.KEYS, key.id, _dump(changed))
            return changed

        # redis-py's hints know of no callable that gives a value.
        return cast("Key", self.redis.transaction(cast("Any", write), keys.KEYS, value_from_callable=True))

    # --- at the door (lua/door.lua tells whose a request is) ----------------------------------------

    def none(self) -> bool:
        """Whether there was never a key: then everybody is `local`. Revoking the last one opens nothing."""
        return not self.redis.exists(keys.KEYS)

    def holder(self, text: str) -> Key | None:
        """Whose key this is; None when it is nobody's. Any text may be asked about."""
        shown = Credentials(frozenset({text}), None)
        key_id, _ = shown.sought()
        return shown.holder(cast("str | None", self.redis.hget(keys.KEYS, key_id)) or "", "")

    def sign_in(self, text: str) -> str | None:
        """Begin a session with a key: its token; None when the key is nobody's."""
        key = self.holder(text)
        if key is None:
            return None
        token = _spell(32)
        self.redis.set(_session(token), f"{key.id} {_digest(text)}", ex=SESSION_SECONDS)
        return token

    def sign_out(self, token: str) -> None:
        """End a session."""
        self.redis.delete(_session(token))

    def read(self, key_id: str) -> Key | None:
        """The key of this id, whatever has become of it."""
        record = cast("str | None", self.redis.hget(keys.KEYS, key_id))
        return _read(record) if record else None

    # --- usage -------------------------------------------------------------------------------------

    def touch(self, owner: str) -> None:
        """Note that a key was used now."""
        self.redis.hset(keys.used(owner), "at", _now().isoformat(timespec="minutes"))

    def usage(self, owner: str) -> Usage:
        """What a key has done; submit.lua counts it."""
        with self.redis.pipeline(transaction=False) as pipe:
            pipe.hgetall(keys.used(owner))
            pipe.hgetall(keys.spent(owner))
            pipe.scard(keys.flying(owner))
            pipe.time()
            used, spent, flying, (seconds, _) = pipe.execute()
        recent = sum(int(cost) for minute, cost in spent.items() if seconds // 60 - int(minute) < 60)
        return Usage(
            jobs=int(used.get("jobs", 0)),
            cost=int(used.get("cost", 0)) / 1e6,
            last_hour=recent / 1e6,
            in_flight=flying,
            used_at=datetime.fromisoformat(used["at"]) if "at" in used else None,
        )


def csrf_of(token: str) -> str:
    """What a page sends with its writes, to show that it can read this site's cookies."""
    return hashlib.sha256(f"csrf {token}".encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(maxsize=4096)
def is_loopback(host: str) -> bool:
    """Whether an address, or the name localhost, is this machine's own."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def over_quota(cost: float, which: str, most: str, wait: int) -> RequestError:
    """Why a key's quota forbids a job that costs so many megapixel-steps, and what to change."""
    if which == "jobs":
        return OverQuota(
            Phrase("This key has {most} jobs waiting or running, which is its quota; let one end.", most=most), wait
        )
    told = Phrase(
        "This job is {cost} megapixel-steps of work; the key's quota is {most} an hour.", cost=f"{cost:.4g}", most=most
    )
    if wait < 0:
        return BadRequest(Phrase("{told} Lower the steps, the count or the size.", told=told), "steps")
    return OverQuota(Phrase("{told} Wait, or lower the steps, the count or the size.", told=told), wait)


@lru_cache(maxsize=1024)
def _read(record: str) -> Key:
    return Key.model_validate_json(record)


def _fits(key: Key | None, digest: str) -> bool:
    """Whether this is the hash of one of a key's texts. Compares bytes, and all there are to compare."""
    known = [secret.sha256 for secret in key.alive(_now())] if key else []
    fits = [hmac.compare_digest(digest.encode(), each.encode()) for each in known or [_NOTHING]]
    return any(fits)


def _now() -> datetime:
    return datetime.now(UTC)


def _spell(size: int) -> str:
    """Random bytes as letters a-z and digits 2-7."""
    return base64.b32encode(secrets.token_bytes(size)).decode().rstrip("=").lower()


def _new_text(key_id: str) -> str:
    return f"darkroom_{key_id}_{_spell(32)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _session(token: str) -> str:
    return keys.session(_digest(token))


def _dump(key: Key) -> str:
    """A key as JSON, without what is none: the scripts read its quota."""
    return json.dumps(key.model_dump(mode="json", exclude_none=True))
