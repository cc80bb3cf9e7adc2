"""The log: lines for people, or JSON for machines, both with the job, owner and request they are about."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from contract.redact import redact_logs
from contract.settings import Settings

_about: ContextVar[dict[str, str]] = ContextVar("about")


@contextmanager
def about(**what: str) -> Iterator[None]:
    """Lines logged within, by this thread or task, name `job`, `owner` or `request`."""
    token = _about.set({**current(), **what})
    try:
        yield
    finally:
        _about.reset(token)


def current() -> dict[str, str]:
    """What this thread or task is about, without what is not known."""
    return {name: value for name, value in _about.get({}).items() if value}


def set_up(settings: Settings) -> None:
    """Log to stderr as the settings say, and never a secret."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if settings.log_format == "json" else Text())
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
    redact_logs(settings)


class Text(logging.Formatter):
    """One line for people, and a traceback where there is one."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's own name
        named = " ".join(f"{name}={value}" for name, value in current().items())
        return super().formatMessage(record) + (f" [{named}]" if named else "")


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, what it is about, and a traceback as text."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **current(),
        }
        if record.exc_info:
            line["traceback"] = record.exc_text or self.formatException(record.exc_info)  # the former is redacted
        return json.dumps(line, ensure_ascii=False)
