import threading
from collections.abc import Callable

import pytest

from app.families.denylist_sync import REVIEW_SECONDS
from app.families.models import RevokedFamily
from app.services import Services
from tests.support.clock import NOW, SettableClock
from tests.support.databases import one_database
from tests.support.log import Log
from tests.support.servers.valkey import ValkeyServer
from tests.unit.families.worker import MARKER, Worker, on_statement

pytestmark = one_database

OF_ANOTHER_SERVER = b"abc.1799999000.of-another-server"


def commands(valkey: ValkeyServer) -> set[str]:
    """Read which commands Redis got since its counts were reset."""
    names = valkey.client.info("commandstats")
    return {name.removeprefix("cmdstat_") for name in names} - {"config|resetstat", "info"}


def test_a_missing_entry_counts_once_the_list_is_written(worker: Worker) -> None:
    """The read that causes the write happened before it, so it does not count."""
    assert worker.vouched(None) == (False, NOW)
    assert worker.vouched(worker.marker()) == (True, NOW)
    assert worker.vouched(None) == (False, NOW)


def test_the_age_of_the_memory_is_that_of_the_marker_of_another_process(
    worker: Worker, start_process: Callable[[], Services], clock: SettableClock
) -> None:
    worker.sync.check_for_loss()
    clock.forward(1000)
    later = start_process().denylist_sync
    for trusted in (False, True):
        assert later.vouch(worker.marker(), later.trusted) == (trusted, NOW)


def test_the_first_nonce_is_newer_than_the_memory_of_redis(
    worker: Worker, clock: SettableClock
) -> None:
    """Otherwise its proof would be refused, because Redis may have forgotten its use."""
    nonces = worker.services.nonces
    made = nonces.made_at(worker.services.nonce(), clock.now())
    assert made is not None
    assert not nonces.is_outdated(made, NOW)


def test_a_check_costs_one_command_while_nothing_is_lost(
    worker: Worker, statements: list[str]
) -> None:
    """Each refused proof causes a check: bad proofs must not cause the list to be written."""
    worker.sync.check_for_loss()
    worker.valkey.client.config_resetstat()
    statements.clear()
    worker.sync.check_for_loss()
    assert commands(worker.valkey) == {"get"}
    assert statements == []


def test_redis_is_looked_at_before_the_first_nonce_alone(worker: Worker) -> None:
    """Not before later nonces, nor when a protected request has read the marker already."""
    for begin in (worker.services.nonce, lambda: worker.vouched(None)):
        worker.sync.checked = False
        begin()
        worker.valkey.client.config_resetstat()
        worker.services.nonce()
        assert commands(worker.valkey) == set()


def test_a_redis_that_was_away_at_the_first_nonce_is_not_looked_at_for_each(
    worker: Worker, clock: SettableClock, log: Log
) -> None:
    """Otherwise bad proofs would make a worker wait for it again and again."""
    worker.valkey.stop()
    for _ in range(3):
        worker.services.nonce()
        clock.forward(2)
    assert worker.sync._outage.failures == 1  # noqa: SLF001 - shows nowhere else
    assert log.lines() == ["redis unreachable, asking the database: ConnectionError"]


def test_while_one_thread_writes_the_list_the_others_do_not_wait(worker: Worker) -> None:
    """They ask the database and take the time of the last loss from the marker they read."""
    reading, go_on = threading.Event(), threading.Event()

    def pause(_statement: str) -> None:
        reading.set()
        assert go_on.wait(10)

    on_statement(worker.services.database, pause)
    writer = threading.Thread(target=worker.sync.check_for_loss)
    writer.start()
    assert reading.wait(10)
    answers: list[object] = []
    other = threading.Thread(target=lambda: answers.append(worker.vouched(OF_ANOTHER_SERVER)))
    other.start()
    other.join(10)
    go_on.set()
    writer.join(10)
    assert answers == [(False, 1_799_999_000)]


