"""The ledger's scripts against a plain Python model: two workers and two owners in any order, on a real Redis."""

import signal
from dataclasses import dataclass, field
from typing import Literal, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from contract import keys
from contract.dead_letters import DeadLetters
from contract.deaths import UNKNOWN, Blame, Death, death
from contract.errors import Conflict, ErrorCode, QueueFull
from contract.ids import new_job_id
from contract.jobs import JobState
from contract.steering import Place, Steering
from contract.store import Claim, JobStore, Once, Verdict
from tests.contract.ledger import REQUEST

MAX_ATTEMPTS, MAX_QUEUE, SHARE = 7, 12, 2
OWN, KILLED, UNSEEN, ORDERLY = death(-signal.SIGSEGV), death(-signal.SIGKILL), UNKNOWN, death(71)
WORKERS, OWNERS, MODELS = (st.sampled_from(names) for names in (("w1", "w2"), ("a", "b"), ("x", "y")))
Priority = Literal["low", "normal", "high"]


@dataclass
class Model:
    """One job as it should be. holder: the claim it belongs to while it runs."""

    owner: str
    model: str
    cost: int
    rank: float
    state: JobState = JobState.QUEUED
    paused: bool = False
    attempts: int = 0
    step: int = 0
    wish: bool = False
    holder: Claim | None = None
    worker: str = ""
    ended_by: Claim | None = None
    suspect: bool = False
    strikes: int = 0
    chances: int = 0
    kills: int = 0
    letter: bool = False

    @property
    def line(self) -> tuple[str, str]:
        return self.model, self.owner

    @property
    def waits(self) -> bool:
        """In its owner's line."""
        return self.state is JobState.QUEUED and not self.paused and not self.suspect

    @property
    def waits_alone(self) -> bool:
        return self.state is JobState.QUEUED and not self.paused and self.suspect

    def condemned(self, death: Death) -> bool:
        """Counts a crash against it; whether it was one too many."""
        if self.suspect:
            self.chances += death.blame is not Blame.JOB
            self.strikes += death.blame is Blame.JOB or self.chances >= 5
        return self.strikes == 2 or self.attempts == MAX_ATTEMPTS

    def accuse(self, death: Death) -> None:
        """A crash makes a suspect at once, a kill from outside at the second time."""
        self.kills += death.blame is Blame.OUTSIDE
        self.suspect |= death.blame is not Blame.OUTSIDE or self.kills == 2


@dataclass
class Turns:
    """Whose turn it is. served: owner → pixel-steps; ring: (model, owner) → the same, of those who wait."""

    turn: float = 0
    served: dict[str, float] = field(default_factory=dict)
    ring: dict[tuple[str, str], float] = field(default_factory=dict)

    def enter(self, job: Model) -> None:
        self.ring.setdefault(job.line, max(self.served.get(job.owner, 0), self.turn))

    def set(self, owner: str, served: float) -> None:
        self.served[owner] = served
        for line in self.ring:
            if line[1] == owner:
                self.ring[line] = served

    def charge(self, job: Model) -> None:
        before = self.ring[job.line]
        self.turn = max(self.turn, before)
        self.set(job.owner, before + job.cost)
        self.served = {owner: served for owner, served in self.served.items() if served > self.turn}

    def charge_alone(self, job: Model) -> None:
        self.set(job.owner, max(self.served.get(job.owner, 0), self.turn) + job.cost)

    def refund(self, job: Model) -> None:
        if job.owner in self.served:
            self.set(job.owner, self.served[job.owner] - job.cost)


