"""The processes Darkroom consists of, besides Redis, and how each is started."""

import sys

from cli.child import Service
from contract.settings import Settings

_PYTHON = (sys.executable, "-P", "-m")  # -P: a file in the current folder must not pass for a module of ours


def api(settings: Settings) -> Service:
    """The web server. Requests still running 5 s after SIGTERM (long polls, slow clients) are cut."""
    # fmt: off
    argv = (
        *_PYTHON, "uvicorn", "--factory", "api.main:create_app",
        "--host", settings.host, "--port", str(settings.port),
        "--log-level", settings.log_level, "--no-access-log", "--no-server-header",
        "--timeout-keep-alive", "5", "--timeout-graceful-shutdown", "5",
        "--limit-concurrency", "2000", "--loop", "uvloop", "--http", "api.protocol:Http",
    )
    # fmt: on
    return Service("api", argv, grace=8)


def worker(settings: Settings) -> Service:
    """One worker; it hands back by itself what it cannot finish within `drain_seconds`."""
    # fmt: off
    argv = (
        *_PYTHON, "celery", "-A", "worker.app:app", "worker",
        "--pool=threads", f"--concurrency={settings.places}", f"--loglevel={settings.log_level}",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
    )
    # fmt: on
    return Service("worker", argv, grace=settings.drain_seconds + 5)
