"""The table of states, against the transitions the scripts really make."""

from collections.abc import Callable

import pytest

from contract.errors import ErrorCode
from contract.jobs import TRANSITIONS, JobState
from contract.store import Claim, JobStore
from tests.contract.ledger import claim, read, submit

Act = Callable[[JobStore, str], object]


def _stopped(store: JobStore, claim: Claim) -> None:
    store.cancel(claim.job_id)
    store.cancelled(claim)


WAYS_OUT_OF_RUNNING: dict[JobState, list[Act]] = {
    JobState.SUCCEEDED: [lambda s, i: s.finish(claim(s, i))],
    JobState.FAILED: [lambda s, i: s.fail(claim(s, i), ErrorCode.NAN_IMAGE, "")],
    JobState.CANCELLED: [lambda s, i: _stopped(s, claim(s, i))],
    JobState.QUEUED: [
        lambda s, i: s.cancelled(claim(s, i)),  # stopped, but not because of a cancel
        lambda s, i: s.release(claim(s, i)),
        lambda s, i: (claim(s, i, worker="dead"), s.bury("dead", 9)),
        lambda s, i: (claim(s, i, lease=-1.0), s.reap(9)),  # a lease that ended a second ago
    ],
}


def test_the_final_states_are_those_without_a_way_out() -> None:
    assert {state for state in JobState if state.final} == {
        JobState.SUCCEEDED,
        JobState.FAILED,
        JobState.CANCELLED,
    }


@pytest.mark.parametrize("state", TRANSITIONS[JobState.RUNNING])
def test_every_way_out_of_running_is_taken_by_a_script(store: JobStore, state: JobState) -> None:
    for act in WAYS_OUT_OF_RUNNING[state]:
        job_id = submit(store)
        act(store, job_id)
        assert read(store, job_id).state is state
        store.delete_job(job_id)


@pytest.mark.parametrize("state", [state for state in JobState if state.final])
def test_no_script_moves_a_finished_job(store: JobStore, state: JobState) -> None:
    job_id = submit(store)
    WAYS_OUT_OF_RUNNING[state][0](store, job_id)
    before = read(store, job_id)
    assert store.claim("w", 15) is None
    store.cancel(job_id)
    store.reap(3, hint_age=0.0)
    store.bury("w", 3)
    assert read(store, job_id) == before