class Ledger(RuleBasedStateMachine):
    ids = Bundle("ids")
    claims = Bundle("claims")

    def __init__(self, store: JobStore) -> None:
        super().__init__()
        self.store, self.steering = store, Steering(store)
        self.jobs: dict[str, Model] = {}
        self.turns = Turns()
        self.held = False
        self.clearing = ""  # the worker that lets its jobs end, to be free for a suspect
        self.once: dict[tuple[str, str], tuple[str, str]] = {}

    @initialize()
    def empty(self) -> None:
        self.store.redis.flushdb()

    # --- what the model does at every change -------------------------------------------------------

    def _line(self, line: tuple[str, str]) -> list[str]:
        found = [(job.rank, job_id) for job_id, job in self.jobs.items() if job.waits and job.line == line]
        return [job_id for _, job_id in sorted(found)]

    def _left_line(self, job: Model) -> None:
        if not self._line(job.line):
            self.turns.ring.pop(job.line, None)

    def _end(self, job: Model, state: JobState) -> None:
        job.ended_by, job.holder, job.state, job.paused = job.holder, None, state, False
        self._left_line(job)

    def _requeue(self, job: Model) -> None:
        job.state, job.holder, job.step = JobState.QUEUED, None, 0
        self.turns.refund(job)
        if job.waits:
            self.turns.enter(job)

    def _alone(self, worker: str, models: list[str]) -> str | None:
        """The suspect this worker must take, '' for nothing at all, None for whatever its turn is."""
        held = [job for job in self.jobs.values() if job.holder and job.worker == worker]
        if any(job.suspect for job in held):
            return ""
        oldest = next((i for i, job in self.jobs.items() if job.waits_alone and job.model in models), None)
        if oldest is None:
            return None
        if not held:
            self.clearing = "" if self.clearing == worker else self.clearing
            return oldest
        if self.clearing not in ("", worker) or any(job.holder and job.suspect for job in self.jobs.values()):
            return None
        self.clearing = worker
        return ""

    def _next(self, worker: str, models: list[str], share: int) -> str | None:
        if self.held:
            return None
        found: tuple[float, str, str] | None = None
        for model in models:
            lines = [(served, owner) for (of, owner), served in self.turns.ring.items() if of == model]
            free = [(served, owner) for served, owner in lines if not share or self._load(worker, owner) < share]
            if free and (found is None or min(free)[0] < found[0]):
                found = (*min(free), model)
        return self._line((found[2], found[1]))[0] if found else None

    def _load(self, worker: str, owner: str) -> int:
        return sum(bool(job.holder) and job.worker == worker and job.owner == owner for job in self.jobs.values())

    # --- clients -----------------------------------------------------------------------------------

    @rule(
        target=ids,
        owner=OWNERS,
        model=MODELS,
        steps=st.integers(1, 4),
        priority=st.sampled_from(["low", "normal", "high"]),
        key=st.sampled_from([None, None, None, "k"]),
    )
    def submit(self, owner: str, model: str, steps: int, priority: Priority, key: str | None) -> str:
        job_id, digest = new_job_id(), f"{model}{steps}"
        request = REQUEST.model_copy(update={"model": model, "steps": steps, "priority": priority})
        once = Once(key, digest) if key else None
        known = self.once.get((owner, key or ""))
        standing = known if known and known[0] in self.jobs else None
        waiting = sum(job.state is JobState.QUEUED for job in self.jobs.values())
        try:
            said = self.store.submit(
                job_id, request, owner=owner, steps=2 * steps, inputs={}, max_queue=MAX_QUEUE, once=once
            ).id
        except Conflict:
            assert standing is not None
            assert standing[1] != digest
            return standing[0]
        except QueueFull:
            assert standing is None
            assert waiting >= MAX_QUEUE
            return job_id
        if standing:
            assert standing == (said, digest)
            return said
        assert said == job_id
        assert waiting < MAX_QUEUE
        rank = self.store.redis.hget(keys.job(job_id), "rank")
        assert isinstance(rank, str)
        self.jobs[job_id] = job = Model(owner, model, 128 * 128 * 2 * steps, float(rank))
        self.turns.enter(job)
        if key:
            self.once[owner, key] = job_id, digest
        return job_id

    @rule(job_id=ids)
    def cancel(self, job_id: str) -> None:
        job = self.jobs.get(job_id)
        assert self.store.cancel(job_id) is (job.state if job else None)
        if job and job.state is JobState.QUEUED:
            self._end(job, JobState.CANCELLED)
        elif job and job.state is JobState.RUNNING:
            job.wish = True

    @rule(job_id=ids)
    def delete(self, job_id: str) -> None:
        job = self.jobs.get(job_id)
        if job and job.state is not JobState.RUNNING:
            self.store.delete_job(job_id)
            del self.jobs[job_id]
            self._left_line(job)

    @rule(job_id=ids)
    def pause(self, job_id: str) -> None:
        job = self.jobs.get(job_id)
        assert self.steering.pause(job_id) is (job.state if job else None)
        if job and not job.state.final:
            job.paused = True
            self._left_line(job)

    @rule(job_id=ids)
    def resume(self, job_id: str) -> None:
        job = self.jobs.get(job_id)
        assert self.steering.resume(job_id) is (job.state if job else None)
        if job and job.paused:
            job.paused = False
            if job.waits:
                self.turns.enter(job)

    @rule(job_id=ids, to=st.one_of(st.integers(0, 5), st.sampled_from(["first", "last", "earlier", "later"])))
    def move(self, job_id: str, to: Place) -> None:
        job = self.jobs.get(job_id)
        if job is None or not job.waits:
            with pytest.raises(Conflict):
                self.steering.move(job_id, to)
            return
        line = self._line(job.line)
        here = line.index(job_id)
        words = {"first": 0, "last": len(line), "earlier": max(0, here - 1), "later": here + 1}
        line.remove(job_id)
        line.insert(to if isinstance(to, int) else words[to], job_id)
        self.steering.move(job_id, to)
        ranks = cast("list[tuple[str, float]]", self.store.redis.zrange(keys.line(*job.line), 0, -1, withscores=True))
        assert [name for name, _ in ranks] == line
        for name, rank in ranks:
            self.jobs[name].rank = rank

    @rule(job_id=ids)
    def come_late(self, job_id: str) -> None:
        job = self.jobs.get(job_id)
        if job and not job.state.final:
            self.store.redis.hset(keys.job(job_id), "finish_by", "1")
            self.store.redis.zadd(f"{keys.PREFIX}deadlines", {job_id: 1})
            self.store.reap(MAX_ATTEMPTS)
            self._end(job, JobState.FAILED)

    @rule(held=st.booleans())
    def hold(self, held: bool) -> None:
        if held:
            self.steering.hold()
        else:
            self.steering.let_go()
        self.held = held
        assert self.steering.held() == held

    # --- workers -----------------------------------------------------------------------------------

    @rule(
        target=claims,
        worker=WORKERS,
        models=st.sampled_from([["x"], ["y"], ["x", "y"], ["y", "x"]]),
        share=st.sampled_from([0, SHARE]),
    )
    def claim(self, worker: str, models: list[str], share: int) -> Claim:
        alone = None if self.held else self._alone(worker, models)
        expected = (self._next(worker, models, share) if alone is None else alone) or None
        taken = self.store.claim(worker, 60, models=models, share=share)
        assert (taken.job_id if taken else None) == expected
        if taken is None:
            return Claim("", 0)
        job = self.jobs[taken.job_id]
        if alone:
            self.turns.charge_alone(job)
        else:
            self.turns.charge(job)
        job.state, job.holder, job.worker, job.step = JobState.RUNNING, taken, worker, 0
        job.attempts += 1
        self._left_line(job)
        return taken

    @rule(claim=claims, step=st.integers(0, 8))
    def progress(self, claim: Claim, step: int) -> None:
        job = self.jobs.get(claim.job_id)
        held = job is not None and job.holder == claim
        expected = Verdict.LOST
        if job and held:
            expected = Verdict.CANCEL if job.wish or job.paused else Verdict.HELD
            job.step = max(job.step, step)
        assert self.store.progress(claim, step) is expected
        assert self.store.beat([claim], 60) == {claim: expected}

    @rule(claim=claims, how=st.sampled_from([JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED]))
    def end(self, claim: Claim, how: JobState) -> None:
        job = self.jobs.get(claim.job_id)
        said = {
            JobState.SUCCEEDED: lambda: self.store.finish(claim),
            JobState.FAILED: lambda: self.store.fail(claim, ErrorCode.INTERNAL_ERROR, "why"),
            JobState.CANCELLED: lambda: self.store.cancelled(claim),
        }[how]()
        if job is None:
            assert not said
        elif job.holder == claim and how is JobState.CANCELLED and not job.wish:
            assert not said  # it was to pause, or was not asked at all
            job.attempts -= 1
            self._requeue(job)
        else:
            assert said == (claim in (job.holder, job.ended_by))
            if job.holder == claim:
                self._end(job, how)

    @rule(claim=claims)
    def release(self, claim: Claim) -> None:
        job = self.jobs.get(claim.job_id)
        held = job is not None and job.holder == claim
        assert self.store.release(claim) == held
        if job and held:
            if job.wish:
                self._end(job, JobState.CANCELLED)
            else:
                job.attempts -= 1
                self._requeue(job)

    @rule(worker=WORKERS, death=st.sampled_from([OWN, OWN, KILLED, UNSEEN, ORDERLY]))
    def die(self, worker: str, death: Death) -> None:
        mine = {i for i, job in self.jobs.items() if job.holder and job.worker == worker}
        buried = self.store.bury(worker, MAX_ATTEMPTS, death)
        assert set(buried) == mine
        self.clearing = "" if self.clearing == worker else self.clearing
        for job_id in buried:
            job = self.jobs[job_id]
            if job.wish:
                self._end(job, JobState.CANCELLED)
            elif death.blame is Blame.NONE:
                job.attempts -= 1
                self._requeue(job)
            elif job.condemned(death):
                job.letter = True
                self._end(job, JobState.FAILED)
            else:
                job.accuse(death)
                self._requeue(job)

    # --- what must always be -----------------------------------------------------------------------

    @invariant()
    def agrees(self) -> None:
        found = {job.id: job for job in self.store.get_many(self.jobs)}
        assert set(found) == set(self.jobs)
        for job_id, model in self.jobs.items():
            job = found[job_id]
            assert (job.state, job.attempts, job.paused) == (model.state, model.attempts, model.paused)
            if job.state is JobState.RUNNING:
                assert job.progress.step == model.step
        letters = {job_id: job.strikes for job_id, job in self.jobs.items() if job.letter}
        kept = [
            letter for owner in ("a", "b") for letter in DeadLetters(self.store).page(owner, before=None, limit=99)[0]
        ]
        assert {letter.id: letter.strikes for letter in kept} == letters
        waiting = sum(job.state is JobState.QUEUED for job in self.jobs.values())
        running = sum(job.state is JobState.RUNNING for job in self.jobs.values())
        assert self.store.counts() == (waiting, running)

    @invariant()
    def lines_and_books_are_kept(self) -> None:
        with self.store.redis.pipeline(transaction=False) as pipe:
            for model in ("x", "y"):
                pipe.zrange(f"{keys.PREFIX}ring:{model}", 0, -1, withscores=True)
            pipe.hgetall(f"{keys.PREFIX}backlog")
            x, y, backlog = pipe.execute()
        rings = {(model, owner): served for model, ring in (("x", x), ("y", y)) for owner, served in ring}
        assert rings == self.turns.ring
        work: dict[str, int] = {}
        for job in self.jobs.values():
            if job.waits:
                line = f"{job.model}:{job.owner}"
                work[line] = work.get(line, 0) + job.cost
        assert {line: int(cost) for line, cost in backlog.items()} == work


def run_model(store: JobStore, runs: int) -> None:
    class OnThisStore(Ledger):
        def __init__(self) -> None:
            super().__init__(store)

    run_state_machine_as_test(
        OnThisStore,
        settings=settings(
            max_examples=runs, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.timeout(600)
def test_the_ledger_does_what_the_model_does(store: JobStore) -> None:
    run_model(store, 100)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_the_ledger_does_what_the_model_does_in_two_thousand_runs(store: JobStore) -> None:
    run_model(store, 2000)
