"""Hints: Celery's messages, used as a doorbell. Each carries one job id and means "there may be work".

The ledger (store.py) decides who does it, so a hint lost or doubled does no harm. They are written in Celery's own form
(its message protocol 2, in the list that kombu reads) but without Celery: the script that accepts a job rings for it
too, and `Celery.send_task` took the api longer than all else that it does for a job (docs/decisions.md).
"""

import base64
import json
from uuid import uuid4

from contract import keys

QUEUE = "darkroom.hint"
UNREAD = keys.CELERY_PREFIX + QUEUE  # the Redis list that Celery's workers read
RUN = "darkroom.run"


def hint(job_id: str) -> str:
    """A message for that list, as `send_task(RUN, [job_id])` would put it there."""
    task_id = str(uuid4())
    options = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    message = {
        "body": base64.b64encode(json.dumps([[job_id], {}, options]).encode()).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {
            "lang": "py", "task": RUN, "id": task_id, "root_id": task_id, "parent_id": None, "group": None,
            "argsrepr": job_id, "kwargsrepr": "{}", "retries": 0, "eta": None, "expires": None,
            "timelimit": [None, None], "ignore_result": False,
        },
        "properties": {
            "correlation_id": task_id, "delivery_tag": str(uuid4()), "delivery_mode": 2, "priority": 0,
            "delivery_info": {"exchange": "", "routing_key": QUEUE}, "body_encoding": "base64",
        },
    }  # fmt: skip
    return json.dumps(message)
