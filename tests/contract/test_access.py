"""Keys: what they look like, who holds one, how they end, and what they may use."""

import hashlib
import re
from datetime import UTC, datetime, timedelta

import pytest
import redis

from contract import access, keys
from contract.access import Credentials, Key, Keys, Quota, Scope, csrf_of
from contract.errors import BadRequest, Conflict, NotFound, OverQuota
from contract.ids import new_job_id
from contract.settings import Settings
from contract.store import JobStore, connect
from tests.contract.ledger import REQUEST, claim

READ = [Scope.READ]
COST = 0.131072  # megapixel-steps of REQUEST: 128 x 128 x 4 steps x 2 pictures / 1e6


@pytest.fixture
def held(settings: Settings) -> Keys:
    return Keys(connect(settings))


def submit(store: JobStore, owner: str) -> str:
    job_id = new_job_id()
    store.submit(job_id, REQUEST, owner=owner, steps=8, inputs={}, max_queue=100)
    return job_id


def test_a_key_is_256_random_bits_of_which_only_the_hash_is_kept(held: Keys, settings: Settings) -> None:
    key, text = held.add("alice", READ, Quota())
    form = re.fullmatch(r"darkroom_([a-z2-7]{8})_([a-z2-7]{52})", text)
    assert form
    assert form[1] == key.id
    assert 52 * 5 >= 256
    kept = connect(settings).hget(keys.KEYS, key.id)
    assert isinstance(kept, str)
    assert hashlib.sha256(text.encode()).hexdigest() in kept
    assert form[2] not in str([connect(settings).dump(name) for name in connect(settings).scan_iter()])
    assert len({held.add(f"n{i}", READ, Quota())[1] for i in range(50)}) == 50


def test_only_its_text_is_it(held: Keys) -> None:
    key, text = held.add("alice", READ, Quota())
    other, other_text = held.add("bob", READ, Quota())
    assert held.holder(text) == key
    assert held.holder(other_text) == other
    swapped = f"darkroom_{key.id}_{other_text[-52:]}"
    wrong = ["", " ", text[:-1], text + "a", text.upper(), swapped, f"{text}\n", "é" * 50, "\ud800", "\0", "x" * 10**6]
    assert [held.holder(each) for each in wrong] == [None] * len(wrong)


def test_there_is_a_first_key_and_revoking_the_last_opens_nothing(held: Keys) -> None:
    assert held.none()
    assert not held.exist()
    held.add("alice", READ, Quota())
    assert (held.none(), held.exist()) == (False, True)
    held.revoke("alice")
    assert (held.none(), held.exist()) == (False, False)


