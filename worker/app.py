"""Celery's entry: `python -m celery -A worker.app:app worker --pool=threads --concurrency=16`."""

from contract.settings import settings
from worker.main import WorkerProcess
from worker.model_workshop import open_workshop

app = WorkerProcess(settings(), open_workshop).app
