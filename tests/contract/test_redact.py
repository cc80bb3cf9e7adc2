"""Logs tell no key, no password and no prompt, in messages and in tracebacks."""

import io
import logging
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from contract.logs import JsonLines
from contract.redact import redact_logs, redacted
from contract.requests import Txt2Img
from tests.conftest import plain_settings

KEY = "darkroom_abcdefgh_" + "k7" * 26
WRONG = {"kind": "txt2img", "prompt": ["a secret bird"]}
SAID = "my secret 'cat' in \"quotes\""


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What one more handler of the root logger writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)
    for each in logging.getLogger().handlers:
        each.filters.clear()


def test_keys_and_passwords_never(written: io.StringIO) -> None:
    redact_logs(plain_settings(log_prompts=True))
    logging.getLogger("x").warning("%s at %s", f"Bearer {KEY}", "rediss://user:hunter2@host:6379/0")
    assert written.getvalue() == "Bearer darkroom_abcdefgh_… at rediss://user:…@host:6379/0\n"


@pytest.mark.parametrize("formatter", [None, JsonLines()])
@pytest.mark.parametrize("shown", [True, False])
def test_prompts_only_where_asked(written: io.StringIO, shown: bool, formatter: logging.Formatter | None) -> None:
    logging.getLogger().handlers[-1].setFormatter(formatter)
    redact_logs(plain_settings(log_prompts=shown))
    request = Txt2Img(prompt=SAID, negative_prompt="a secret dog", steps=4)
    log = logging.getLogger("x")
    log.warning("made %r", request)
    log.warning("sent %s", request.model_dump_json())
    try:
        Txt2Img.model_validate(WRONG)
    except ValidationError:
        log.exception("no")
    assert ("secret" in written.getvalue()) == shown
    assert "steps=4" in written.getvalue()
    assert "Traceback" in written.getvalue()


def test_what_is_no_secret_stays() -> None:
    for text in ("job_abc failed: out_of_memory: prompt too long", "the prompt was long", "http://host:8000/a@b", ""):
        assert redacted(text) == text
