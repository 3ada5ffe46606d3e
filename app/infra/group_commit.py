"""One transaction for all the single statements of a process that wait to write to SQLite.

A commit waits for the disk, and to hand the write lock from thread to thread costs more than most
statements do. So whoever gets the lock runs every statement that waits, and commits once. Nobody
is answered before that commit is on the disk.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import TimeoutError as Busy

from app.infra.write_lock import WriteLock

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Waiting(Generic[T]):
    """A statement that waits for its turn; its result, or its error, is in `future`."""

    work: Callable[[Connection], T]
    future: Future[T] = field(default_factory=Future)


class Undone(Exception):
    """A statement of several failed, and the transaction with it."""


class GroupCommit:
    """Writes to one SQLite file, in the turns of its write lock."""

    def __init__(self, engine: Engine, lock: WriteLock) -> None:
        """Write through `engine`, whose option `alone` means a statement without transaction."""
        self._engine: Final = engine
        self._alone: Final = engine.execution_options(alone=True)
        self._lock: Final = lock
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._queue: deque[Waiting[Any]] = deque()

    def write(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns, once its ONE statement is committed.

        When a statement of the same transaction fails, all of them are undone and each runs once
        more, alone: nobody gets another's error.

        Raises:
            sqlalchemy.exc.TimeoutError: when its turn did not come within `WAIT_SECONDS`. It has
                not run then, and will not.

        """
        if self._pid != os.getpid():
            self._begin()  # a fork copies statements that the parent runs
        mine = Waiting(work)
        self._queue.append(mine)
        try:
            with self._lock.of_threads() as until:
                if not mine.future.done():
                    with self._lock.of_processes(until):
                        self._run()
        except Busy:
            with suppress(ValueError):  # taken at the last moment: it runs
                self._queue.remove(mine)
                raise
        return mine.future.result()

    def _run(self) -> None:
        """Run all that wait: in one transaction, or each alone when one of several fails."""
        group: list[Waiting[Any]] = []
        with suppress(IndexError):
            while True:
                group.append(self._queue.popleft())
        if len(group) > 1:
            with suppress(Undone):
                self._settle(group, self._engine.begin)
                return
        for one in group:
            self._settle([one], self._alone.connect)

    def _settle(self, group: Sequence[Waiting[Any]], opened: Callable[[], Any]) -> None:
        try:
            with opened() as connection:
                results = _results(connection, group)
        except Undone:
            raise
        except BaseException as error:  # noqa: BLE001 - it is the callers'
            # Nothing has run, or all of it has and the commit failed. To run it again would not
            # be safe: a rotation that did commit would look like the use of a spent token.
            for one in group:
                one.future.set_exception(error)
        else:
            for one, result in zip(group, results, strict=True):
                one.future.set_result(result)


def _results(connection: Connection, group: Sequence[Waiting[Any]]) -> list[Any]:
    try:
        return [one.work(connection) for one in group]
    except Exception as error:
        if len(group) > 1:
            raise Undone from error
        raise
