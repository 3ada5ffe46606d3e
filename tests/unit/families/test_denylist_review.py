"""Every ten seconds a process reads again what the database says was revoked."""

import pytest

from app.errors import Unavailable
from app.families.denylist_sync import REVIEW_SECONDS
from tests.support.clock import NOW, SettableClock
from tests.support.databases import one_database
from tests.unit.families.worker import RIGHT, Worker

pytestmark = one_database


@pytest.mark.parametrize("quiet", [REVIEW_SECONDS, 10 * REVIEW_SECONDS], ids=["rush", "night"])
def test_a_revocation_whose_worker_was_killed_is_found(
    worker: Worker, clock: SettableClock, quiet: int
) -> None:
    """A review covers the time since the one before, however long that is."""
    worker.warm_up()
    killed = worker.revoke_and_die()
    clock.forward(quiet)
    for _ in range(2):
        assert worker.verdicts(killed) == RIGHT
    assert worker.has_entry(killed)


def test_a_review_that_fails_is_made_up_for(worker: Worker, clock: SettableClock) -> None:
    worker.warm_up()
    killed = worker.revoke_and_die()
    with worker.database_away():
        for _ in range(6):
            clock.forward(REVIEW_SECONDS)
            with pytest.raises(Unavailable):
                worker.denied(worker.active)
    clock.forward(REVIEW_SECONDS)
    worker.denied(worker.active)
    assert worker.has_entry(killed)


def test_a_review_reads_only_what_was_revoked_since_the_one_before(
    worker: Worker, clock: SettableClock
) -> None:
    before = worker.revoke_and_die(NOW - 10 * REVIEW_SECONDS)
    worker.warm_up()
    worker.delete_entry(before)  # written when the list was completed
    clock.forward(REVIEW_SECONDS)
    worker.denied(worker.active)
    assert not worker.has_entry(before)


def test_a_review_looks_back_three_of_its_periods_and_twice_the_leeway(
    worker: Worker, clock: SettableClock
) -> None:
    worker.warm_up()
    just, no_more = worker.family(NOW - 30), worker.family(NOW - 31)
    clock.forward(10)
    worker.denied(worker.active)
    assert (worker.has_entry(just), worker.has_entry(no_more)) == (True, False)


@pytest.mark.usefixtures("evicting")
def test_a_redis_that_evicts_is_not_trusted(worker: Worker) -> None:
    """It may have evicted the missing entry."""
    for _ in range(2):
        assert worker.verdicts() == RIGHT
    assert not worker.vouched(None)[0]
