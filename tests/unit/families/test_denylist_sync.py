import threading
from collections.abc import Callable

import pytest

from app.families.denylist_sync import REVIEW_SECONDS, DenylistSync
from app.families.models import RevokedFamily
from app.services import Services
from tests.support.clock import NOW, SettableClock
from tests.support.databases import one_database
from tests.support.factories import a_family, a_user
from tests.support.log import Log
from tests.support.servers.valkey import ValkeyServer
from tests.unit.families.worker import MARKER, on_statement, read_marker

pytestmark = one_database

OF_ANOTHER_SERVER = b"abc.1799999000.of-another-server"


def commands(valkey: ValkeyServer) -> set[str]:
    """Read which commands Redis got since its counts were reset."""
    names = valkey.client.info("commandstats")
    return {name.removeprefix("cmdstat_") for name in names} - {"config|resetstat", "info"}


def test_a_missing_entry_counts_once_the_list_is_written(
    sync: DenylistSync, valkey: ValkeyServer
) -> None:
    """The read that causes the write happened before it, so it does not count."""
    assert sync.vouch(None, sync.trusted) == (False, NOW)
    assert sync.vouch(read_marker(valkey), sync.trusted) == (True, NOW)
    assert sync.vouch(None, sync.trusted) == (False, NOW)


def test_the_age_of_the_memory_is_that_of_the_marker_of_another_process(
    sync: DenylistSync,
    start_process: Callable[[], Services],
    valkey: ValkeyServer,
    clock: SettableClock,
) -> None:
    sync.check_for_loss()
    clock.forward(1000)
    later = start_process().denylist_sync
    for trusted in (False, True):
        assert later.vouch(read_marker(valkey), later.trusted) == (trusted, NOW)


def test_the_first_nonce_is_newer_than_the_memory_of_redis(
    process: Services, clock: SettableClock
) -> None:
    """Otherwise its proof would be refused, because Redis may have forgotten its use."""
    made = process.nonces.made_at(process.nonce(), clock.now())
    assert made is not None
    assert not process.nonces.is_outdated(made, NOW)


def test_a_check_costs_one_command_while_nothing_is_lost(
    sync: DenylistSync, valkey: ValkeyServer, statements: list[str]
) -> None:
    """Each refused proof causes a check: bad proofs must not cause the list to be written."""
    sync.check_for_loss()
    valkey.client.config_resetstat()
    statements.clear()
    sync.check_for_loss()
    assert commands(valkey) == {"get"}
    assert statements == []


def test_redis_is_looked_at_before_the_first_nonce_alone(
    process: Services, sync: DenylistSync, valkey: ValkeyServer
) -> None:
    """Not before later nonces, nor when a protected request has read the marker already."""
    for begin in (process.nonce, lambda: sync.vouch(None, sync.trusted)):
        sync.checked = False
        begin()
        valkey.client.config_resetstat()
        process.nonce()
        assert commands(valkey) == set()


def test_a_redis_that_was_away_at_the_first_nonce_is_not_looked_at_for_each(
    process: Services, valkey: ValkeyServer, clock: SettableClock, log: Log
) -> None:
    """Otherwise bad proofs would make a worker wait for it again and again."""
    valkey.stop()
    for _ in range(3):
        process.nonce()
        clock.forward(2)
    assert process.denylist_sync._outage.failures == 1  # noqa: SLF001 - shows nowhere else
    assert log.lines() == ["redis unreachable, asking the database: ConnectionError"]


def test_while_one_thread_writes_the_list_the_others_do_not_wait(
    process: Services, sync: DenylistSync
) -> None:
    """They ask the database and take the time of the last loss from the marker they read."""
    reading, go_on = threading.Event(), threading.Event()

    def pause(_statement: str) -> None:
        reading.set()
        assert go_on.wait(10)

    on_statement(process.database, pause)
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


