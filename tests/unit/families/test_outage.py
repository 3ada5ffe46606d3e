import pytest

from app.families.outage import Outage
from app.tokens.nonces import Nonces
from tests.support.clock import NOW, SettableClock
from tests.support.log import Log


@pytest.fixture
def outage(clock: SettableClock, nonces: Nonces) -> Outage:
    return Outage(clock, nonces)


def test_a_process_begins_by_relying_on_redis(outage: Outage) -> None:
    assert outage.since is None
    assert outage.failures == 0
    assert not outage.backing_off()


def test_a_failed_command_is_counted_and_redis_rests_for_a_second(
    outage: Outage, clock: SettableClock
) -> None:
    """Otherwise a server that hangs would delay each request."""
    outage.mark_redis_down(ConnectionError())
    assert (outage.since, outage.failures) == (NOW, 1)
    for passed, resting in ((0.0, True), (0.75, True), (0.25, False)):
        clock.waited += passed
        assert outage.backing_off() is resting
    outage.mark_redis_down(ConnectionError())
    assert outage.failures == 2


def test_a_redis_that_is_not_trusted_answers_and_does_not_rest(outage: Outage) -> None:
    """It still takes entries and proofs; only a missing key is not believed."""
    outage.distrust("evicts keys")
    assert (outage.since, outage.failures) == (NOW, 0)
    assert not outage.backing_off()


def test_an_outage_begins_once(outage: Outage, clock: SettableClock) -> None:
    """All proofs since then were consumed in this process."""
    outage.mark_redis_down(ConnectionError())
    clock.forward(100)
    outage.mark_redis_down(ConnectionError())
    outage.distrust("evicts keys")
    assert outage.since == NOW


def test_the_nonces_from_before_an_outage_are_too_old(
    outage: Outage, nonces: Nonces, clock: SettableClock
) -> None:
    """Also those that an earlier loss set ahead of the clock."""
    for _ in range(2):
        before = nonces.newest(clock.now())
        outage.distrust("evicts keys")
        assert outage.since == before
        assert nonces.newest(clock.now()) > before
        outage.end(0, outage.failures)


def test_the_log_says_what_ended_and_how_many_entries_were_written(
    outage: Outage, log: Log
) -> None:
    outage.mark_redis_down(ConnectionError())
    outage.end(3, outage.failures)
    assert outage.since is None
    assert log.lines() == [
        "redis unreachable, asking the database: ConnectionError",
        "redis is back, 3 revoked families written again",
    ]


def test_a_command_that_failed_meanwhile_keeps_the_outage(outage: Outage, log: Log) -> None:
    """Its entry may be missing from the list that was complete before."""
    failures = outage.failures
    outage.mark_redis_down(ConnectionError())
    outage.end(0, failures)
    assert outage.since == NOW
    assert len(log.lines()) == 1
    outage.end(0, outage.failures)
    assert outage.since is None


def test_the_log_says_why_redis_is_not_trusted(outage: Outage, log: Log) -> None:
    outage.distrust("evicts keys; set a policy")
    assert log.lines() == ["redis not trusted, asking the database: it evicts keys; set a policy"]


def test_without_an_outage_nothing_is_logged_at_its_end(outage: Outage, log: Log) -> None:
    outage.end(0, outage.failures)
    assert log.lines() == []
