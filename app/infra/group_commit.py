"""Commit the waiting statements of all threads together, on SQLite; `database` calls this.

A commit waits for the disk, and passing the write lock from thread to thread costs more than most
statements. The thread that gets the lock therefore runs the statements of all waiting threads in
one transaction and commits once. `write` returns only after that commit is on the disk.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import TimeoutError as Busy

from app.infra.write_lock import WriteLock

T = TypeVar("T")
Connect = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True, eq=False)
class PendingWrite(Generic[T]):
    """A statement that waits to be run by some thread; `future` gets its result or its error."""

    work: Callable[[Connection], T]
    future: Future[T] = field(default_factory=Future)


class GroupRolledBack(Exception):
    """One of several statements failed, and their common transaction was rolled back."""


class GroupCommit:
    """Writes to one SQLite file under its write lock. Safe to share between threads."""

    def __init__(self, begin: Connect, autocommit: Connect, lock: WriteLock) -> None:
        """Write in a transaction of `begin`, or alone on a connection of `autocommit`."""
        self._begin: Final = begin
        self._autocommit: Final = autocommit
        self._lock: Final = lock
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._queue: deque[PendingWrite[Any]] = deque()

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work`, which executes ONE statement; return its result after the commit.

        When another statement of the same transaction fails, all are rolled back and each runs
        again by itself, so that no caller gets the error of another's statement.

        Raises:
            sqlalchemy.exc.TimeoutError: when the write lock was not free within `WAIT_SECONDS`.
                The statement has not run and will not.

        """
        if self._pid != os.getpid():
            self._reset()  # a fork copies the queue, but the parent runs its statements
        pending = PendingWrite(work)
        self._queue.append(pending)
        try:
            with self._lock.thread_lock() as deadline:
                if not pending.future.done():
                    with self._lock.file_lock(deadline):
                        self._run_queue()
        except Busy:
            with suppress(ValueError):  # another thread has just taken it from the queue
                self._queue.remove(pending)
                raise
        return pending.future.result()

    def _run_queue(self) -> None:
        """Run the queue in one transaction; if that fails, each statement by itself."""
        group: list[PendingWrite[Any]] = []
        with suppress(IndexError):
            while True:
                group.append(self._queue.popleft())
        if len(group) > 1:
            with suppress(GroupRolledBack):
                self._run(group, self._begin)
                return
        for pending in group:
            self._run([pending], self._autocommit)

    def _run(self, group: Sequence[PendingWrite[Any]], connect: Connect) -> None:
        try:
            with connect() as connection:
                try:
                    results = [pending.work(connection) for pending in group]
                except Exception as error:
                    if len(group) > 1:
                        raise GroupRolledBack from error
                    raise
        except GroupRolledBack:
            raise
        except BaseException as error:  # noqa: BLE001 - raised in the threads that wait
            # Either nothing has run, or everything has and the commit failed. Do not repeat it:
            # if a rotation was committed after all, its repetition would look like reuse.
            for pending in group:
                pending.future.set_exception(error)
        else:
            for pending, result in zip(group, results, strict=True):
                pending.future.set_result(result)
