"""An entry that could not be written is written by a repair, without any request."""

import time
from collections.abc import Callable

import pytest

from app.families.models import RevokedFamily
from app.infra import redis
from app.infra.database import Database
from app.services import Services
from tests.support.app import repairs
from tests.support.clock import NOW, SettableClock
from tests.support.databases import one_database
from tests.support.log import Log
from tests.support.processes import wait_until
from tests.support.servers.valkey import ValkeyServer
from tests.unit.families.worker import RIGHT, Worker, on_statement, read_marker

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


def fail_to_deny(process: Services, valkey: ValkeyServer, family_id: str = "a") -> None:
    """Have an entry refused, as by a Redis without memory."""
    fill(valkey)
    try:
        assert not process.denylist.deny([RevokedFamily(family_id, NOW)])
    finally:
        make_room(valkey)


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
    for _ in range(2):
        family = worker.revoke_and_die()
        fail_to_deny(worker.services, worker.valkey, family.family_id)
        finish_repair()
        clock.forward(1)  # Redis is asked again
        assert worker.verdicts(family) == RIGHT
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
    process: Services, evicting: ValkeyServer
) -> None:
    """An answer of Redis is not enough: the list must be written under a marker."""
    evicting.client.config_resetstat()
    fail_to_deny(process, evicting)
    wait_until(
        lambda: (
            evicting.client.info("commandstats").get("cmdstat_time", {"calls": 0})["calls"] > 2
        ),
        what="a third attempt",
    )
    assert repairs()
    evicting.client.config_set("maxmemory-policy", "noeviction")
    finish_repair()
    sync = process.denylist_sync
    assert sync.vouch(read_marker(evicting), sync.trusted)[0]


def test_a_repair_goes_on_when_a_flush_took_what_it_wrote(
    process: Services, valkey: ValkeyServer
) -> None:
    flushes = [valkey.flush, valkey.flush]
    on_statement(process.database, lambda _: flushes and flushes.pop()())
    fail_to_deny(process, valkey)
    finish_repair()
    assert flushes == []
    sync = process.denylist_sync
    assert sync.vouch(read_marker(valkey), sync.trusted)[0]


def test_a_repair_ends_with_the_list_that_it_wrote(
    process: Services, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not pause and check once more."""
    monkeypatch.setattr(redis, "REDIS_BACKOFF_SECONDS", 3600.0)
    sync = process.denylist_sync
    sync._outage.mark_redis_down(ConnectionError())  # noqa: SLF001 - one part of the process
    sync._repair.start()  # noqa: SLF001 - as the command that failed does
    finish_repair()
    assert sync.vouch(read_marker(valkey), sync.trusted)[0]


def test_a_repair_has_nothing_to_do_where_a_request_was_quicker(
    process: Services, valkey: ValkeyServer, statements: list[str]
) -> None:
    sync = process.denylist_sync
    sync.check_for_loss()
    assert sync.vouch(read_marker(valkey), sync.trusted)[0]
    statements.clear()
    sync._repair.start()  # noqa: SLF001 - as the command that failed does
    finish_repair()
    assert statements == []
