"""Webhooks: addresses that are taken, signatures against the specification's own, and deliveries in the ledger."""

import json
import time
from typing import Any

import pytest
from pydantic import ValidationError

from contract import keys
from contract.deliveries import Deliveries, Taken, message, webhook_of
from contract.errors import ErrorCode
from contract.grid import Grid
from contract.ids import new_job_id
from contract.requests import Txt2Img
from contract.store import JobStore
from contract.webhooks import EVENTS, Attempt, Webhook, headers, message_id, place_of, sign
from tests.contract.ledger import REQUEST, claim, read

URL = "https://hooks.studio.example/told"


def submit(store: JobStore, owner: str = "local", **webhook: Any) -> str:
    asked = REQUEST.model_copy(update={"webhook": Webhook(**{"url": URL, **webhook})})
    job_id = new_job_id()
    store.submit(job_id, asked, owner=owner, steps=8, inputs={}, max_queue=100)
    return job_id


def ended(store: JobStore, owner: str = "local", **webhook: Any) -> str:
    job_id = submit(store, owner, **webhook)
    assert store.finish(claim(store, job_id))
    return job_id


def attempt(number: int, store: JobStore, error: str | None = "refused") -> Attempt:
    return Attempt(number=number, at=store.now(), seconds=0.1, status=None, error=error)


def take(store: JobStore, lease: float = 60.0, most: int = 10, share: int = 10, **given: Any) -> list[Taken]:
    return Deliveries(store).take(lease, most=most, share=share, **given)


