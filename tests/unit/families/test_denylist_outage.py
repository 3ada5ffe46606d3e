"""While Redis is out of reach the database decides."""

import pytest

from app.accounts import queries as accounts
from app.errors import Unavailable
from app.infra import redis
from app.tokens.nonces import NONCE_LENGTH
from tests.support.clock import NOW, SettableClock
from tests.support.databases import one_database
from tests.support.log import Log
from tests.unit.families.worker import MARKER, RIGHT, Worker

pytestmark = one_database


def test_without_redis_the_database_decides(worker: Worker) -> None:
    worker.warm_up()
    worker.valkey.stop()
    assert worker.verdicts() == RIGHT
    assert worker.services.denylist.denied("no such family")
    with worker.services.database.transaction() as connection:
        accounts.disable(connection, worker.active.user_id, NOW)
    assert worker.denied(worker.active)


def test_a_redis_that_hangs_is_as_good_as_none(worker: Worker) -> None:
    """It accepts connections and does not answer: the timeouts are at most one second."""
    worker.warm_up()
    worker.valkey.freeze()
    assert worker.verdicts() == RIGHT
    chosen = worker.services.redis.connection_pool.connection_kwargs
    assert 0 < chosen["socket_connect_timeout"] + chosen["socket_timeout"] <= 1


def test_without_redis_and_database_a_client_is_told_when_to_come_back(
    worker: Worker, clock: SettableClock
) -> None:
    with worker.database_away():
        worker.valkey.stop()
        with pytest.raises(Unavailable) as refused:
            worker.denied(worker.active)
        assert refused.value.retry_after == 5
        assert refused.value.reason == "OperationalError"
        worker.valkey.start()
        clock.forward(10)
        with pytest.raises(Unavailable):
            worker.denied(worker.active)


def test_a_trusted_redis_needs_no_database(worker: Worker) -> None:
    worker.warm_up()
    with worker.database_away():
        assert worker.verdicts() == RIGHT


def test_a_nonce_needs_no_database(worker: Worker) -> None:
    with worker.database_away():
        worker.sync.check_for_loss()
        assert len(worker.services.nonce()) == NONCE_LENGTH


def test_a_check_before_a_nonce_leaves_a_resting_redis_alone(
    worker: Worker, clock: SettableClock
) -> None:
    """Otherwise bad proofs would make a worker wait for an absent Redis again and again."""
    check, client = worker.sync.check_for_loss, worker.valkey.client
    worker.valkey.stop()
    check()
    worker.valkey.start()
    check()
    assert client.get(MARKER) is None
    clock.forward(1)
    check()
    assert client.get(MARKER)


def test_an_unreachable_redis_rests_for_a_second(
    worker: Worker,
    clock: SettableClock,
    statements: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redis, "REDIS_BACKOFF_SECONDS", 1.0)
    worker.warm_up()
    worker.valkey.stop()
    worker.denied(worker.active)
    worker.valkey.start()
    worker.valkey.client.config_resetstat()
    for passed, asked in ((0.0, False), (0.75, False), (0.25, True)):
        clock.waited += passed
        worker.denied(worker.active)
        assert ("cmdstat_mget" in worker.valkey.client.info("commandstats")) is asked
    statements.clear()
    assert worker.denied(worker.active) is False
    assert statements == []


def test_an_outage_is_logged_once_a_minute_and_when_it_is_over(
    worker: Worker, clock: SettableClock, log: Log
) -> None:
    worker.warm_up()
    worker.valkey.stop()
    for _ in range(5):
        worker.denied(worker.active)
        clock.forward(10)
    assert log.lines() == ["redis unreachable, asking the database: ConnectionError"]
    for seconds, lines in ((9, 1), (1, 2)):
        clock.forward(seconds)
        worker.denied(worker.active)
        assert len(log.lines()) == lines
    worker.valkey.start()
    clock.forward(1)
    for _ in range(3):
        worker.denied(worker.active)
    assert log.lines()[2:] == ["redis is back, 1 revoked families written again"]


def test_each_outage_is_logged_when_it_begins(
    worker: Worker, clock: SettableClock, log: Log
) -> None:
    """Within the minute of the one before too; a flush is not an outage."""
    for lines in (2, 4):
        worker.valkey.stop()
        worker.denied(worker.active)
        worker.valkey.start()
        clock.forward(1)
        worker.denied(worker.active)
        assert len(log.lines()) == lines
        worker.valkey.flush()
        worker.denied(worker.active)
        assert len(log.lines()) == lines
