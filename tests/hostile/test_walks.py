"""Walks from answer to answer, along the links of the API's description, while a worker does its part.

schemathesis walks. Beside what it judges in every answer: what was accepted is there until it is deleted, what is
deleted is gone, and a job that has ended stays as it is.
"""

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import run_state_machine_as_test
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import ensure_resource_availability, use_after_free

from contract.deaths import death
from contract.errors import ErrorCode
from tests.api.kit import Worker, noise, png
from tests.hostile.fuzz import Fuzz, fuzzing, generate

pytestmark = pytest.mark.usefixtures("no_fault")

DEFAULT, SLOW = 40, 2_000  # walks
STEPS, STEPS_SLOW = 8, 16  # at most, in each
JOB = {"kind": "txt2img", "prompt": "a cat", "steps": 4}
ACCEPTING = ("/api/v1/jobs", "/api/v1/jobs/{job_id}/retry", "/api/v1/dead-letters/{job_id}/replay")
CRASH = death(-signal.SIGSEGV)


class Player(Worker):
    """A worker that does something else with each job it takes: shows a preview, ends it, fails, or dies of it."""

    def __init__(self, fuzz: Fuzz) -> None:
        super().__init__(fuzz.services)
        self._taken = 0

    def play(self) -> None:
        self._taken += 1
        claim = self.store.claim("w1", 600)
        if claim is None:
            return
        match self._taken % 4:
            case 0:
                self.picture(claim)
                self.store.finish(claim)
            case 1:
                self.store.preview(claim, 0, b"\xff\xd8\xff")
                self.store.progress(claim, 1)
            case 2:
                self.store.fail(claim, ErrorCode.OUT_OF_MEMORY, "too large")
            case 3:
                for _ in range(3):  # once beside others, twice alone; then there is a dead letter
                    self.store.bury("w1", 9, CRASH)
                    self.store.claim("w1", 600)

    def settle(self) -> None:
        """Bring everything to an end, as somebody is about to wait for it."""
        self.store.bury("w1", 9)  # what ran waits again
        for job in self.store.page(state=None, kind=None, before=None, limit=100)[0]:
            self.store.cancel(job.id)


def walks(fuzz: Fuzz, statuses: Counter[int]) -> Any:
    """The state machine of the description's links, with an admin who walks them. Counts answers in `statuses`."""
    machine: Any = fuzz.schema.as_state_machine()
    for name in machine.root_rules:
        if "job_id" in name:  # begins with an id that is nobody's: such are tried in test_schema.py
            delattr(machine, name)

    class Walk(machine):  # type: ignore[misc]
        begun = 0

        def setup(self) -> None:
            Walk.begun += 1
            fuzz.begin()
            self.player = Player(fuzz)
            self.steps = 0
            self.accepted: set[str] = set()
            self.ended: dict[str, Any] = {}

        def before_call(self, case: Any) -> None:
            self.steps += 1
            if self.steps % 2:
                self.player.play()
                if case.method == "POST" and case.path == "/api/v1/jobs":
                    case.body = JOB  # which is more often accepted than what is drawn
                if case.method == "POST" and case.path == "/api/v1/images":
                    case.body, case.media_type = png(noise(16, 16 + self.steps)), "image/png"
            if case.path.endswith("/events") or "wait" in (case.query or {}):
                self.player.settle()

        def call(self, case: Any, **_: Any) -> Response:
            return Response.from_any(fuzz.send(case, "admin"))

        def validate_response(self, response: Response, case: Any, *_: Any, **__: Any) -> None:
            statuses[response.status_code] += 1
            case.validate_response(
                response, checks=[use_after_free, ensure_resource_availability], recorder=self.recorder
            )
            if case.method == "POST" and case.path in ACCEPTING and response.status_code == 202:
                self.accepted.add(response.json()["id"])
            if case.method == "DELETE" and response.status_code == 204:
                self.accepted.discard((case.path_parameters or {}).get("job_id", ""))
            self._look()

        def _look(self) -> None:
            store = fuzz.services.store
            found = {job.id: job for job in store.get_many(self.accepted)}
            assert found.keys() == self.accepted
            for job in found.values():
                if job.state.final:
                    ended = (job.state, job.error, len(job.images))
                    assert self.ended.setdefault(job.id, ended)[:2] == ended[:2]

    return Walk


@pytest.fixture(scope="module")
def fuzz(hostile_client: TestClient) -> Iterator[Fuzz]:
    with fuzzing(hostile_client) as made:
        yield made


def walk(fuzz: Fuzz, count: int, steps: int) -> None:
    statuses: Counter[int] = Counter()
    machine = walks(fuzz, statuses)
    while (left := count - machine.begun) > 0:
        # Hypothesis begins walks as it began others, and gives up when one of these then goes another way, as it may
        # where ids and times are those of a living server.
        with suppress(FlakyStrategyDefinition):
            run_state_machine_as_test(machine, settings=generate(left, stateful_step_count=steps))
    assert all(statuses[status] for status in (200, 202, 204, 404)), statuses  # made, looked at, deleted, gone
    print(machine.begun, dict(sorted(statuses.items())))


def test_walks(fuzz: Fuzz) -> None:
    walk(fuzz, DEFAULT, STEPS)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_walks_at_length(fuzz: Fuzz) -> None:
    walk(fuzz, SLOW, STEPS_SLOW)
