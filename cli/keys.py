"""`darkroom keys`: make, list, turn and end keys."""

import argparse
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from pydantic import ValidationError
from redis.exceptions import RedisError

from cli.redis_server import redis_at_hand
from contract.access import GRACE_SECONDS, Key, Keys, Quota, Scope, is_loopback
from contract.audit import Audit
from contract.errors import DarkroomError
from contract.settings import Settings
from contract.store import connect

_WHO = "the command line"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse(argv: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """What to do, and the flags that are settings."""
    parser = argparse.ArgumentParser("darkroom keys", description="Keys, and settings such as --data and --redis-url.")
    actions = parser.add_subparsers(dest="action", required=True)
    add = actions.add_parser("add", help="make a key and print it, once")
    add.add_argument("name")
    add.add_argument("--scopes", type=_scopes, default="generate,read", help="generate, read, admin; with commas")
    add.add_argument(
        "--quota", type=_quota, default="", help="cost=MEGAPIXEL-STEPS an hour, jobs=AT A TIME, rate=REQUESTS a minute"
    )
    add.add_argument("--if-none", action="store_true", help="only when there never was a key")
    actions.add_parser("list", help="show keys and what they have used")
    revoke = actions.add_parser("revoke", help="end a key and its sessions, at once")
    revoke.add_argument("name", help="name or id")
    rotate = actions.add_parser("rotate", help="give a key a new text; the old one lives on for a while")
    rotate.add_argument("name", help="name or id")
    rotate.add_argument("--grace", type=_seconds, default=GRACE_SECONDS, help="how long: 90s, 15m, 24h (default), 7d")
    return parser.parse_known_args(argv)


def run(args: argparse.Namespace, settings: Settings) -> None:
    """Do it. Raises DarkroomError."""
    try:
        with redis_at_hand(settings) as reachable:
            _run(args, Keys(connect(reachable)), Audit(settings))
    except RedisError as error:
        raise DarkroomError(f"Redis does not answer: {error}") from error
    except OSError as error:
        raise DarkroomError(f"cannot write to the data folder {settings.data.resolve()}: {error.strerror}") from error


def _run(args: argparse.Namespace, keys: Keys, audit: Audit) -> None:
    if args.action == "list":
        print(_table(keys))
    elif args.action == "revoke":
        key = keys.revoke(args.name)
        audit.note(_WHO, f"revoked key {key.id} {key.name}")
        print(f"{key.name} ({key.id}) is revoked, and whoever was signed in with it is out.")
    elif args.action == "rotate":
        key, text = keys.rotate(args.name, args.grace)
        audit.note(_WHO, f"rotated key {key.id} {key.name}, grace {args.grace} s")
        print(f"{text}\nThe new key of {key.name}; it is not shown again. The old one lives {args.grace} s longer.")
    elif not args.if_none or keys.none():
        key, text = keys.add(args.name, args.scopes, args.quota)
        audit.note(_WHO, f"added key {key.id} {key.name} for {_listed(key.scopes)}")
        print(f"{text}\nThe key of {key.name}, for {_listed(key.scopes)}; it is not shown again.", flush=True)


def check_binding(settings: Settings) -> None:
    """Raises DarkroomError when the web server could be reached from other machines and there is no key."""
    if is_loopback(settings.host) or settings.insecure:
        return
    try:
        with redis_at_hand(settings) as reachable:
            safe = Keys(connect(reachable)).exist()
    except RedisError as error:
        raise DarkroomError(f"--host {settings.host} needs a key, and Redis does not answer: {error}") from error
    if not safe:
        raise DarkroomError(
            f"--host {settings.host} can be reached from other machines, and there is no key. Make one with "
            "`darkroom keys add NAME`; or let everybody in with --insecure (DARKROOM_INSECURE=true)"
        )


def _table(keys: Keys) -> str:
    """Every key as a line."""
    rows = [("ID", "NAME", "SCOPES", "QUOTA", "JOBS", "NOW", "MP-STEPS", "LAST HOUR", "USED", "STATE")]
    for key in keys.all():
        usage = keys.usage(key.id)
        used = usage.used_at.strftime("%Y-%m-%d %H:%M") if usage.used_at else "never"
        work = f"{usage.cost:.4g}", f"{usage.last_hour:.4g}"
        counts = str(usage.jobs), str(usage.in_flight)
        rows.append((key.id, key.name, _listed(key.scopes), _told(key.quota), *counts, *work, used, _state(key)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _state(key: Key) -> str:
    if key.revoked_at:
        return "revoked"
    return "rotating" if len(key.alive(datetime.now(UTC))) > 1 else "live"


def _told(quota: Quota) -> str:
    return ",".join(f"{name}={value:g}" for name, value in quota if value is not None) or "none"


def _listed(scopes: frozenset[Scope]) -> str:
    return ",".join(scope for scope in Scope if scope in scopes)


def _scopes(text: str) -> frozenset[Scope]:
    try:
        return frozenset(Scope(part.strip()) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: scopes are {', '.join(Scope)}, with commas between") from error


def _quota(text: str) -> Quota:
    try:
        return Quota.model_validate(dict(part.strip().split("=", 1) for part in filter(None, text.split(","))))
    except (ValueError, ValidationError) as error:
        raise argparse.ArgumentTypeError(f"{text!r}: such as cost=2000,jobs=10,rate=600") from error


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(\d{1,7})([smhd]?)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r}: such as 90s, 15m, 24h or 7d")
    return int(found[1]) * _UNITS[found[2] or "s"]
