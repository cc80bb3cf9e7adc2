"""Log lines, for people and for machines."""

import json
import logging
import sys

from contract import logs


def record(message: str, *, fault: bool = False) -> logging.LogRecord:
    info = None
    if fault:
        try:
            raise ValueError("why")
        except ValueError:
            info = sys.exc_info()
    return logging.LogRecord("worker", logging.WARNING, "f.py", 1, message, None, info)


def test_json_lines_name_job_owner_and_request() -> None:
    with logs.about(request="r1", owner=""), logs.about(job="job_a"):
        line = json.loads(logs.JsonLines().format(record("a\nb \u00e4")))
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "warning", "logger": "worker", "message": "a\nb \u00e4", "request": "r1", "job": "job_a"}
    assert "job" not in json.loads(logs.JsonLines().format(record("after")))


def test_a_traceback_stays_within_its_line() -> None:
    text = logs.JsonLines().format(record("broken", fault=True))
    assert "\n" not in text
    assert "ValueError: why" in json.loads(text)["traceback"]


def test_text_lines_end_with_what_they_are_about() -> None:
    with logs.about(job="job_a"):
        assert logs.Text().format(record("hm")).endswith("WARNING worker: hm [job=job_a]")
    assert logs.Text().format(record("hm")).endswith("WARNING worker: hm")
