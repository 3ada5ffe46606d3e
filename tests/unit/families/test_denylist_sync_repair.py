"""What a process does about an entry that it could not write."""

from collections.abc import Callable

import pytest
from sqlalchemy import event

from app.families.denylist_sync import DenylistSync
from app.families.models import RevokedFamily
from app.infra import redis
from app.services import Services, denylist_keys
from tests.support.app import repairs
from tests.support.clock import NOW, SettableClock
from tests.support.log import Log
from tests.support.processes import wait_until
from tests.support.servers.valkey import ValkeyServer


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Run once: the statements behind the denylist are tested on both databases elsewhere."""
    return sqlite_url


def marker(process: Services, valkey: ValkeyServer) -> bytes:
    """Read the marker as a look-up does."""
    return str(valkey.client.get(denylist_keys(process.settings).marker)).encode()


def on_statement(process: Services, act: Callable[[], object]) -> None:
    """Have `act` called before each statement that reaches the database."""
    event.listen(process.database.engine, "before_cursor_execute", lambda *_: act())


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


def test_a_repair_ends_with_the_list_that_it_wrote(
    process: Services, sync: DenylistSync, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not rest first, and look once more after that."""
    monkeypatch.setattr(redis, "REDIS_BACKOFF_SECONDS", 3600.0)
    sync._outage.mark_redis_down(ConnectionError())  # noqa: SLF001 - one part of the process
    sync._repair.start()  # noqa: SLF001 - as the command that failed does
    wait_until(lambda: not repairs(), what="the end of the repair")
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
