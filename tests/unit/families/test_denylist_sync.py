from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from app.families import denylist_sync as module
from app.families.models import RevokedFamily
from app.infra import redis
from app.services import Services, build, denylist_keys
from tests.support.app import repairs, settle
from tests.support.clock import NOW, SettableClock
from tests.support.factories import a_family, a_user
from tests.support.processes import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.families.denylist_sync import DenylistSync
    from config import Settings
    from tests.support.log import Log
    from tests.support.servers.valkey import ValkeyServer

OF_ANOTHER_SERVER = b"abc.1799999000.of-another-server"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Run once: the statements behind the denylist are tested on both databases elsewhere."""
    return sqlite_url


@pytest.fixture
def process(
    settings: Settings,
    clock: SettableClock,
    valkey: ValkeyServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Services]:
    """Give one process's own parts; its repairs rest for a moment only."""
    monkeypatch.setattr(redis, "REDIS_BACKOFF_SECONDS", 0.02)
    own = build(settings, clock)
    yield own
    settle(own, valkey)


@pytest.fixture
def sync(process: Services) -> DenylistSync:
    return process.denylist_sync


@pytest.fixture
def evicting(valkey: ValkeyServer) -> Iterator[ValkeyServer]:
    """Give a Redis that is not believed, because it evicts; a test may end that."""
    valkey.client.config_set("maxmemory-policy", "allkeys-lru")
    yield valkey
    valkey.make_sound()
    valkey.client.config_set("maxmemory-policy", "noeviction")


def marker(process: Services, valkey: ValkeyServer) -> bytes:
    """Read the marker as a look-up does."""
    return str(valkey.client.get(denylist_keys(process.settings).marker)).encode()


def commands(valkey: ValkeyServer) -> set[str]:
    """Read which commands Redis got since its counts were reset."""
    names = valkey.client.info("commandstats")
    return {name.removeprefix("cmdstat_") for name in names} - {"config|resetstat", "info"}


def on_statement(process: Services, act: Callable[[], object]) -> None:
    """Have `act` called before each statement that reaches the database."""
    event.listen(process.database.engine, "before_cursor_execute", lambda *_: act())


def test_a_missing_entry_counts_once_the_list_is_written(
    process: Services, sync: DenylistSync, valkey: ValkeyServer
) -> None:
    """The look-up that has it written is too early to count itself."""
    assert sync.vouch(None, sync.trusted) == (False, NOW)
    assert sync.vouch(marker(process, valkey), sync.trusted) == (True, NOW)
    assert sync.vouch(None, sync.trusted) == (False, NOW)


def test_the_age_of_the_memory_is_that_of_its_marker(
    process: Services, sync: DenylistSync, valkey: ValkeyServer, clock: SettableClock
) -> None:
    """A process that starts later forgets nothing; it finds the others' marker."""
    sync.check_for_loss()
    clock.forward(1000)
    later = build(process.settings, clock)
    assert later.denylist_sync.vouch(marker(process, valkey), later.denylist_sync.trusted) == (
        False,
        NOW,
    )
    assert later.denylist_sync.vouch(marker(process, valkey), later.denylist_sync.trusted) == (
        True,
        NOW,
    )
    settle(later, valkey)


def test_the_first_nonce_is_newer_than_the_memory_of_redis(
    process: Services, clock: SettableClock
) -> None:
    """Its proof would otherwise be refused, because it may have been used before."""
    made = process.nonces.made_at(process.nonce(), clock.now())
    assert made is not None
    assert not process.nonces.is_outdated(made, NOW)


def test_redis_is_looked_at_before_the_first_nonce_alone(
    process: Services, sync: DenylistSync, valkey: ValkeyServer
) -> None:
    """Each later nonce costs no command; nor does the first one after a look-up."""
    for begin in (process.nonce, lambda: sync.vouch(None, sync.trusted)):
        sync.checked = False
        begin()
        valkey.client.config_resetstat()
        process.nonce()
        assert commands(valkey) == set()


def test_a_redis_that_was_away_at_the_first_nonce_is_not_looked_at_for_each(
    process: Services,
    valkey: ValkeyServer,
    clock: SettableClock,
    log_of: Callable[[str], Log],
) -> None:
    """Whoever sends bad proofs would otherwise have the worker wait for it again and again."""
    log = log_of("latchkey.denylist")
    valkey.stop()
    for _ in range(3):
        process.nonce()
        clock.forward(2)
    assert process.denylist_sync._outage.failures == 1  # noqa: SLF001 - shows nowhere else
    assert log.lines() == ["redis unreachable, asking the database: ConnectionError"]


def test_while_one_thread_writes_the_list_the_others_do_not_wait(
    process: Services, sync: DenylistSync
) -> None:
    """They ask the database, and take the memory to be as old as the marker they read."""
    reading, go_on = threading.Event(), threading.Event()

    def pause() -> None:
        reading.set()
        assert go_on.wait(10)

    on_statement(process, pause)
    writer = threading.Thread(target=sync.check_for_loss)
    writer.start()
    assert reading.wait(10)
    answers: list[object] = []
    other = threading.Thread(
        target=lambda: answers.append(sync.vouch(OF_ANOTHER_SERVER, sync.trusted))
    )
    other.start()
    other.join(10)
    go_on.set()
    writer.join(10)
    assert answers == [(False, 1_799_999_000)]


