"""Hints are what Celery itself would have sent: compared with its own, and read by it."""

import json
from base64 import b64decode
from typing import Any

from kombu.message import Message

from contract.broker import make_celery
from contract.hints import QUEUE, RUN, UNREAD, hint
from contract.ids import new_job_id
from contract.settings import Settings
from contract.store import JobStore
from tests.contract.ledger import REQUEST


def put_by_celery(store: JobStore, settings: Settings, job_id: str) -> dict[str, Any]:
    """The message that `send_task` puts into Redis."""
    app = make_celery(settings)
    app.send_task(RUN, args=[job_id], queue=QUEUE, declare=[], argsrepr=job_id, kwargsrepr="{}")
    app.close()
    (raw,) = store.redis.lrange(UNREAD, 0, -1)
    message: dict[str, Any] = json.loads(raw)
    return message


def plain(message: dict[str, Any]) -> dict[str, Any]:
    """Without what is drawn at random, who sent it, where to reply, what is nothing, and what is told twice."""
    headers = {name: value for name, value in message["headers"].items() if value or name in ("retries", "timelimit")}
    properties = dict(message["properties"])
    for name in ("id", "root_id", "origin"):
        headers.pop(name, None)
    for name in ("correlation_id", "delivery_tag", "reply_to", "argsrepr", "kwargsrepr"):
        properties.pop(name, None)
    return {**message, "body": json.loads(b64decode(message["body"])), "headers": headers, "properties": properties}


def test_a_hint_is_what_celery_sends(store: JobStore, settings: Settings) -> None:
    ours = json.loads(hint("job_a"))
    assert plain(ours) == plain(put_by_celery(store, settings, "job_a"))
    assert ours["headers"]["id"] == ours["headers"]["root_id"] == ours["properties"]["correlation_id"]
    assert json.loads(hint("job_a"))["headers"]["id"] != ours["headers"]["id"]


def test_a_worker_of_celery_reads_what_the_ledger_rang_with(store: JobStore, settings: Settings) -> None:
    job_id = store.submit(new_job_id(), REQUEST, owner="local", steps=8, inputs={}, max_queue=9).id
    heard: list[tuple[Any, str]] = []

    def hear(body: Any, message: Message) -> None:
        heard.append((body[0], message.headers["task"]))
        message.ack()

    app = make_celery(settings)
    with app.connection_for_read() as connection, connection.Consumer([app.amqp.queues[QUEUE]], callbacks=[hear]):
        connection.drain_events(timeout=30)
    assert heard == [([job_id], RUN)]
    assert store.redis.llen(UNREAD) == 0


def test_a_job_submitted_twice_is_rung_for_once(store: JobStore) -> None:
    job_id = new_job_id()
    for _ in range(2):
        store.submit(job_id, REQUEST, owner="local", steps=8, inputs={}, max_queue=9)
    store.ring([])
    assert store.redis.llen(UNREAD) == 1
    store.ring([job_id, job_id])
    assert store.redis.llen(UNREAD) == 3