def test_rotating_leaves_the_old_text_its_grace_and_never_three(held: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    key, first = held.add("alice", READ, Quota(jobs=3))
    turned, second = held.rotate("alice", grace_seconds=60)
    assert (turned.id, turned.quota, turned.scopes) == (key.id, key.quota, key.scopes)
    assert held.holder(first) == held.holder(second) == turned
    _, third = held.rotate("alice", grace_seconds=60)
    assert [held.holder(text) is not None for text in (first, second, third)] == [False, True, True]
    later = datetime.now(UTC) + timedelta(seconds=61)
    monkeypatch.setattr(access, "_now", lambda: later)
    assert [held.holder(text) is not None for text in (first, second, third)] == [False, False, True]
    _, fourth = held.rotate(key.id, grace_seconds=0)
    assert [held.holder(text) is not None for text in (third, fourth)] == [False, True]


def test_names_are_taken_until_revoked(held: Keys) -> None:
    old, _ = held.add("alice", READ, Quota())
    with pytest.raises(Conflict, match="there is a key alice already"):
        held.add("alice", READ, Quota())
    held.revoke("alice")
    new, _ = held.add("alice", READ, Quota())
    assert new.id != old.id  # another owner: it does not inherit pictures
    assert [key.revoked_at is None for key in held.all()] == [False, True]
    for name in ("", "a b", "x" * 41, "-x", "a\n", "é"):
        with pytest.raises(BadRequest, match="cannot be a key's name"):
            held.add(name, READ, Quota())
    with pytest.raises(NotFound):
        held.revoke("nobody")
    with pytest.raises(NotFound):
        held.rotate(old.id)


def visitor(held: Keys, token: str) -> Key | None:
    """Whose session this is, as the door finds out."""
    shown = Credentials(frozenset(), token)
    closed, (found,) = JobStore(held.redis).run("door", *shown.sought())
    assert closed
    return shown.holder(*found)


def test_a_session_is_its_keys_and_ends_with_it(held: Keys) -> None:
    key, text = held.add("alice", READ, Quota())
    assert held.sign_in("darkroom_aaaaaaaa_" + "a" * 52) is None
    one, two, three = (held.sign_in(text) for _ in range(3))
    assert one
    assert two
    assert three
    assert len({one, two, three}) == 3
    assert visitor(held, one) == key
    held.sign_out(one)
    assert visitor(held, one) is None
    assert visitor(held, two) == key
    held.rotate("alice", grace_seconds=0)  # it may have leaked: what signed in with the old text is out
    assert visitor(held, two) is None
    held.revoke("alice")
    assert visitor(held, three) is None
    assert len({csrf_of(one), csrf_of(two), csrf_of(three)}) == 3


def test_a_session_is_not_kept_in_clear_and_goes_by_itself(held: Keys, settings: Settings) -> None:
    _, text = held.add("alice", READ, Quota())
    token = held.sign_in(text)
    assert token
    names = [str(name) for name in connect(settings).scan_iter("darkroom:session:*")]
    assert len(names) == 1
    assert token not in names[0]
    assert 0 < int(str(connect(settings).ttl(names[0]))) <= access.SESSION_SECONDS


def test_jobs_in_flight_are_counted_and_bounded(held: Keys, store: JobStore) -> None:
    key, _ = held.add("alice", READ, Quota(jobs=2))
    one, two = submit(store, key.id), submit(store, key.id)
    assert held.usage(key.id).in_flight == 2
    with pytest.raises(OverQuota, match="has 2 jobs waiting or running, which is its quota") as refused:
        submit(store, key.id)
    assert (refused.value.status, refused.value.retry_after) == (429, 5)
    submit(store, "somebody")  # others have theirs
    store.cancel(one)
    three = submit(store, key.id)
    with pytest.raises(OverQuota):
        submit(store, key.id)
    taken = claim(store, two)
    store.release(taken)  # waits again
    assert held.usage(key.id).in_flight == 2
    store.finish(claim(store, two))
    store.delete_job(three)
    assert held.usage(key.id).in_flight == 0
    assert held.usage(key.id).jobs == 3


def test_the_cost_of_an_hour_is_bounded(held: Keys, store: JobStore, settings: Settings) -> None:
    key, _ = held.add("alice", READ, Quota(cost=2.5 * COST))
    submit(store, key.id)
    submit(store, key.id)
    with pytest.raises(OverQuota, match=r"0\.1311 megapixel-steps of work; the key's quota is 0\.32768 an hour") as no:
        submit(store, key.id)
    assert 3540 <= no.value.retry_after <= 3600  # the first two were accepted within this minute
    assert held.usage(key.id).last_hour == pytest.approx(2 * COST)
    client = connect(settings)
    _age(client, key.id, minutes=20)
    with pytest.raises(OverQuota) as no:
        submit(store, key.id)
    assert 2340 <= no.value.retry_after <= 2400
    _age(client, key.id, minutes=40)
    submit(store, key.id)
    usage = held.usage(key.id)
    assert usage.jobs == 3
    assert [usage.cost, usage.last_hour] == pytest.approx([3 * COST, COST])


def _age(client: "redis.Redis", owner: str, minutes: int) -> None:
    """What was spent was spent earlier."""
    spent = client.hgetall(keys.spent(owner))
    assert isinstance(spent, dict)
    client.delete(keys.spent(owner))
    client.hset(keys.spent(owner), mapping={str(int(minute) - minutes): cost for minute, cost in spent.items()})


def test_a_job_beyond_the_whole_quota_is_told_so(held: Keys, store: JobStore) -> None:
    key, _ = held.add("alice", READ, Quota(cost=0.1))
    with pytest.raises(BadRequest, match="Lower the steps") as refused:
        submit(store, key.id)
    assert (refused.value.status, refused.value.field) == (422, "steps")
    assert held.usage(key.id).jobs == 0


def test_without_a_quota_nothing_is_refused(held: Keys, store: JobStore) -> None:
    key, _ = held.add("alice", READ, Quota())
    for owner in (key.id, "local") * 5:
        submit(store, owner)
    assert held.usage("local").in_flight == 5
    assert held.usage("local").used_at is None
    held.touch(key.id)
    assert held.usage(key.id).used_at is not None


def test_pages_are_an_owners_own_and_bounded(store: JobStore) -> None:
    mine = [submit(store, "a") for _ in range(3)]
    theirs = [submit(store, "b") for _ in range(2)]
    jobs, rest = store.page(state=None, kind=None, before=None, limit=2, owner="a")
    assert [job.id for job in jobs] == [mine[2], mine[1]]
    jobs, rest = store.page(state=None, kind=None, before=rest, limit=2, owner="a")
    assert ([job.id for job in jobs], rest) == ([mine[0]], None)
    everything, _ = store.page(state=None, kind=None, before=None, limit=9)
    assert [job.id for job in everything] == [*theirs[::-1], *mine[::-1]]
    store.delete_job(mine[1])
    assert [job.id for job in store.page(state=None, kind=None, before=None, limit=9, owner="a")[0]] == [
        mine[2],
        mine[0],
    ]
    assert store.page(state=None, kind=None, before=None, limit=9, owner="nobody") == ([], None)