# --- addresses and signatures ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "host", "port", "target"),
    [
        ("https://a.example", "a.example", 443, "/"),
        ("https://A.Example:8443/x/y?z=1&q=%20", "a.example", 8443, "/x/y?z=1&q=%20"),
        ("https://xn--bcher-kva.example?a@b", "xn--bcher-kva.example", 443, "/?a@b"),
        ("https://a-b.c1.example:65535/~u/(1);v=2,*'!$", "a-b.c1.example", 65535, "/~u/(1);v=2,*'!$"),
    ],
)
def test_addresses_that_are_taken(url: str, host: str, port: int, target: str) -> None:
    place = place_of(Webhook(url=url).url)
    assert (place.host, place.port, place.target) == (host, port, target)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://a.example/", "https"), ("ftp://a.example/", "https"), ("//a.example/", "https"), ("", "https"),
        ("https://user@a.example/", "password"), ("https://user:pw@a.example/", "password"),
        ("https://a.example@127.0.0.1/", "password"), ("https://a.example\\@b.example/", "password"),
        ("https://a.example:80/", "port"), ("https://a.example:22/", "port"),
        ("https://a.example:0/", "port"), ("https://a.example:65536/", "port"), ("https://a.example:99999/", "port"),
        ("https://127.0.0.1/", "name"), ("https://2130706433/", "name"), ("https://0x7f.0.0.1/", "name"),
        ("https://127.1/", "name"), ("https://a.0x7f000001/", "name"), ("https://[::1]/", "name"),
        ("https://localhost/", "name"), ("https://a.example./", "name"), ("https://a..example/", "name"),
        ("https://-a.example/", "name"), ("https://a_b.example/", "name"), ("https://bücher.example/", "name"),
        ("https://a.example/#x", "fragment"), ("https://a.example/ x", "plain"),
        ("https://a.example/\r\nX: y", "plain"),
        ("https://a.example/\u00e4", "plain"), ("https://\u212a.example/", "name"),
        ("https:///x", "name"), ("https://a.example:/", "name"), (f"https://{'a.' * 126}example/", "name"),
    ],
)  # fmt: skip
def test_addresses_that_are_refused(url: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Webhook(url=url)


def test_events_are_a_closed_list() -> None:
    for events in ([], ["job.started"], ["succeeded"], "job.failed", [*EVENTS, "job.failed"]):
        with pytest.raises(ValidationError):
            Webhook.model_validate({"url": URL, "events": events})
    with pytest.raises(ValidationError):
        Webhook.model_validate({"url": URL, "secret": "x"})


def test_a_signature_is_the_specifications() -> None:
    """Id, time, secret, body and signature as the specification's own libraries are tested with."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    known = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    name, at, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    assert sign(secret, name, at, body) == known
    other = "whsec_" + "A" * 32
    assert headers([secret, other], name, at, body) == {
        "webhook-id": name,
        "webhook-timestamp": "1614265330",
        "webhook-signature": f"{known} {sign(other, name, at, body)}",
    }
    assert known not in (sign(secret, name, at + 1, body), sign(secret, name, at, body + b" "))


# --- the ledger ------------------------------------------------------------------------------------


def test_an_end_is_put_on_the_list_as_it_happens(store: JobStore) -> None:
    job_id = submit(store)
    held = claim(store, job_id)
    assert Deliveries(store).read(job_id).state == "none"
    assert take(store) == []
    assert store.finish(held)
    delivery = Deliveries(store).read(job_id)
    assert (delivery.state, delivery.webhook_id, delivery.attempts) == ("waiting", "msg_" + job_id[4:], [])
    assert delivery.next_at is not None
    assert abs((delivery.next_at - store.now()).total_seconds()) < 30
    assert store.finish(held)  # once more, after a lost answer
    assert take(store) == [Taken(job_id, "local", 1)]
    assert take(store) == []


def test_every_way_to_end_is_told_and_only_those_asked_for(store: JobStore) -> None:
    def all_ways(**webhook: Any) -> list[str]:
        done, failed, cancelled, late = (submit(store, **webhook) for _ in range(4))
        store.finish(claim(store, done))
        store.fail(claim(store, failed), ErrorCode.NAN_IMAGE, "why")
        store.cancel(cancelled)
        store.redis.hset(keys.job(late), "finish_by", "1")
        store.redis.zadd(f"{keys.PREFIX}deadlines", {late: 1})
        store.reap(10)
        return [read(store, each).state.value for each in (done, failed, cancelled, late)]

    assert all_ways() == ["succeeded", "failed", "cancelled", "failed"]
    assert len(take(store)) == 4
    all_ways(events=["job.failed"])
    told = [json.loads(message(read(store, each.job_id)))["type"] for each in take(store)]
    assert told == ["job.failed"] * 2


def test_jobs_without_a_webhook_are_not_on_the_list(store: JobStore) -> None:
    job_id = new_job_id()
    store.submit(job_id, REQUEST, owner="local", steps=8, inputs={}, max_queue=100)
    store.finish(claim(store, job_id))
    assert take(store) == []
    assert Deliveries(store).read(job_id).state == "none"


def test_a_taker_that_dies_is_made_up_for_and_comes_back_in_vain(store: JobStore) -> None:
    job_id = ended(store)
    (first,) = take(store, lease=0.05)
    time.sleep(0.1)
    (second,) = take(store)
    assert (first.number, second.number) == (1, 2)
    deliveries = Deliveries(store)
    assert not deliveries.note(first, attempt(1, store), "waiting", 3600)
    assert deliveries.read(job_id).attempts == []
    assert deliveries.note(second, attempt(2, store, error=None), "delivered")
    told = deliveries.read(job_id)
    assert (told.state, told.next_at, [each.number for each in told.attempts]) == ("delivered", None, [2])
    assert take(store) == []


def test_a_failed_attempt_waits_for_its_time(store: JobStore) -> None:
    job_id = ended(store)
    (first,) = take(store)
    assert Deliveries(store).note(first, attempt(1, store), "waiting", 300)
    told = Deliveries(store).read(job_id)
    assert told.next_at is not None
    assert 270 < (told.next_at - store.now()).total_seconds() <= 300
    assert take(store) == []
    store.redis.zadd(keys.DELIVERIES, {job_id: 1})  # five minutes later
    assert take(store) == [Taken(job_id, "local", 2)]


def test_an_owner_has_his_share_of_the_places(store: JobStore) -> None:
    his = [ended(store, "a") for _ in range(4)]
    hers = ended(store, "b")
    assert [each.job_id for each in take(store, most=3, share=2)] == [his[0], his[1], hers]
    assert take(store, share=2, busy=("a", "a", "b")) == []
    assert [each.job_id for each in take(store, share=2, busy=("a",))] == [his[2]]
    assert [each.job_id for each in take(store, most=1)] == [his[3]]


@pytest.mark.parametrize("when", ["before", "during"])
def test_a_deleted_jobs_message_is_not_sent(store: JobStore, when: str) -> None:
    job_id = ended(store)
    if when == "before":
        store.delete_job(job_id)
        assert take(store) == []
    else:
        (taken,) = take(store)
        store.delete_job(job_id)
        assert not Deliveries(store).note(taken, attempt(1, store), "waiting", 1)
    left = [key for key in store.redis.keys("*") if job_id in str(key)]
    assert left == []
    assert store.redis.zcard(keys.DELIVERIES) == 0


def test_a_job_deleted_while_it_runs_tells_nobody(store: JobStore) -> None:
    job_id = submit(store)
    held = claim(store, job_id)
    store.delete_job(job_id)
    store.cancelled(held)
    assert take(store) == []


def test_the_message_tells_the_end_and_not_the_request(store: JobStore) -> None:
    job_id = submit(store)
    store.fail(claim(store, job_id), ErrorCode.NAN_IMAGE, "why")
    told = json.loads(message(read(store, job_id)))
    assert (told["type"], set(told)) == ("job.failed", {"type", "timestamp", "data"})
    assert told["timestamp"] == told["data"]["finished_at"]
    assert set(told["data"]) == {
        "id", "kind", "state", "created_at", "started_at", "finished_at", "images", "error", "attempts",
    }  # fmt: skip
    assert (told["data"]["id"], told["data"]["state"]) == (job_id, "failed")
    assert told["data"]["error"] == {"code": "nan_image", "message": "why"}
    assert "black cat" not in json.dumps(told)
    assert message_id(job_id) == "msg_" + job_id.removeprefix("job_")


def test_a_grid_has_its_bases_webhook() -> None:
    base = Txt2Img(prompt="x", webhook=Webhook(url=URL))
    grid = Grid.model_validate({"kind": "grid", "base": base.model_dump(), "x": {"field": "steps", "values": "1-3"}})
    assert webhook_of(grid) == webhook_of(base) == Webhook(url=URL)


def test_secrets_are_an_owners_own_and_overlap_for_a_day(store: JobStore) -> None:
    deliveries = Deliveries(store)
    first = deliveries.secret("a")
    assert first.secret.startswith("whsec_")
    assert (deliveries.secret("a"), first.replaced) == (first, None)
    assert deliveries.secret("b").secret != first.secret
    second = deliveries.replace_secret("a")
    assert (second.replaced, second.secret != first.secret) == (first.secret, True)
    assert second.replaced_until is not None
    assert 86_000 < (second.replaced_until - store.now()).total_seconds() <= 86_400
    assert deliveries.signers("a") == [second.secret, first.secret]
    store.redis.hset(keys.signing("a"), "until", store.now().isoformat())  # a day later
    assert deliveries.signers("a") == [second.secret]
