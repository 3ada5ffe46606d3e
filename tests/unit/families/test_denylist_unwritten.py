"""An entry that could not be written is written by a repair, without any request."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.infra import redis
from app.infra.database import Database
from tests.support.app import repairs
from tests.support.clock import SettableClock
from tests.support.databases import one_database
from tests.support.log import Log
from tests.support.processes import wait_until
from tests.support.servers.valkey import ValkeyServer
from tests.unit.families.worker import RIGHT, Worker, on_statement

pytestmark = one_database

UNREACHABLE = "redis unreachable, asking the database: ConnectionError"


def fill(valkey: ValkeyServer) -> None:
    valkey.client.config_set("maxmemory", 1)


def make_room(valkey: ValkeyServer) -> None:
    valkey.client.config_set("maxmemory", 0)


def demote(valkey: ValkeyServer) -> None:
    """Make it the replica of a server that is gone."""
    valkey.client.replicaof("127.0.0.1", 1)


def promote(valkey: ValkeyServer) -> None:
    valkey.client.replicaof("NO", "ONE")


def fail_to_deny(worker: Worker) -> None:
    """Have an entry refused, as by a Redis without memory."""
    fill(worker.valkey)
    try:
        assert not worker.deny()
    finally:
        make_room(worker.valkey)


def finish_repair() -> None:
    wait_until(lambda: not repairs(), what="the end of the repair")


@pytest.mark.parametrize(
    ("hinder", "mend"),
    [(fill, make_room), (demote, promote), (ValkeyServer.stop, ValkeyServer.start)],
    ids=["out-of-memory", "read-only", "stopped"],
)
def test_an_entry_that_could_not_be_written_is_not_forgotten(
    worker: Worker,
    clock: SettableClock,
    hinder: Callable[[ValkeyServer], None],
    mend: Callable[[ValkeyServer], None],
) -> None:
    worker.warm_up()
    worker.delete_entry(worker.revoked)
    hinder(worker.valkey)
    assert worker.deny() is False
    for _ in range(3):
        assert worker.verdicts() == RIGHT
        clock.forward(2)
    mend(worker.valkey)
    wait_until(lambda: worker.has_entry(worker.revoked), what="the entry, without any request")
    finish_repair()
    assert worker.verdicts() == RIGHT


def test_a_second_entry_that_could_not_be_written_is_not_forgotten_either(
    worker: Worker, clock: SettableClock, log: Log
) -> None:
    """On the connection that was trusted again after the first."""
    worker.warm_up()
    for revoked in (worker.revoked, worker.revoke_and_die()):
        fail_to_deny(replace(worker, revoked=revoked))
        finish_repair()
        clock.forward(1)  # Redis is asked again
        assert worker.verdicts(revoked) == RIGHT
    assert log.lines()[0] == "redis unreachable, asking the database: OutOfMemoryError"


def test_one_repair_at_a_time_which_logs_once_a_minute(
    worker: Worker, clock: SettableClock, log: Log
) -> None:
    worker.warm_up()
    worker.delete_entry(worker.revoked)
    worker.valkey.stop()
    for _ in range(5):
        assert worker.deny() is False
    wait_until(lambda: len(repairs()) == 1, what="one repair")
    assert all(thread.daemon for thread in repairs())  # none holds up the worker's end
    clock.forward(60)
    wait_until(lambda: len(log.lines()) == 2, what="the repair's own line")
    assert log.lines() == [UNREACHABLE] * 2
    worker.valkey.start()
    wait_until(lambda: worker.has_entry(worker.revoked), what="the entry")


def test_a_repair_waits_for_the_database_too(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.warm_up()
    worker.delete_entry(worker.revoked)
    worker.valkey.stop()
    nowhere = Database("sqlite:////nowhere/latchkey.db")
    with monkeypatch.context() as patched:
        patched.setattr(worker.services.denylist_sync._entries, "_database", nowhere)  # noqa: SLF001 - nothing else cuts one thread off
        worker.deny()
        worker.valkey.start()
        time.sleep(0.1)
        assert repairs()
        assert not worker.has_entry(worker.revoked)
    wait_until(lambda: worker.has_entry(worker.revoked), what="the entry")


def test_a_repair_goes_on_while_redis_is_not_trusted(
    worker: Worker, evicting: ValkeyServer
) -> None:
    """An answer of Redis is not enough: the list must be written under a marker."""
    evicting.client.config_resetstat()
    fail_to_deny(worker)
    wait_until(
        lambda: (
            evicting.client.info("commandstats").get("cmdstat_time", {"calls": 0})["calls"] > 2
        ),
        what="a third attempt",
    )
    assert repairs()
    evicting.client.config_set("maxmemory-policy", "noeviction")
    finish_repair()
    assert worker.vouched(worker.marker())[0]


def test_a_repair_goes_on_when_a_flush_took_what_it_wrote(worker: Worker) -> None:
    flushes = [worker.valkey.flush] * 2
    on_statement(worker.services.database, lambda _: flushes and flushes.pop()())
    fail_to_deny(worker)
    finish_repair()
    assert flushes == []
    assert worker.vouched(worker.marker())[0]


def test_a_repair_ends_with_the_list_that_it_wrote(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not pause and check once more."""
    monkeypatch.setattr(redis, "REDIS_BACKOFF_SECONDS", 3600.0)
    worker.sync._outage.mark_redis_down(ConnectionError())  # noqa: SLF001 - one part of the process
    worker.sync._repair.start()  # noqa: SLF001 - as the command that failed does
    finish_repair()
    assert worker.vouched(worker.marker())[0]


def test_a_repair_has_nothing_to_do_where_a_request_was_quicker(
    worker: Worker, statements: list[str]
) -> None:
    worker.sync.check_for_loss()
    assert worker.vouched(worker.marker())[0]
    statements.clear()
    worker.sync._repair.start()  # noqa: SLF001 - as the command that failed does
    finish_repair()
    assert statements == []
