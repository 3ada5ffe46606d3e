import threading
import time

import pytest

from app.families.denylist_repair import Repair
from app.infra import redis
from tests.support.app import repairs
from tests.support.processes import wait_until


@pytest.fixture
def rests(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long a repair rests; no time passes."""
    rested: list[float] = []
    monkeypatch.setattr(time, "sleep", rested.append)
    return rested


def finish() -> None:
    for thread in repairs():
        thread.join(timeout=10)
    assert not repairs()


def test_a_repair_is_repeated_until_it_succeeds(rests: list[float]) -> None:
    """It pauses between attempts as requests do, and not after the last one."""
    answers = [True, False, False]
    Repair(answers.pop).start()
    finish()
    assert answers == []
    assert rests == [redis.REDIS_BACKOFF_SECONDS] * 2


def test_the_next_failure_is_repaired_too(rests: list[float]) -> None:
    attempts: list[bool] = []

    def attempt() -> bool:
        attempts.append(True)
        return True

    repair = Repair(attempt)
    for number in (1, 2, 3):
        repair.start()
        finish()
        assert len(attempts) == number
    assert rests == []


def test_one_thread_repairs_however_many_entries_fail() -> None:
    attempts, mended = [], threading.Event()

    def attempt() -> bool:
        attempts.append(threading.current_thread())
        return mended.wait(10)

    repair = Repair(attempt)
    repair.start()
    wait_until(lambda: attempts != [], what="the first attempt")
    for _ in range(5):
        repair.start()
    wait_until(lambda: len(repairs()) == 1, what="the end of the others")
    assert repairs() == attempts
    assert repairs()[0].daemon, "otherwise the worker's end would wait for it"
    mended.set()
    finish()
    assert len(attempts) == 1


def test_a_repair_that_fails_unexpectedly_does_not_keep_the_next_one_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reported: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: reported.append(args.exc_value))
    errors: list[Exception] = [ValueError("unexpected")]

    def attempt() -> bool:
        if errors:
            raise errors.pop()
        return True

    repair = Repair(attempt)
    for _ in range(2):
        repair.start()
        finish()
    assert [str(error) for error in reported] == ["unexpected"]
