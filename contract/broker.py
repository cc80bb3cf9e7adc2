"""Celery as the workers have it: the app that hears hints (hints.py).

The options were measured: `ack_emulation: False` keeps a Redis restart from killing the worker, early acknowledgement
keeps a dropped connection from running jobs twice (docs/decisions.md).
"""

from celery import Celery

from contract import keys
from contract.hints import QUEUE
from contract.settings import Settings


def broker_url(settings: Settings) -> str:
    """The Redis URL in the spelling kombu wants."""
    return settings.redis.replace("unix://", "redis+socket://", 1)


def make_celery(settings: Settings) -> Celery:
    """The Celery app that receives hints."""
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
