"""Whose turn it is: the ledger's order of claims, with the tests as the workers."""

import random
from collections import Counter
from typing import Literal

from contract import keys
from contract.hints import UNREAD
from contract.ids import new_job_id
from contract.requests import Txt2Img
from contract.store import Claim, JobStore
from tests.contract.ledger import REQUEST, read


def ask(
    store: JobStore,
    owner: str,
    *,
    steps: int = 4,
    model: str = "mini",
    priority: Literal["low", "normal", "high"] = "normal",
) -> str:
    """Submit a job of 128 x 128 pixels."""
    job_id = new_job_id()
    request = REQUEST.model_copy(update={"steps": steps, "count": 1, "model": model, "priority": priority})
    store.submit(job_id, request, owner=owner, steps=steps, inputs={}, max_queue=10_000)
    return job_id


def take(store: JobStore, worker: str = "w", **how: object) -> Claim:
    claim = store.claim(worker, 60, **how)  # type: ignore[arg-type]
    assert claim is not None
    return claim


def serve(store: JobStore) -> list[str]:
    """A worker that does one job at a time until none is left: the owners in the order served."""
    order = []
    while claim := store.claim("w", 60):
        order.append(store.owner(claim.job_id) or "")
        store.finish(claim)
    return order


def test_ten_jobs_beside_a_thousand_take_at_most_twice_their_time_alone(store: JobStore) -> None:
    for _ in range(1000):
        ask(store, "many")
    for _ in range(50):
        store.finish(take(store))
    for _ in range(10):
        ask(store, "few")
    order = serve(store)
    assert len(order) == 960
    assert max(i for i, owner in enumerate(order) if owner == "few") <= 2 * 10


def test_turns_are_taken_by_cost_and_not_by_number(store: JobStore) -> None:
    for _ in range(40):
        ask(store, "long", steps=40)
        ask(store, "short", steps=4)
        ask(store, "short", steps=4)
    served: Counter[str] = Counter()
    while served["short"] < 80 * 4:
        claim = take(store)
        owner = store.owner(claim.job_id) or ""
        served[owner] += read(store, claim.job_id).progress.steps
        store.finish(claim)
        assert abs(served["long"] - served["short"]) <= 40


def test_three_owners_of_random_jobs_stay_within_one_job_of_each_other(store: JobStore) -> None:
    chance = random.Random(3)
    for owner in ("a", "b", "c"):
        for _ in range(100):
            ask(store, owner, steps=chance.randint(1, 50))
    served = dict.fromkeys(("a", "b", "c"), 0)
    for _ in range(150):
        claim = take(store)
        served[store.owner(claim.job_id) or ""] += read(store, claim.job_id).progress.steps
        assert max(served.values()) - min(served.values()) <= 50


def test_who_comes_back_is_owed_nothing_for_the_time_away(store: JobStore) -> None:
    ask(store, "seldom")
    store.finish(take(store))
    for _ in range(100):
        ask(store, "often")
    for _ in range(50):
        store.finish(take(store))
    for _ in range(20):
        ask(store, "seldom")
    order = serve(store)[:20]
    assert order.count("often") >= 9


def test_within_a_line_priority_leads_and_age_catches_up(store: JobStore) -> None:
    low = ask(store, "a", priority="low")
    normal, high = ask(store, "a"), ask(store, "a", priority="high")
    assert [take(store).job_id for _ in range(3)] == [high, normal, low]
    aged = ask(store, "a", priority="low")
    ten_minutes_ago = store.redis.hget(keys.job(aged), "created_at")
    assert isinstance(ten_minutes_ago, str)
    store.redis.zadd(keys.line("mini", "a"), {aged: float(ten_minutes_ago) - 600_000 + 300_000})
    newest = ask(store, "a")
    assert [take(store).job_id for _ in range(2)] == [aged, newest]


def test_a_worker_takes_jobs_of_its_models_and_those_that_need_none(store: JobStore) -> None:
    other, mine = ask(store, "a", model="other"), ask(store, "a")
    free = new_job_id()
    store.submit(free, Txt2Img(prompt="", width=64, height=64, steps=1), owner="a", steps=1, inputs={}, max_queue=9)
    taken = {take(store, models=["mini"]).job_id for _ in range(2)}
    assert taken == {mine, free}
    assert store.claim("w", 60, models=["mini"]) is None
    assert take(store, models=["other"]).job_id == other


def test_an_owner_has_one_account_for_all_models(store: JobStore) -> None:
    """What another model's worker served him counts when this one's chooses."""
    for _ in range(4):
        ask(store, "a", model="x")
        ask(store, "a", model="y")
        ask(store, "b", model="y")
    for _ in range(4):
        take(store, models=["x"])
    assert [store.owner(take(store, models=["y"]).job_id) for _ in range(4)] == ["b"] * 4


def test_one_owner_does_not_take_all_places_of_a_worker(store: JobStore) -> None:
    for _ in range(5):
        ask(store, "many")
    held = [take(store, share=3) for _ in range(3)]
    assert store.claim("w", 60, share=3) is None
    few = ask(store, "few")
    assert take(store, share=3).job_id == few
    assert take(store, worker="another", share=3).job_id != few
    store.release(held[0])
    assert take(store, share=3).job_id == held[0].job_id
    store.finish(held[1])
    assert store.owner(take(store, share=3).job_id) == "many"
    assert store.claim("w", 60, share=3) is None


def test_a_job_handed_back_gives_its_owner_the_turn_back(store: JobStore) -> None:
    for _ in range(3):
        ask(store, "a")
        ask(store, "b")
    first = take(store)
    store.release(first)
    assert take(store).job_id == first.job_id


def test_positions_are_those_in_which_jobs_are_served(store: JobStore) -> None:
    chance = random.Random(5)
    ids = [ask(store, chance.choice("abc")) for _ in range(40)]
    for _ in range(7):
        store.finish(take(store))
    waiting = [i for i in ids if read(store, i).state == "queued"]
    told = {i: read(store, i).progress.position for i in waiting}
    served = []
    while claim := store.claim("w", 60):
        served.append(claim.job_id)
    assert [told[i] for i in served] == list(range(33))


def test_an_empty_queue_leaves_nothing_behind(store: JobStore) -> None:
    for owner in ("a", "b"):
        for _ in range(3):
            ask(store, owner)
    ids = [take(store).job_id for _ in range(2)]
    for job in store.page(state=None, kind=None, before=None, limit=100)[0]:
        store.delete_job(job.id)
        if job.id in ids:
            store.bury("w", 3)
    left = {str(key).removeprefix(keys.PREFIX) for key in store.redis.scan_iter(match=f"{keys.PREFIX}*")}
    unread = UNREAD.removeprefix(keys.PREFIX)  # the workers', who take what is in it
    assert left <= {"fence", "served", "turn", "lanes", "speed:mini", "counters", unread}