def test_a_redis_that_is_not_trusted_is_asked_again_after_ten_seconds(
    worker: Worker, evicting: ValkeyServer, clock: SettableClock
) -> None:
    assert worker.vouched(OF_ANOTHER_SERVER) == (False, 1_799_999_000)
    evicting.client.config_set("maxmemory-policy", "noeviction")
    evicting.client.config_resetstat()
    for passed in (0, REVIEW_SECONDS - 1):
        clock.forward(passed)
        assert worker.vouched(None)[0] is False
    assert commands(evicting) == set()
    clock.forward(1)
    worker.vouched(None)
    assert worker.vouched(worker.marker())[0]


@pytest.mark.usefixtures("evicting")
def test_the_log_says_why_redis_is_not_trusted_and_what_to_do(worker: Worker, log: Log) -> None:
    worker.sync.check_for_loss()
    (line,) = log.lines()
    assert line == (
        "redis not trusted, asking the database: it evicts keys (allkeys-lru);"
        " set maxmemory-policy to noeviction"
    )


def test_a_redis_that_begins_to_evict_is_trusted_no_more(
    worker: Worker, evicting: ValkeyServer, clock: SettableClock
) -> None:
    """The next review notices it, although marker and connections are the same."""
    evicting.client.config_set("maxmemory-policy", "noeviction")
    worker.sync.check_for_loss()
    found = worker.marker()
    assert worker.vouched(found)[0]
    evicting.client.config_set("maxmemory-policy", "allkeys-lru")
    clock.forward(REVIEW_SECONDS)
    for _ in range(2):
        assert not worker.vouched(found)[0]


def test_entries_are_written_without_a_transaction(worker: Worker) -> None:
    """A transaction of a thousand entries would delay the commands of others."""
    worker.valkey.client.config_resetstat()
    assert worker.sync.deny([RevokedFamily("a", NOW), RevokedFamily("b", NOW)])
    worker.sync.check_for_loss()
    assert commands(worker.valkey) >= {"set", "get"}
    assert not commands(worker.valkey) & {"multi", "exec"}


def test_a_request_under_way_keeps_its_connection_when_the_others_are_let_go(
    worker: Worker,
) -> None:
    worker.sync.check_for_loss()
    pool = worker.services.redis.connection_pool
    busy = pool.get_connection()
    busy.send_command("PING")  # type: ignore[no-untyped-call]
    worker.vouched(OF_ANOTHER_SERVER)
    assert busy.read_response() == b"PONG"
    pool.release(busy)


def test_connections_that_lead_to_another_server_are_let_go(worker: Worker) -> None:
    """They read a marker that new connections do not find."""
    worker.sync.check_for_loss()
    before = worker.sync._link.opened.opened  # noqa: SLF001 - what the pool did
    assert not worker.vouched(OF_ANOTHER_SERVER)[0]
    found = worker.marker()
    worker.services.denylist.denied("nobody")
    assert worker.sync._link.opened.opened > before  # noqa: SLF001 - likewise
    worker.sync.check_for_loss()
    assert worker.vouched(found)[0]


def test_a_failed_command_has_the_list_written_again(worker: Worker) -> None:
    """The command may have been an entry."""
    worker.sync.check_for_loss()
    found = worker.marker()
    assert worker.vouched(found)[0]
    worker.sync._outage.mark_redis_down(ConnectionError())  # noqa: SLF001 - one part of the process
    assert not worker.vouched(found)[0]
    assert worker.vouched(found)[0]


@pytest.mark.parametrize("found", [b"rubbish", b"abc.999999999999.x"])
def test_a_marker_that_no_process_made_is_replaced(worker: Worker, found: bytes) -> None:
    worker.valkey.client.set(MARKER, found)
    worker.sync.check_for_loss()
    made = worker.marker()
    assert made != found
    assert worker.vouched(made)[0]
