"""Every route under cases made from the API's own description, fitting and unfitting: it answers as it says it would.

schemathesis makes the cases and is the judge: no 5xx, no status, media type or body that the description does not know.
Who may do what is judged by docs/access.md, as tests/api/test_access.py has it.
"""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

from tests.api.test_openapi import ROUTES
from tests.hostile.fuzz import KNOWN, Fuzz, Person, fuzzing, generate

pytestmark = pytest.mark.usefixtures("no_fault")

PER_ROUTE, PER_ROUTE_SLOW = (math.ceil(cases / len(ROUTES)) for cases in (2_000, 20_000))

# Who sends one case after the other: those who are not let in reach little of the code.
PEOPLE: list[Person] = ["nobody", "reader", "admin", "stranger", "admin", "reader", "admin"]
# What any request may carry besides, for routes without parameters too.
HEADERS = st.dictionaries(
    st.sampled_from(["Accept", "Cookie", "If-None-Match", "If-Modified-Since", "Range", "Accept-Language", "X-Odd"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20).map(str.strip),
    max_size=2,
)


@pytest.fixture(scope="module")
def fuzz(hostile_client: TestClient) -> Iterator[Fuzz]:
    with fuzzing(hostile_client) as made:
        yield made


def cases(fuzz: Fuzz, route: str) -> Any:
    """Fitting and unfitting ones; for a route with an id, half of them with one that exists."""
    method, path = route.split()
    operation = fuzz.schema[path][method]
    known = {name: value for name, value in KNOWN.items() if f"{{{name}}}" in path}
    ways = [operation.as_strategy(GenerationMode.POSITIVE, path_parameters=given) for given in ({}, known)]
    if operation.body or operation.query or operation.path_parameters:
        ways.append(operation.as_strategy(GenerationMode.NEGATIVE))
    return st.one_of(ways)


def send_all(fuzz: Fuzz, route: str, count: int) -> None:
    fuzz.begin()
    people = itertools.cycle(PEOPLE)

    @generate(count)
    @given(cases(fuzz, route), HEADERS)
    def send(case: Any, headers: dict[str, str]) -> None:
        fuzz.services.store.redis.delete("darkroom:queued")  # a full queue would refuse before anything is read
        fuzz.send(case, next(people), headers)

    send()
    assert sum(sum(counted.values()) for counted in fuzz.statuses.values()) >= count
    print(route, {person: dict(sorted(counted.items())) for person, counted in fuzz.statuses.items()})


def test_there_are_two_thousand_cases() -> None:
    assert len(ROUTES) * PER_ROUTE >= 2_000
    assert len(ROUTES) * PER_ROUTE_SLOW >= 20_000


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_answers_as_described(fuzz: Fuzz, route: str) -> None:
    send_all(fuzz, route, PER_ROUTE)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("route", ROUTES)
def test_every_route_answers_as_described_at_length(fuzz: Fuzz, route: str) -> None:
    send_all(fuzz, route, PER_ROUTE_SLOW)
