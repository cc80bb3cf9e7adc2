"""JSON that is nearly right, or hardly any: whatever is sent as a job, the answer is 202 or a 4xx that can be read."""

import json
from collections import Counter
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.deps import Services
from contract.requests import Inpaint

DEFAULT, SLOW = 1_500, 10_000  # bodies

FIELDS = [*Inpaint.model_fields, "base", "x", "y", "method", "factor", "magic"]
TEXTS = st.text(st.characters(exclude_categories=()), max_size=20)  # surrogates, NUL and all
# Tokens of JSON as they would stand in a file; some are none.
TOKENS = st.sampled_from(
    [
        "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400", "-0", "0x10", "01", "1.", ".5", "9" * 400,
        "9" * 5000,
        "1" + "0" * 30, "true", "null", "True", "''", '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"a\tb"', '"\\x41"',
        '"\\ud83d\\ude00"', '"' + "x" * 20_000 + '"', "[]", "{}", "[" * 3_000, "[" * 200_000, '{"a":' * 3_000,
        "[" * 500 + "]" * 500, '{"a":1,"a":2}', "[1,]", "{,}", "/**/", "undefined",
    ]
)  # fmt: skip
VALUES = TOKENS | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
).map(json.dumps)
NAMES = st.sampled_from(FIELDS) | TEXTS
BEGIN = st.sampled_from(
    [*['"kind":"txt2img","prompt":"a cat"'] * 8, '"kind":"inpaint","prompt":""',
     '"kind":"grid"', '"prompt":"x"', '"kind":"upscale","image":"img_aaaaaaaaaaaaaaaaaaaaaaaaaa"']
)  # fmt: skip
WRONG = st.tuples(NAMES.map(json.dumps), VALUES).map(":".join)
RIGHT = st.sampled_from(
    ['"steps":4', '"seed":7', '"width":128', '"count":2', '"negative_prompt":"\\u00fc"', '"guidance":3.5']
)
OBJECTS = st.tuples(BEGIN, st.lists(RIGHT | RIGHT | WRONG, max_size=3)).map(
    lambda parts: "{" + ",".join([parts[0], *parts[1]]) + "}"
)
ENCODINGS = ["utf-8"] * 8 + ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-32-be", "latin-1", "utf-7"]


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A body: mostly an object with the beginnings of a job, in some encoding, now and then cut or changed."""
    data = draw(OBJECTS | VALUES).encode(draw(st.sampled_from(ENCODINGS)), "replace")
    if draw(st.integers(0, 4)) == 0:
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(st.binary(max_size=4)) + draw(st.sampled_from([b"", data[at:], data[at + 1 :]]))
    return data


def send_all(client: TestClient, services: Services, count: int) -> None:
    statuses: Counter[int] = Counter()

    @settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=[*HealthCheck]
    )
    @given(bodies())
    def send(body: bytes) -> None:
        services.store.redis.delete("darkroom:queued")
        answer = client.post("/api/v1/jobs", content=body, headers={"Content-Type": "application/json"})
        statuses[answer.status_code] += 1
        assert answer.status_code in (202, 413, 422), answer.text
        told: Any = answer.json()
        if answer.status_code == 202:
            assert client.get(answer.headers["location"]).json()["request"] == told["request"]
        else:
            assert told["detail"]
            assert len(answer.content) < 20_000  # no echo
        assert b"Traceback" not in answer.content

    send()
    assert sum(statuses.values()) >= count
    assert min(statuses[202], statuses[422]) > count / 500, statuses  # neither always right nor always wrong
    print(dict(statuses))


def test_no_json_breaks_it(client: TestClient, services: Services) -> None:
    send_all(client, services, DEFAULT)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_json_breaks_it_at_length(client: TestClient, services: Services) -> None:
    send_all(client, services, SLOW)