def test_a_redis_that_is_not_believed_is_asked_again_after_ten_seconds(
    process: Services, sync: DenylistSync, evicting: ValkeyServer, clock: SettableClock
) -> None:
    """Until then no request pays for the question; after it is mended it is believed again."""
    assert sync.vouch(OF_ANOTHER_SERVER, sync.trusted) == (False, 1_799_999_000)
    evicting.client.config_set("maxmemory-policy", "noeviction")
    evicting.client.config_resetstat()
    for passed in (0, module.REVIEW_SECONDS - 1):
        clock.forward(passed)
        assert sync.vouch(None, sync.trusted)[0] is False
    assert commands(evicting) == set()
    clock.forward(1)
    sync.vouch(None, sync.trusted)
    assert sync.vouch(marker(process, evicting), sync.trusted)[0]


def test_a_redis_that_evicts_meanwhile_is_believed_no_more(
    process: Services, sync: DenylistSync, valkey: ValkeyServer, clock: SettableClock
) -> None:
    """At the next review, even though marker and connections are the same."""
    sync.check_for_loss()
    found = marker(process, valkey)
    assert sync.vouch(found, sync.trusted)[0]
    valkey.client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        clock.forward(module.REVIEW_SECONDS)
        for _ in range(2):
            assert not sync.vouch(found, sync.trusted)[0]
    finally:
        valkey.client.config_set("maxmemory-policy", "noeviction")


def test_entries_are_written_without_a_transaction(
    process: Services, sync: DenylistSync, valkey: ValkeyServer
) -> None:
    """A thousand entries at once do not hold up the commands of others."""
    valkey.client.config_resetstat()
    assert sync.deny([RevokedFamily("a", NOW), RevokedFamily("b", NOW)])
    a_family(process.database, a_user(process.database), revoked_at=NOW)
    sync.check_for_loss()
    assert commands(valkey) >= {"set", "get"}
    assert not commands(valkey) & {"multi", "exec"}


def test_a_request_under_way_keeps_its_connection_when_the_others_are_let_go(
    process: Services, sync: DenylistSync
) -> None:
    """Another thread may be waiting for an answer on it."""
    sync.check_for_loss()
    pool = process.redis.connection_pool
    busy = pool.get_connection()
    sync.vouch(OF_ANOTHER_SERVER, sync.trusted)
    busy.send_command("PING")  # type: ignore[no-untyped-call]
    assert busy.read_response() == b"PONG"
    pool.release(busy)


def test_a_failed_command_has_the_list_written_again(
    process: Services, sync: DenylistSync, valkey: ValkeyServer
) -> None:
    """It may have been an entry, whatever the marker says."""
    sync.check_for_loss()
    found = marker(process, valkey)
    assert sync.vouch(found, sync.trusted)[0]
    process.denylist_sync._outage.mark_redis_down(ConnectionError())  # noqa: SLF001 - one part
    assert not sync.vouch(found, sync.trusted)[0]
    assert sync.vouch(found, sync.trusted)[0]


# -- the repair ----------------------------------------------------------------------------


def fail_to_deny(sync: DenylistSync, valkey: ValkeyServer) -> None:
    """Have an entry refused, as by a Redis without memory."""
    valkey.client.config_set("maxmemory", 1)
    try:
        assert not sync.deny([RevokedFamily("a", NOW)])
    finally:
        valkey.client.config_set("maxmemory", 0)


def test_a_repair_goes_on_while_redis_is_not_believed(
    process: Services, sync: DenylistSync, evicting: ValkeyServer
) -> None:
    """It ends when the list is written under a marker, and not when Redis merely answers."""
    evicting.client.config_resetstat()
    fail_to_deny(sync, evicting)
    asked = "cmdstat_time"
    wait_until(
        lambda: evicting.client.info("commandstats").get(asked, {"calls": 0})["calls"] > 2,
        what="a third attempt",
    )
    assert repairs()
    evicting.client.config_set("maxmemory-policy", "noeviction")
    wait_until(lambda: not repairs(), what="the end of the repair")
    assert sync.vouch(marker(process, evicting), sync.trusted)[0]


def test_a_repair_goes_on_when_a_flush_took_what_it_wrote(
    process: Services, sync: DenylistSync, valkey: ValkeyServer
) -> None:
    """The list is written anew, under a marker that no flush took."""
    flushes = [valkey.flush, valkey.flush]
    on_statement(process, lambda: flushes and flushes.pop()())
    fail_to_deny(sync, valkey)
    wait_until(lambda: not repairs(), what="the end of the repair")
    assert flushes == []
    assert sync.vouch(marker(process, valkey), sync.trusted)[0]


def test_a_repair_has_nothing_to_do_where_a_request_was_quicker(
    process: Services, sync: DenylistSync, valkey: ValkeyServer
) -> None:
    """It sees that the list was written since the command failed."""
    sync.check_for_loss()
    assert sync.vouch(marker(process, valkey), sync.trusted)[0]
    statements: list[object] = []
    on_statement(process, lambda: statements.append(1))
    sync._repair.start()  # noqa: SLF001 - as the command that failed does
    wait_until(lambda: not repairs(), what="the end of the repair")
    assert statements == []


def test_a_repair_says_in_the_log_what_it_waits_for(
    sync: DenylistSync,
    valkey: ValkeyServer,
    clock: SettableClock,
    log_of: Callable[[str], Log],
) -> None:
    """Once a minute: where nobody asks, no request does."""
    sync.check_for_loss()
    valkey.stop()
    sync.deny([RevokedFamily("a", NOW)])
    log = log_of("latchkey.denylist")
    clock.forward(60)
    wait_until(lambda: log.lines() != [], what="its line")
    assert log.lines() == ["redis unreachable, asking the database: ConnectionError"]
