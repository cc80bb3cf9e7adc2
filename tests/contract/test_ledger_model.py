"""The ledger against a plain Python model of it: two workers and a client in any order, on a real Redis."""

from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from contract.errors import ErrorCode
from contract.jobs import JobState
from contract.store import Claim, JobStore, Verdict
from tests.contract.ledger import read, submit

MAX_ATTEMPTS = 3
WORKERS = st.sampled_from(["w1", "w2"])


@dataclass
class Model:
    """One job as it should be. holder: the claim it belongs to while it runs."""

    state: JobState = JobState.QUEUED
    attempts: int = 0
    step: int = 0
    wish: bool = False
    holder: Claim | None = None
    worker: str = ""
    ended_by: Claim | None = None

    def end(self, state: JobState) -> None:
        self.ended_by, self.holder, self.state = self.holder, None, state

    def lose(self) -> None:
        """The worker died."""
        if self.wish:
            self.end(JobState.CANCELLED)
        elif self.attempts >= MAX_ATTEMPTS:
            self.end(JobState.FAILED)
        else:
            self.requeue()

    def requeue(self) -> None:
        self.state, self.holder, self.step = JobState.QUEUED, None, 0


class Ledger(RuleBasedStateMachine):
    ids = Bundle("ids")
    claims = Bundle("claims")

    def __init__(self, store: JobStore) -> None:
        super().__init__()
        self.store = store
        self.jobs: dict[str, Model] = {}

    @initialize()
    def empty(self) -> None:
        self.store.redis.flushdb()

    @rule(target=ids)
    def submit(self) -> str:
        job_id = submit(self.store)
        self.jobs[job_id] = Model()
        return job_id

    @rule(target=claims, worker=WORKERS)
    def claim(self, worker: str) -> Claim:
        taken = self.store.claim(worker, 60)
        waiting = [job_id for job_id, job in self.jobs.items() if job.state is JobState.QUEUED]
        assert (taken.job_id if taken else None) == (waiting[0] if waiting else None)
        if taken is None:
            return Claim("", 0)
        job = self.jobs[taken.job_id]
        job.state, job.holder, job.worker, job.step = JobState.RUNNING, taken, worker, 0
        job.attempts += 1
        return taken

    @rule(claim=claims, step=st.integers(0, 8))
    def progress(self, claim: Claim, step: int) -> None:
        job = self.jobs.get(claim.job_id, Model(JobState.CANCELLED))
        held = job.holder == claim
        expected = Verdict.LOST if not held else Verdict.CANCEL if job.wish else Verdict.HELD
        assert self.store.progress(claim, step) is expected
        assert self.store.beat([claim], 60) == {claim: expected}
        if held:
            job.step = max(job.step, step)

    @rule(claim=claims, how=st.sampled_from([JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED]))
    def end(self, claim: Claim, how: JobState) -> None:
        job = self.jobs.get(claim.job_id, Model(JobState.CANCELLED))
        said = {
            JobState.SUCCEEDED: lambda: self.store.finish(claim),
            JobState.FAILED: lambda: self.store.fail(claim, ErrorCode.INTERNAL_ERROR, "why"),
            JobState.CANCELLED: lambda: self.store.cancelled(claim),
        }[how]()
        assert said == (claim in (job.holder, job.ended_by))
        if job.holder == claim:
            job.end(how)

    @rule(claim=claims)
    def release(self, claim: Claim) -> None:
        job = self.jobs.get(claim.job_id, Model(JobState.CANCELLED))
        assert self.store.release(claim) == (job.holder == claim)
        if job.holder == claim:
            if job.wish:
                job.end(JobState.CANCELLED)
            else:
                job.attempts -= 1
                job.requeue()

    @rule(worker=WORKERS)
    def die(self, worker: str) -> None:
        mine = {i for i, job in self.jobs.items() if job.holder and job.worker == worker}
        assert set(self.store.bury(worker, MAX_ATTEMPTS)) == mine
        for job_id in mine:
            self.jobs[job_id].lose()

    @rule(job_id=ids)
    def cancel(self, job_id: str) -> None:
        job = self.jobs[job_id]
        assert self.store.cancel(job_id) is job.state
        if job.state is JobState.QUEUED:
            job.state = JobState.CANCELLED
        elif job.state is JobState.RUNNING:
            job.wish = True

    @invariant()
    def agrees(self) -> None:
        for job_id, model in self.jobs.items():
            job = read(self.store, job_id)
            assert (job.state, job.attempts) == (model.state, model.attempts)
            if job.state is JobState.RUNNING:
                assert job.progress.step == model.step
        waiting = sum(job.state is JobState.QUEUED for job in self.jobs.values())
        running = sum(job.state is JobState.RUNNING for job in self.jobs.values())
        assert self.store.counts() == (waiting, running)


@pytest.mark.timeout(600)
def test_the_ledger_does_what_the_model_does(store: JobStore) -> None:
    class OnThisStore(Ledger):
        def __init__(self) -> None:
            super().__init__(store)

    run_state_machine_as_test(
        OnThisStore,
        settings=settings(
            max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
