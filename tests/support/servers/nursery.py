"""A process that has imported gunicorn and the application, and forks itself for each server.

Two thirds of the CPU time of a test server's start are imports. What is forked runs gunicorn's own
command, with the project's configuration; as in a deployment, its master imports no settings. It
writes no coverage data, and only Linux lets it die with the tests.
"""

import atexit
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from select import select

from config import ROOT
from tests.support.processes import die_with_parent, spawn

PRELOADED = (
    "app",
    "app.server.loop",
    "gunicorn.app.wsgiapp",
    "gunicorn.arbiter",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
)
MAX_REQUEST = 65_536
WIDTH = 16  # bytes of a number


class Forked:
    """A process that the nursery forked; it has what servers use of `subprocess.Popen`."""

    def __init__(self, status: int) -> None:
        """Read the process id, and later the exit status, from the descriptor `status`."""
        self._status = status
        self.pid = int(os.read(status, WIDTH))
        self._exit: int | None = None

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        if self._exit is None:
            ready, _, _ = select([self._status], [], [], timeout)
            if not ready:
                raise subprocess.TimeoutExpired("gunicorn", timeout or 0)
            self._exit = int(os.read(self._status, WIDTH) or -signal.SIGKILL)
            os.close(self._status)
        return self._exit

    def send_signal(self, sent: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, sent)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def gunicorn(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Forked:
    """Run `gunicorn ARGUMENTS...` in the project's folder, with this environment alone."""
    request = json.dumps([list(arguments), dict(environment)]).encode()
    read, write = os.pipe()
    with log.open("ab") as output:
        socket.send_fds(_nursery(), [request], [output.fileno(), write])
    os.close(write)
    return Forked(read)


@cache
def _nursery() -> socket.socket:
    """Start the nursery of this process; it ends when this process does."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {name: value for name, value in os.environ.items() if "COV" not in name}
    command = [sys.executable, "-m", __name__, str(its.fileno())]
    with its:
        process = spawn(command, cwd=ROOT, env=environment, pass_fds=[its.fileno()])

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def serve(requests: socket.socket) -> Sequence[str]:
    """Fork for each request; return in the process that is to run gunicorn, with its arguments."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that the kernel collects those that wait
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, MAX_REQUEST, 2)
        if not request:
            sys.exit()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            requests.close()
            log, status = descriptors
            arguments, environment = json.loads(request)
            fork_and_tell(status)
            os.close(status)
            become(environment, log)
            return list(arguments)
        for descriptor in descriptors:
            os.close(descriptor)


def fork_and_tell(status: int) -> None:
    """Fork, return in the child, and write its process id and its exit status to `status`."""
    die_with_parent()
    pid = os.fork()
    if pid == 0:
        return
    os.write(status, f"{pid:{WIDTH}}".encode())
    _, ended = os.waitpid(pid, 0)
    os.write(status, f"{os.waitstatus_to_exitcode(ended):{WIDTH}}".encode())
    os._exit(0)


def become(environment: Mapping[str, str], log: int) -> None:
    """Be what a new process with this environment and output would be."""
    os.setsid()
    die_with_parent()
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.environ.clear()
    os.environ.update(environment)


def main() -> None:
    """Import once, serve, and run gunicorn in what was forked."""
    for name in PRELOADED:
        importlib.import_module(name)
    run = importlib.import_module("gunicorn.app.wsgiapp").run
    arguments = serve(socket.socket(fileno=int(sys.argv[1])))
    sys.argv[1:] = arguments
    run(prog="gunicorn")


if __name__ == "__main__":
    main()
