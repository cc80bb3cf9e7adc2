"""Celery's entry for a paced worker: `celery -A tests.chaos.paced_app:app worker`."""

from contract.settings import settings
from tests.chaos.paced import open_paced
from worker.main import WorkerProcess

app = WorkerProcess(settings(), open_paced).app
