import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import TimeoutError as Busy

from app.accounts import queries as accounts
from app.infra import write_lock
from app.infra.database import Database
from app.infra.write_lock import WriteLock
from tests.support.at_once import at_once
from tests.support.clock import NOW
from tests.support.factories import a_user
from tests.support.processes import wait_until

HOLD = """
import fcntl, os, sys, time
fcntl.flock(os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600), fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def lock(tmp_path: Path) -> WriteLock:
    return WriteLock(str(tmp_path / "latchkey.db"))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_lock, "WAIT_SECONDS", 0.2)


@pytest.fixture
def holder(lock: WriteLock) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, lock.path], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_threads_and_processes_write_one_at_a_time(lock: WriteLock) -> None:
    inside, most = [], []

    def work(mine: WriteLock) -> None:
        for _ in range(20):
            with mine.held():
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.0005)
                inside.pop()

    other = WriteLock(lock.path.removesuffix(".lock"))
    at_once(6, lambda number: work((lock, other)[number % 2]))
    assert (len(most), max(most)) == (120, 1)


def test_the_file_is_its_owners_alone(lock: WriteLock) -> None:
    before = os.umask(0)
    try:
        with lock.held():
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE(Path(lock.path).stat().st_mode) == 0o600


@pytest.mark.usefixtures("impatient", "holder")
def test_another_process_is_not_waited_for_for_ever(lock: WriteLock) -> None:
    """It may have been stopped while it held the lock."""
    with pytest.raises(Busy, match="another process"), lock.held():
        raise AssertionError


@pytest.mark.usefixtures("impatient")
def test_another_thread_is_not_waited_for_for_ever(lock: WriteLock) -> None:
    refused: list[str] = []

    def second() -> None:
        with pytest.raises(Busy, match="other threads") as said, lock.held():
            raise AssertionError
        refused.append(str(said.value))

    thread = threading.Thread(target=second)
    with lock.held():
        thread.start()
        thread.join()
    assert len(refused) == 1
    with lock.held():
        pass


def test_a_killed_holder_lets_go(lock: WriteLock, holder: subprocess.Popen[str]) -> None:
    """The kernel releases the lock of a process that ends."""
    got = threading.Event()

    def wait() -> None:
        with lock.held():
            got.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not got.wait(0.1)
    holder.send_signal(signal.SIGKILL)
    wait_until(got.is_set, what="the lock")
    thread.join()


def test_a_child_forked_meanwhile_can_write(lock: WriteLock) -> None:
    """The thread that would release the copied lock is not in the child."""
    with lock.held():
        child = os.fork()
        if not child:  # pragma: no cover - in another process
            try:
                wait = time.monotonic() + 30
                with lock.held():
                    os._exit(0 if time.monotonic() < wait else 1)
            finally:
                os._exit(2)
        time.sleep(0.05)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with lock.held():
        pass


def test_without_the_file_writers_are_still_let_in(tmp_path: Path) -> None:
    lock = WriteLock(str(tmp_path / "nowhere" / "latchkey.db"))
    with lock.held():
        pass
    link = tmp_path / "other.db.lock"
    link.symlink_to(tmp_path / "precious")
    with WriteLock(str(tmp_path / "other.db")).held():
        pass
    assert not (tmp_path / "precious").exists()


def test_only_writers_queue(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_lock, "WAIT_SECONDS", 0.1)
    database, other = Database(sqlite_url), Database(sqlite_url)
    user = a_user(database)
    with other.turn():
        assert database.read(accounts.find, user.id) == user
        for way in (database.write, database.transact):
            with pytest.raises(Busy):
                way(accounts.disable, user.id, NOW)
        assert database.read(accounts.find, user.id) == user
    for way in (database.write, database.transact):
        way(accounts.disable, user.id, NOW)
    database.engine.dispose()
    other.engine.dispose()


def test_the_pool_is_as_large_as_asked_and_no_larger(database_url: str) -> None:
    database, opened = Database(database_url, threads=8), []
    event.listen(database.engine, "connect", lambda *_: opened.append(1))
    together = threading.Barrier(8)

    def work(_number: int) -> None:
        for _ in range(5):
            with database.autocommit() as connection:
                connection.execute(text("SELECT 1"))
                together.wait(10)

    at_once(8, work)
    assert len(opened) == 8
    database.engine.dispose()


def test_a_fork_does_not_wait_for_a_thread_that_it_has_not(
    lock: WriteLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock._threads.acquire()  # noqa: SLF001 - as copied
    monkeypatch.setattr(lock, "_process", 0)
    with lock.held():
        pass
