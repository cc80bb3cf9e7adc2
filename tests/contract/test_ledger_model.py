"""The ledger against a plain Python model of it: two workers and a client in any order, on a real Redis."""

import signal
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from contract.dead_letters import DeadLetters
from contract.deaths import Blame, Death, death
from contract.errors import ErrorCode
from contract.jobs import JobState
from contract.store import Claim, JobStore, Verdict
from tests.contract.ledger import read, submit

MAX_ATTEMPTS = 7
WORKERS = st.sampled_from(["w1", "w2"])
OWN, ELSEWHERE, ORDERLY = death(-signal.SIGSEGV), death(-signal.SIGKILL), death(71)


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
    suspect: bool = False
    strikes: int = 0
    chances: int = 0
    letter: bool = False

    @property
    def waits_alone(self) -> bool:
        return self.suspect and self.state is JobState.QUEUED

    def end(self, state: JobState) -> None:
        self.ended_by, self.holder, self.state = self.holder, None, state

    def lose(self, death: Death) -> None:
        """The worker died."""
        if self.wish:
            self.end(JobState.CANCELLED)
        elif death.blame is Blame.NONE:
            self.attempts -= 1
            self.requeue()
        else:
            self.accuse(death)

    def accuse(self, death: Death) -> None:
        if self.suspect:
            self.chances += death.blame is Blame.CHANCE
            self.strikes += death.blame is Blame.JOB or self.chances >= 5
        if self.strikes == 2 or self.attempts == MAX_ATTEMPTS:
            self.letter = True
            self.end(JobState.FAILED)
        else:
            self.suspect = True
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
        self.clearing = ""  # the worker that lets its jobs end, to be free for a suspect

    def held(self, worker: str) -> list[Model]:
        return [job for job in self.jobs.values() if job.holder and job.worker == worker]

    def given(self, job_id: str, worker: str) -> str | None:
        """The job that a worker gets which asks for this one."""
        if any(job.suspect for job in self.held(worker)):
            return None
        waiting = [i for i, job in self.jobs.items() if job.waits_alone]
        if waiting and not self.held(worker):
            self.clearing = "" if self.clearing == worker else self.clearing
            return waiting[0]
        others_alone = any(job.suspect for job in self.jobs.values() if job.holder)
        if waiting and self.clearing in ("", worker) and not others_alone:
            self.clearing = worker
            return None
        job = self.jobs[job_id]
        return job_id if job.state is JobState.QUEUED and not job.suspect else None

    @initialize()
    def empty(self) -> None:
        self.store.redis.flushdb()

    @rule(target=ids)
    def submit(self) -> str:
        job_id = submit(self.store)
        self.jobs[job_id] = Model()
        return job_id

    @rule(target=claims, job_id=ids, worker=WORKERS)
    def claim(self, job_id: str, worker: str) -> Claim:
        given, taken = self.given(job_id, worker), self.store.claim(job_id, worker, 60)
        assert (taken and taken.job_id) == given
        if taken is None:
            return Claim(job_id, 0)
        job = self.jobs[taken.job_id]
        job.state, job.holder, job.worker, job.step = JobState.RUNNING, taken, worker, 0
        job.attempts += 1
        return taken

    @rule(claim=claims, step=st.integers(0, 8))
    def progress(self, claim: Claim, step: int) -> None:
        job = self.jobs[claim.job_id]
        held = job.holder == claim
        expected = Verdict.LOST if not held else Verdict.CANCEL if job.wish else Verdict.HELD
        assert self.store.progress(claim, step) is expected
        assert self.store.beat([claim], 60) == {claim: expected}
        if held:
            job.step = max(job.step, step)

    @rule(claim=claims, how=st.sampled_from([JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED]))
    def end(self, claim: Claim, how: JobState) -> None:
        job = self.jobs[claim.job_id]
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
        job = self.jobs[claim.job_id]
        assert self.store.release(claim) == (job.holder == claim)
        if job.holder == claim:
            if job.wish:
                job.end(JobState.CANCELLED)
            else:
                job.attempts -= 1
                job.requeue()

    @rule(worker=WORKERS, death=st.sampled_from([OWN, OWN, ELSEWHERE, ORDERLY]))
    def die(self, worker: str, death: Death) -> None:
        mine = {i for i, job in self.jobs.items() if job.holder and job.worker == worker}
        assert set(self.store.bury(worker, MAX_ATTEMPTS, death)) == mine
        for job_id in mine:
            self.jobs[job_id].lose(death)
        self.clearing = "" if self.clearing == worker else self.clearing

    @rule(job_id=ids)
    def replay(self, job_id: str) -> None:
        """Another job stands for it from then on; this one stays as it ended."""
        new_id, job = DeadLetters(self.store).replay(job_id, max_queue=1000), self.jobs[job_id]
        assert (new_id is not None) == job.letter
        job.letter = False
        if new_id:
            self.jobs[new_id] = Model()

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
        letters, _ = DeadLetters(self.store).page("local", before=None, limit=100)
        assert {letter.id for letter in letters} == {i for i, job in self.jobs.items() if job.letter}
        assert all(letter.strikes == self.jobs[letter.id].strikes for letter in letters)
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
