"""What logs do not tell: keys and passwords never, prompts only where DARKROOM_LOG_PROMPTS asks for it."""

import logging
import re

from contract.settings import Settings

_QUOTED = r"""(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)"""
_SECRETS = (
    (re.compile(r"(darkroom_[a-z2-7]{8})_[a-z2-7]{20,}", re.IGNORECASE), r"\1_…"),
    (re.compile(r"(\w://[^\s:/@]*):[^\s/@]+@"), r"\1:…@"),
    (re.compile(r"(darkroom_session=)[^\s;]+"), r"\1…"),
)
_PROMPTS = (
    (re.compile(rf"""(prompt\\?["']?\s*[=:]\s*){_QUOTED}""", re.DOTALL), r"\1'…'"),
    (re.compile(r"(input_value=).*?(, input_type=)", re.DOTALL), r"\1…\2"),  # pydantic's words about a wrong field
)


def redacted(text: str, *, prompts: bool = True) -> str:
    """A text without keys and passwords, and without prompts.

    >>> redacted("redis://:hunter2@here/0 Txt2Img(prompt='a cat', steps=4)")
    "redis://:…@here/0 Txt2Img(prompt='…', steps=4)"
    """
    for pattern, instead in _SECRETS + (_PROMPTS if prompts else ()):
        text = pattern.sub(instead, text)
    return text


class Redact(logging.Filter):
    """Rewrites records, tracebacks included, before a handler writes them."""

    def __init__(self, *, prompts: bool) -> None:
        super().__init__()
        self._prompts = prompts

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redacted(record.getMessage(), prompts=self._prompts), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redacted(record.exc_text, prompts=self._prompts)
        return True


def redact_logs(settings: Settings) -> None:
    """Have every handler there is write no secrets."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(each, Redact) for each in handler.filters):
            handler.addFilter(Redact(prompts=not settings.log_prompts))
