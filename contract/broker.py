"""Celery, used as a doorbell: a message carries one job id and means "there may be work".

The ledger (store.py) decides who does it, so a message lost or doubled does no harm. The options were measured:
`ack_emulation: False` keeps a Redis restart from killing the worker, early acknowledgement keeps a dropped
connection from running jobs twice (docs/decisions.md).
"""

from celery import Celery

from contract import keys
from contract.settings import Settings

QUEUE = "darkroom.hint"
UNREAD_HINTS = keys.CELERY_PREFIX + QUEUE  # the Redis list Celery keeps them in
RUN = "darkroom.run"


def broker_url(settings: Settings) -> str:
    """The Redis URL in the spelling kombu wants."""
    return settings.redis.replace("unix://", "redis+socket://", 1)


def make_celery(settings: Settings) -> Celery:
    """The Celery app that sends and receives hints."""
    app = Celery("darkroom", broker=broker_url(settings), set_as_current=False)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        result_backend=None,
        task_ignore_result=True,
        task_acks_late=False,
        task_reject_on_worker_lost=False,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=False,
        task_publish_retry=False,
        task_default_queue=QUEUE,
        task_create_missing_queues=False,
        broker_transport_options={
            "ack_emulation": False,
            "socket_timeout": 5,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
            "global_keyprefix": keys.CELERY_PREFIX,
            "max_connections": 32,
        },
    )
    return app


def send_hint(app: Celery, job_id: str) -> None:
    """Ring the bell for one job. Raises kombu's OperationalError when Redis is away.

    The worker declares the queue, a list in Redis; declaring it with every hint would be most of what one costs.
    """
    app.send_task(RUN, args=[job_id], queue=QUEUE, declare=[], argsrepr=job_id, kwargsrepr="{}")
