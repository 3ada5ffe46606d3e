"""Whatever Redis forgets, no revoked family is let in and no active one is thrown out."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.families.models import Reason
from app.services import Services
from tests.support.clock import NOW, SettableClock
from tests.support.databases import one_database
from tests.support.factories import a_family
from tests.support.log import Log
from tests.support.servers.valkey import ValkeyServer
from tests.unit.families.worker import ENTRIES, MARKER, RIGHT, Worker, on_statement

pytestmark = one_database


def fail_over(valkey: ValkeyServer) -> None:
    """Come back as a replica that has the marker and lacks the newest entries."""
    valkey.restart()
    for key in valkey.client.scan_iter(f"{ENTRIES}*"):
        valkey.client.delete(key)
    assert valkey.client.exists(MARKER)


@pytest.mark.parametrize(
    "lose", [ValkeyServer.restart, ValkeyServer.restart_empty, ValkeyServer.flush, fail_over]
)
def test_no_loss_of_memory_lets_anybody_in_or_out(
    worker: Worker, lose: Callable[[ValkeyServer], None]
) -> None:
    worker.deny()
    assert worker.verdicts() == RIGHT
    lose(worker.valkey)
    for _ in range(3):
        assert worker.verdicts() == RIGHT
    assert worker.has_entry(worker.revoked)


def test_after_a_flush_the_database_is_asked_once(worker: Worker, statements: list[str]) -> None:
    worker.warm_up()
    worker.valkey.flush()
    worker.denied(worker.active)
    assert worker.ttl(worker.revoked) > 600
    statements.clear()
    assert worker.verdicts() == RIGHT
    assert statements == []


def test_a_flush_in_the_middle_of_writing_again_is_noticed(
    worker: Worker, statements: list[str]
) -> None:
    """It may have removed entries of other processes, so the list is not complete."""
    flushes = [worker.valkey.flush]
    on_statement(worker.services.database, lambda _: flushes and flushes.pop()())
    assert worker.denied(worker.revoked)
    assert not flushes
    assert not worker.valkey.client.exists(MARKER)
    statements.clear()
    assert worker.verdicts() == RIGHT
    assert statements, "the control: the database is asked"
    assert worker.valkey.client.exists(MARKER)
    assert worker.valkey.client.ttl(MARKER) == -1


def test_a_process_that_just_started_trusts_no_marker_it_finds(
    worker: Worker, start_process: Callable[[], Services]
) -> None:
    worker.warm_up()
    worker.delete_entry(worker.revoked)
    second = start_process().denylist
    families = (worker.active, worker.revoked)
    assert tuple(second.denied(family.family_id) for family in families) == RIGHT
    assert worker.has_entry(worker.revoked)


def test_a_connection_that_the_server_closed_is_no_outage(worker: Worker, log: Log) -> None:
    worker.warm_up()
    worker.valkey.client.client_kill_filter(_type="normal", skipme=True)
    assert worker.verdicts() == RIGHT
    assert log.lines() == []


def test_many_threads_get_right_answers_through_flushes(worker: Worker) -> None:
    worker.warm_up()
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(lambda: [worker.verdicts() for _ in range(40)]) for _ in range(4)]
        for _ in range(10):
            worker.valkey.flush()
    assert [set(one.result()) for one in asked] == [{RIGHT}] * 4


def test_a_read_from_before_the_list_was_whole_counts_for_nothing(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread reads the new marker and no entry; then another thread writes the entry."""
    valkey, sync, redis = worker.valkey, worker.sync, worker.services.redis
    worker.warm_up()
    read = redis.mget

    def too_early(keys: list[str]) -> object:
        valkey.flush()
        valkey.client.set(MARKER, made)
        early = read(keys)
        monkeypatch.undo()
        worker.warm_up()
        assert sync.trusted
        assert sync.trusted.marker == made
        return early

    assert sync.trusted
    server, when, _random = sync.trusted.marker.split(b".")
    made = b".".join((server, when, b"of-another-process-____"))
    monkeypatch.setattr(redis, "mget", too_early)
    assert worker.denied(worker.revoked)


def test_the_revoked_stay_denied_after_pruning(worker: Worker, clock: SettableClock) -> None:
    """A family is kept while an access token of it may be accepted, including the leeway."""
    clock.ahead = 100
    ending = a_family(
        worker.services.database,
        worker.user,
        idle_expires_at=NOW + 98,
        absolute_expires_at=NOW + 98,
        revoked_at=NOW + 90,
        revoked_reason=Reason.ADMIN,
    )
    worker.services.auth.pruning.prune()
    worker.valkey.flush()
    for _ in range(2):
        assert worker.verdicts(ending) == RIGHT
