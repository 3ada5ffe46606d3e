"""A fair lock for the writers of a SQLite file; `database` and `group_commit` take it.

SQLite allows one writer at a time. A writer that has to wait sleeps for up to 100 ms before it
tries again, and later writers overtake it: under load the slowest wait for a second, and some time
out. With this lock, the threads of a process queue for a lock in memory, and only the first of
them tries every millisecond to lock a file beside the database.

The lock is for fairness only; SQLite's lock keeps writers apart. A process that cannot open the
lock file (a folder that it may not write, a file of another user) still writes correctly and
waits in SQLite's way. The kernel releases the lock of a process that dies.
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
    """The lock of one SQLite file, for the threads of all processes on this host."""

    def __init__(self, database: str) -> None:
        """Lock the file at the path `database`, through a lock file of that name and `.lock`."""
        self.path: Final = f"{database}.lock"
        self._threads = threading.Lock()
        self._process = os.getpid()

    def usable(self) -> bool:
        """Return whether this process can open the lock file."""
        try:
            os.close(os.open(self.path, FLAGS, 0o600))
        except OSError:
            return False
        return True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock inside the `with` block.

        Raises:
            sqlalchemy.exc.TimeoutError: when the lock is not free within `WAIT_SECONDS`.

        """
        with self.thread_lock() as deadline, self.file_lock(deadline):
            yield

    @contextmanager
    def thread_lock(self) -> Iterator[float]:
        """Hold the lock among the threads of this process.

        Yields the monotonic time until which the thread may wait for `file_lock`.

        Raises:
            sqlalchemy.exc.TimeoutError: when no thread releases it within `WAIT_SECONDS`.

        """
        if self._process != os.getpid():  # a fork copied the lock, perhaps while it was held
            self._threads, self._process = threading.Lock(), os.getpid()
        deadline = time.monotonic() + WAIT_SECONDS
        threads = self._threads
        if not threads.acquire(timeout=WAIT_SECONDS):
            raise Busy("The database is busy: other threads of this process are writing.")
        try:
            yield deadline
        finally:
            threads.release()

    @contextmanager
    def file_lock(self, deadline: float) -> Iterator[None]:
        """Hold the lock among processes, or nothing when the lock file cannot be opened.

        Raises:
            sqlalchemy.exc.TimeoutError: when another process holds it until `deadline`.

        """
        try:
            file = os.open(self.path, FLAGS, 0o600)
        except OSError:  # `flask doctor` reports this
            yield
            return
        try:
            _lock_file(file, deadline)
            yield
        finally:
            # Closing the file would not unlock it while a child forked meanwhile has it open.
            fcntl.flock(file, fcntl.LOCK_UN)
            os.close(file)


def _lock_file(file: int, deadline: float) -> None:
    pause = POLL_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Busy("The database is busy: another process is writing.") from None
            time.sleep(pause)
            pause = min(pause * 1.3, MAX_POLL_SECONDS)
        else:
            return