def test_a_redis_that_is_not_trusted_is_asked_again_after_ten_seconds(
    sync: DenylistSync, evicting: ValkeyServer, clock: SettableClock
) -> None:
    assert sync.vouch(OF_ANOTHER_SERVER, sync.trusted) == (False, 1_799_999_000)
    evicting.client.config_set("maxmemory-policy", "noeviction")
    evicting.client.config_resetstat()
    for passed in (0, REVIEW_SECONDS - 1):
        clock.forward(passed)
        assert sync.vouch(None, sync.trusted)[0] is False
    assert commands(evicting) == set()
    clock.forward(1)
    sync.vouch(None, sync.trusted)
    assert sync.vouch(read_marker(evicting), sync.trusted)[0]


@pytest.mark.usefixtures("evicting")
def test_the_log_says_why_redis_is_not_trusted_and_what_to_do(
    sync: DenylistSync, log: Log
) -> None:
    sync.check_for_loss()
    (line,) = log.lines()
    assert line == (
        "redis not trusted, asking the database: it evicts keys (allkeys-lru);"
        " set maxmemory-policy to noeviction"
    )


def test_a_redis_that_begins_to_evict_is_trusted_no_more(
    sync: DenylistSync, evicting: ValkeyServer, clock: SettableClock
) -> None:
    """The next review notices it, although marker and connections are the same."""
    evicting.client.config_set("maxmemory-policy", "noeviction")
    sync.check_for_loss()
    found = read_marker(evicting)
    assert sync.vouch(found, sync.trusted)[0]
    evicting.client.config_set("maxmemory-policy", "allkeys-lru")
    clock.forward(REVIEW_SECONDS)
    for _ in range(2):
        assert not sync.vouch(found, sync.trusted)[0]


def test_entries_are_written_without_a_transaction(
    process: Services, sync: DenylistSync, valkey: ValkeyServer
) -> None:
    """A transaction of a thousand entries would delay the commands of others."""
    valkey.client.config_resetstat()
    assert sync.deny([RevokedFamily("a", NOW), RevokedFamily("b", NOW)])
    a_family(process.database, a_user(process.database), revoked_at=NOW)
    sync.check_for_loss()
    assert commands(valkey) >= {"set", "get"}
    assert not commands(valkey) & {"multi", "exec"}


def test_a_request_under_way_keeps_its_connection_when_the_others_are_let_go(
    process: Services, sync: DenylistSync
) -> None:
    sync.check_for_loss()
    pool = process.redis.connection_pool
    busy = pool.get_connection()
    busy.send_command("PING")  # type: ignore[no-untyped-call]
    sync.vouch(OF_ANOTHER_SERVER, sync.trusted)
    assert busy.read_response() == b"PONG"
    pool.release(busy)


def test_connections_that_lead_to_another_server_are_let_go(
    process: Services, sync: DenylistSync, valkey: ValkeyServer
) -> None:
    """They read a marker that new connections do not find."""
    sync.check_for_loss()
    before = sync._link.opened.opened  # noqa: SLF001 - what the pool did
    assert not sync.vouch(OF_ANOTHER_SERVER, sync.trusted)[0]
    found = read_marker(valkey)
    process.denylist.denied("nobody")
    assert sync._link.opened.opened > before  # noqa: SLF001 - likewise
    sync.check_for_loss()
    assert sync.vouch(found, sync.trusted)[0]


def test_a_failed_command_has_the_list_written_again(
    sync: DenylistSync, valkey: ValkeyServer
) -> None:
    """The command may have been an entry."""
    sync.check_for_loss()
    found = read_marker(valkey)
    assert sync.vouch(found, sync.trusted)[0]
    sync._outage.mark_redis_down(ConnectionError())  # noqa: SLF001 - one part of the process
    assert not sync.vouch(found, sync.trusted)[0]
    assert sync.vouch(found, sync.trusted)[0]


@pytest.mark.parametrize("found", [b"rubbish", b"abc.999999999999.x"])
def test_a_marker_that_no_process_made_is_replaced(
    sync: DenylistSync, valkey: ValkeyServer, found: bytes
) -> None:
    valkey.client.set(MARKER, found)
    sync.check_for_loss()
    made = read_marker(valkey)
    assert made != found
    assert sync.vouch(made, sync.trusted)[0]
