"""Ringing for a job that was just accepted."""

import logging

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from contract.broker import send_hint

log = logging.getLogger(__name__)


def ring(celery: Celery, job_id: str) -> None:
    """Send the hint; where that fails the job is accepted all the same, and the reaper rings."""
    try:
        send_hint(celery, job_id)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("no hint sent for %s: %s; the reaper will", job_id, error)
