"""Pictures that are made again, in the ledger: what the worker is told, what it notes, and in whose name."""

import signal

import pytest

from contract.dead_letters import DeadLetters
from contract.deaths import death
from contract.errors import ErrorCode
from contract.ids import new_job_id
from contract.steering import Steering
from contract.store import JobStore
from contract.verification import MadeBy, Original, Verification
from tests.contract.ledger import REQUEST, SHA, claim, read

HERE: MadeBy = {
    "model": "a" * 64,
    "device": "cpu",
    "dtype": "float32",
    "threads": 2,
    "strict": True,
    "code": "1",
    "torch": "2",
}
ORIGINAL = Original(image_id="img_" + "a" * 26, role="output", modelled=True, maker="mine", made_by=HERE)
UNNOTED = "it was made by another build or device, of which no more was noted then"
VERDICT = Verification(image_id=ORIGINAL.image_id, same=False, reasons=["the device: cpu then, cuda here"], greatest=3)


def submit(store: JobStore) -> str:
    job_id, inputs = new_job_id(), {ORIGINAL.image_id: SHA}
    store.submit(job_id, REQUEST, owner="local", steps=8, inputs=inputs, max_queue=100, verifies=ORIGINAL)
    return job_id


def test_a_job_tells_what_it_verifies_and_then_what_came_of_it(store: JobStore) -> None:
    job_id = submit(store)
    assert read(store, job_id).verification == Verification(image_id=ORIGINAL.image_id, same=None)
    taken = claim(store, job_id)
    assert store.work(job_id).verifies == ORIGINAL
    assert store.judge(taken, VERDICT)
    assert store.finish(taken)
    assert read(store, job_id).verification == VERDICT


def test_a_job_of_another_kind_verifies_nothing(store: JobStore) -> None:
    job_id = store.submit(new_job_id(), REQUEST, owner="local", steps=8, inputs={}, max_queue=100).id
    claim(store, job_id)
    assert store.work(job_id).verifies is None
    assert read(store, job_id).verification is None


def test_a_lost_claim_judges_nothing(store: JobStore) -> None:
    job_id = submit(store)
    late = claim(store, job_id)
    store.bury("w", 9)
    now = claim(store, job_id)
    assert not store.judge(late, VERDICT)
    assert read(store, job_id).verification == Verification(image_id=ORIGINAL.image_id)
    assert store.judge(now, VERDICT)


def test_tried_again_it_still_verifies(store: JobStore) -> None:
    """By its owner, and as a dead letter that is replayed."""
    job_id = submit(store)
    store.fail(claim(store, job_id), ErrorCode.OUT_OF_MEMORY, "too large")
    Steering(store).retry(job_id, again := new_job_id(), max_queue=100)
    for _ in range(3):  # once among others, twice alone
        claim(store, again)
        store.bury("w", 9, death(-signal.SIGSEGV))
    assert read(store, again).error is not None
    replayed = DeadLetters(store).replay(again, max_queue=100)
    assert replayed is not None
    for each in (again, replayed):
        assert read(store, each).verification == Verification(image_id=ORIGINAL.image_id)
    assert store.work(replayed).verifies == ORIGINAL


@pytest.mark.parametrize(
    ("here", "maker", "told"),
    [
        (HERE, "mine", []),
        ({**HERE, "device": "NVIDIA H100"}, "another", ["the device: cpu then, NVIDIA H100 here"]),
        (
            {**HERE, "pillow": "13"},
            "another",
            ["it was made by another build or device, of which no more was noted then"],
        ),
        (
            {**HERE, "model": "b" * 64, "threads": 1},
            "another",
            [f"the model's weights: {'a' * 64} then, {'b' * 64} here", "the number of threads: 2 then, 1 here"],
        ),
    ],
)
def test_what_differs_is_told_in_words(here: MadeBy, maker: str, told: list[str]) -> None:
    assert ORIGINAL.differences(maker, here) == told


def test_without_a_model_only_the_code_counts() -> None:
    original = ORIGINAL.model_copy(update={"modelled": False})
    here: MadeBy = {**HERE, "model": "b" * 64, "device": "cuda", "code": "2"}
    assert original.differences("another", here) == ["Darkroom's code: 1 then, 2 here"]
