import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as Busy

from app.infra import write_lock
from app.infra.database import Database
from tests.support.processes import wait_until

THREADS = 12


class Notes:
    """A table of numbers, each once, and what was done to it."""

    def __init__(self, url: str) -> None:
        self.database = Database(url, threads=THREADS)
        self.commits: list[str] = []
        self.runs: list[int] = []
        with self.database.transaction() as connection:
            connection.execute(text("CREATE TABLE IF NOT EXISTS notes (n INTEGER PRIMARY KEY, s)"))
        event.listen(self.database.engine, "commit", lambda _: self.commits.append("commit"))

    @property
    def stored(self) -> set[int]:
        """The numbers that another connection sees."""
        return self.database.read(
            lambda c: {row.n for row in c.execute(text("SELECT n FROM notes"))}
        )

    def add(self, n: int, size: int = 1) -> int:
        """Write one statement; return ten times `n`."""
        return self.database.write(self._insert, n, size)

    def _insert(self, connection: Connection, n: int, size: int) -> int:
        self.runs.append(n)
        connection.execute(
            text("INSERT INTO notes VALUES (:n, zeroblob(:size))"), {"n": n, "size": size}
        )
        return 10 * n


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Notes]:
    notes = Notes(f"sqlite:///{tmp_path}/notes.db")
    yield notes
    notes.database.engine.dispose()


@contextmanager
def together(notes: Notes, *calls: Callable[[], int]) -> Iterator[list[Future[int]]]:
    """Have all calls wait for the write lock before the first runs; return their results."""
    queue = notes.database._group._queue  # type: ignore[union-attr]  # noqa: SLF001 - who waits
    with ThreadPoolExecutor(THREADS) as pool:
        with notes.database.turn():
            futures = [pool.submit(call) for call in calls]
            wait_until(lambda: len(queue) == len(calls), what="the queue")
        yield futures


def test_all_that_wait_are_one_commit_and_each_gets_its_result(notes: Notes) -> None:
    with together(notes, *(partial(notes.add, n) for n in range(THREADS))) as futures:
        assert [one.result() for one in futures] == [10 * n for n in range(THREADS)]
    assert notes.commits == ["commit"]
    assert notes.stored == set(range(THREADS))


def test_alone_a_statement_needs_no_transaction(notes: Notes) -> None:
    assert notes.add(7) == 70
    assert notes.commits == []
    assert notes.stored == {7}


def test_a_statement_that_fails_fails_alone(notes: Notes) -> None:
    notes.add(1)
    with together(notes, *(partial(notes.add, n) for n in range(6))) as futures:
        with pytest.raises(IntegrityError):
            futures[1].result()
        assert [futures[n].result() for n in (0, 2, 3, 4, 5)] == [0, 20, 30, 40, 50]
    assert notes.stored == set(range(6))


def test_a_full_disk_fails_only_what_does_not_fit(notes: Notes) -> None:
    """SQLite rolls back the whole transaction, and what fits is written again."""
    for connection in [notes.database.engine.connect() for _ in range(THREADS)]:
        connection.exec_driver_sql("PRAGMA max_page_count=20")
        connection.close()
    calls = [partial(notes.add, 1), partial(notes.add, 2, 1_000_000), partial(notes.add, 3)]
    with together(notes, *calls) as futures:
        with pytest.raises(OperationalError, match="full"):
            futures[1].result()
        assert [futures[0].result(), futures[2].result()] == [10, 30]
    assert notes.stored == {1, 3}


def test_a_commit_that_fails_is_not_tried_again(notes: Notes) -> None:
    """Nobody can know whether it reached the disk."""

    def fail(_connection: Connection) -> None:
        raise OSError("the disk is gone")

    event.listen(notes.database.engine, "commit", fail)
    with together(notes, *(partial(notes.add, n) for n in range(4))) as futures:
        for one in futures:
            with pytest.raises(OSError, match="the disk is gone"):
                one.result()
    assert sorted(notes.runs) == [0, 1, 2, 3]
    assert notes.stored == set()


def test_another_writer_is_waited_for_once(notes: Notes) -> None:
    """Another program holds SQLite's own lock: every caller is told so, and no statement ran."""
    path = str(notes.database.engine.url.database)
    for connection in [notes.database.engine.connect() for _ in range(THREADS)]:
        connection.exec_driver_sql("PRAGMA busy_timeout=200")
        connection.close()
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with together(notes, *(partial(notes.add, n) for n in range(8))) as futures:
            for one in futures:
                with pytest.raises(OperationalError, match="locked"):
                    one.result()
        assert notes.runs == []
        other.execute("ROLLBACK")
    other.close()
    assert notes.add(1) == 10


def test_who_waited_too_long_is_not_written_later(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller that got "busy" may try again: the first attempt must not follow."""
    monkeypatch.setattr(write_lock, "WAIT_SECONDS", 0.1)
    with notes.database.turn(), ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(notes.add, n) for n in (1, 2)]:
            with pytest.raises(Busy):
                one.result()
    notes.add(3)
    assert notes.stored == {3}


def test_who_is_taken_at_the_last_moment_waits_for_the_result(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their time ends while another thread writes for them."""
    monkeypatch.setattr(write_lock, "WAIT_SECONDS", 2)
    slow, begun = threading.Event(), threading.Event()

    def hold(_connection: Connection) -> int:
        begun.set()
        assert slow.wait(30)
        return 0

    others = (partial(notes.add, n) for n in (1, 2, 3))
    with together(notes, partial(notes.database.write, hold), *others) as futures:
        assert begun.wait(30)
        time.sleep(2.2)
        assert not any(one.done() for one in futures)
        slow.set()
        assert [one.result() for one in futures] == [0, 10, 20, 30]
    assert notes.stored == {1, 2, 3}


def test_a_child_writes_nothing_of_its_parent(notes: Notes) -> None:
    """A fork copies the queue, and the parent runs its statements."""
    with together(notes, partial(notes.add, 1), partial(notes.add, 2)) as futures:
        pass
    group = notes.database._group  # noqa: SLF001 - as copied
    assert group
    group._queue.append(futures)  # type: ignore[arg-type]  # noqa: SLF001 - would fail when run
    group._pid = 0  # noqa: SLF001
    assert notes.add(3) == 30
    assert notes.stored == {1, 2, 3}
    assert group._pid == os.getpid()  # noqa: SLF001
