"""The queue of writers in front of a SQLite file.

SQLite lets in one writer at a time. A writer that finds it busy sleeps for up to 100 ms and tries
again, and whoever comes meanwhile overtakes it: under load the slowest writers wait for a second,
and some time out. Here the threads of a process line up for one lock, and only the first of
them asks, every millisecond, for the lock on a file beside the database.

This lock gives fairness and nothing else: SQLite's own lock keeps writers apart. A process that
cannot have the file (a folder it may not write, a file of another user) still writes correctly
and waits as SQLite does. The kernel releases the lock of a process that dies.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import TimeoutError as Busy

WAIT_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.0003
MAX_POLL_SECONDS: Final = 0.001
FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class WriteLock:
    """One place at a time for all threads and processes that write to one SQLite file."""

    def __init__(self, database: str) -> None:
        """Queue before the file `database`; its lock file has the name with `.lock` added."""
        self.path: Final = f"{database}.lock"
        self._threads = threading.Lock()
        self._process = os.getpid()

    def usable(self) -> bool:
        """Tell whether this process can have the lock file."""
        try:
            os.close(os.open(self.path, FLAGS, 0o600))
        except OSError:
            return False
        return True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the only place.

        Raises:
            sqlalchemy.exc.TimeoutError: when it is not free within `WAIT_SECONDS`.

        """
        with self.of_threads() as until, self.of_processes(until):
            yield

    @contextmanager
    def of_threads(self) -> Iterator[float]:
        """Be the one thread of this process that may wait for the other processes.

        Gives the time, of the monotonic clock, until which it may.

        Raises:
            sqlalchemy.exc.TimeoutError: as `held`.

        """
        if self._process != os.getpid():  # a fork copied the lock, perhaps while it was held
            self._threads, self._process = threading.Lock(), os.getpid()
        until = time.monotonic() + WAIT_SECONDS
        threads = self._threads
        if not threads.acquire(timeout=WAIT_SECONDS):
            raise Busy("The database is busy: other threads of this process are writing.")
        try:
            yield until
        finally:
            threads.release()

    @contextmanager
    def of_processes(self, until: float) -> Iterator[None]:
        """Be the one process that writes.

        Raises:
            sqlalchemy.exc.TimeoutError: when the others hold the file until then.

        """
        try:
            file = os.open(self.path, FLAGS, 0o600)
        except OSError:  # `flask doctor` says so
            yield
            return
        try:
            _wait(file, until)
            yield
        finally:
            # Closing alone would not release it while a child, just forked, still has a copy.
            fcntl.flock(file, fcntl.LOCK_UN)
            os.close(file)


def _wait(file: int, until: float) -> None:
    pause = POLL_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise Busy("The database is busy: another process is writing.") from None
            time.sleep(pause)
            pause = min(pause * 1.3, MAX_POLL_SECONDS)
        else:
            return
