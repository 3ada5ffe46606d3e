"""Starting and ending real processes so that none outlives the tests."""

import ctypes
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import psutil

_prctl = getattr(ctypes.CDLL(None), "prctl", None)
PR_SET_PDEATHSIG = 1
STOP_SECONDS = 15
WAIT_SECONDS = 60  # make mutants waits less

_kept: list[socket.socket] = []


class Process(Protocol):
    """What servers use of a process, however it was started."""

    pid: int

    def poll(self) -> int | None:
        """Return the exit status; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the exit status; raise `subprocess.TimeoutExpired` after `timeout` seconds."""

    def send_signal(self, sent: signal.Signals, /) -> None:
        """Send a signal if it still runs."""

    def kill(self) -> None:
        """Send SIGKILL if it still runs."""


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends; only Linux can."""
    if _prctl:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def spawn(command: Sequence[str | Path], **more: Any) -> subprocess.Popen[bytes]:  # noqa: ANN401 - Popen's own
    """Start a process in a session of its own; on Linux it dies with the tests."""
    return subprocess.Popen(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - a C call only
        **more,
    )


def end(
    process: Process,
    first: signal.Signals = signal.SIGTERM,
    seconds: float = STOP_SECONDS,
) -> int:
    """Ask a process to end, make it, and return its exit status."""
    if process.poll() is None:
        process.send_signal(first)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def family(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def survivors(processes: list[psutil.Process], seconds: float = 20) -> list[psutil.Process]:
    _gone, alive = psutil.wait_procs(processes, timeout=seconds)
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def kept_waiting(processes: list[psutil.Process]) -> float:
    """Sum the seconds in which others had the core that their threads were ready for.

    Linux counts them; elsewhere the sum is 0.
    """
    counts = [
        path.read_text(encoding="ascii").split()
        for process in processes
        for path in Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    ]
    return sum(int(nanoseconds) for _running, nanoseconds, _turns in counts) / 1e9


def wait_until(holds: Callable[[], bool], what: str = "it") -> None:
    """Wait until it holds, asking less often as time goes by: asking costs what it waits for."""
    begun = time.monotonic()
    while not holds():
        waited = time.monotonic() - begun
        if waited > WAIT_SECONDS:
            raise TimeoutError(f"{what} did not come within {WAIT_SECONDS} s")
        time.sleep(min(0.1, 0.01 + waited / 20))


LOWEST_PORT = 20_000
PORTS = 12_000


def free_port() -> int:
    """Find a TCP port that nobody uses now; on Linux nobody finds it again while the tests run.

    It is below the ports that the kernel gives to connections, which could take it before a server
    does. The socket stays bound and never listens: another test process then cannot find the same
    port, and the server that names it can bind it.
    """
    while True:
        port = LOWEST_PORT + secrets.randbelow(PORTS)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("", port))  # without SO_REUSEADDR: fails where anybody is
            break
    if sys.platform == "linux":
        keeper = socket.socket()
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", port))
        _kept.append(keeper)
    return port
