"""`darkroom up`: Redis, one worker and the web server as one thing that starts, stays up and ends together."""

import errno
import http.client
import json
import socket
from dataclasses import replace

from cli import services
from cli.child import Service
from cli.keys import check_binding
from cli.redis_server import lock, redis_folder, redis_server, socket_path
from cli.supervisor import Supervisor
from cli.undertaker import Undertaker
from contract.errors import DarkroomError
from contract.settings import Settings


def up(settings: Settings) -> int:
    """Run Darkroom until Ctrl-C; the exit status. Raises DarkroomError when it cannot even begin."""
    check_model(settings)
    check_port(settings)
    logs = settings.data.resolve() / "logs"
    try:
        logs.mkdir(parents=True, exist_ok=True)
        check_binding(settings)
        settings, first, inherit = _with_redis(settings)
    except OSError as error:
        raise DarkroomError(
            f"cannot write to the data folder {settings.data.resolve()}: {error.strerror}; name another with --data"
        ) from error
    parts = [
        *first,
        attended(services.worker(settings), settings),
        replace(services.api(settings), waits_for=lambda: unready(settings)),
    ]
    supervisor = Supervisor(parts, logs=logs, env=settings.environ(), inherit=inherit)
    return supervisor.run(f"Darkroom is ready: http://{address(settings)}  (Ctrl-C ends it)")


def _with_redis(settings: Settings) -> tuple[Settings, list[Service], list[int]]:
    """The settings the children get, our Redis unless another was named, and the lock on its data."""
    # Stable, so that a restarted worker frees its predecessor's jobs; no two Darkrooms of a host share a port.
    name = settings.worker_name or f"{socket.gethostname()}-{settings.port}"
    settings = settings.model_copy(update={"worker_name": name})
    if settings.redis_url:
        return settings, [], []
    held = lock(redis_folder(settings))
    settings = settings.model_copy(update={"redis_url": f"unix://{socket_path(settings)}"})
    return settings, [redis_server(settings)], [held]


def attended(worker: Service, settings: Settings) -> Service:
    """A worker whose deaths are told to the ledger the moment they are seen."""
    undertaker = Undertaker(settings)
    return replace(worker, prepare=undertaker.make_room, look=undertaker.look, mourn=undertaker.bury)


def check_model(settings: Settings) -> None:
    """Raises DarkroomError when no model is where the settings say."""
    if not (settings.model / "model_index.json").is_file():
        raise DarkroomError(f"{settings.model} holds no model in diffusers format; name one that does with --model")


def check_port(settings: Settings) -> None:
    """Raises DarkroomError when the web server could not bind."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise DarkroomError(f"port {settings.port} is taken; choose another, e.g. --port 8001") from error
        raise DarkroomError(f"cannot bind {settings.host}, port {settings.port}: {error.strerror}") from error


def unready(settings: Settings) -> str:
    """What /readyz says is missing; "" when Darkroom can take work."""
    connection = http.client.HTTPConnection(address(settings), timeout=2)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return "the web server starts"
    finally:
        connection.close()
    if answer.status == 200:
        return ""
    try:
        return str(json.loads(body)["detail"]).removesuffix("; try again.")
    except (ValueError, KeyError, TypeError):
        return f"/readyz answers {answer.status}"


def address(settings: Settings) -> str:
    """Host and port to reach the web server from this machine: one bound everywhere is also on the loopback."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    return f"[{host}]:{settings.port}" if ":" in host else f"{host}:{settings.port}"
