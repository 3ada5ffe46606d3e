from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import text

from app.accounts import activity, activity_retention
from app.accounts.activity import Activity, Event
from app.accounts.activity_retention import KEPT_SECONDS, MAX_OTHERS, MAX_REFUSALS
from app.auth.pruning import Pruned, Pruning
from app.families.issuer import new_id
from app.infra.database import Database
from tests.support.clock import NOW, SettableClock
from tests.support.factories import a_user

HOUR = 3600


@pytest.fixture
def pruner(database: Database, clock: SettableClock) -> Pruning:
    return Pruning(database, clock)


@pytest.fixture
def keep(database: Database) -> Callable[..., list[str]]:
    """A function that stores rows of these times for a user; it returns their ids."""

    def store(user_id: str, times: Sequence[int], event: Event = Event.LOGGED_IN) -> list[str]:
        told = [Activity(new_id(), user_id, at, event) for at in times]
        database.transact(activity.insert_rows, told)
        return [row.id for row in told]

    return store


def left(database: Database) -> set[str]:
    with database.autocommit() as connection:
        return set(connection.scalars(text("SELECT id FROM activity")))


def test_rows_are_kept_for_ninety_days(
    database: Database, pruner: Pruning, keep: Callable[..., list[str]]
) -> None:
    kept, _ = keep(a_user(database).id, [NOW - KEPT_SECONDS, NOW - KEPT_SECONDS - 1])
    assert pruner.prune() == Pruned(0, 0, 0, (), 1)
    assert left(database) == {kept}
    assert KEPT_SECONDS == 90 * 86400


def test_surplus_goes_beginning_with_the_oldest(
    database: Database, pruner: Pruning, keep: Callable[..., list[str]]
) -> None:
    """At most 500 rows of an account; each kind has its share, and other accounts have theirs."""
    ada, bob = a_user(database), a_user(database, "bob@example.com")
    others = keep(ada.id, range(NOW - MAX_OTHERS - 2, NOW))
    refused = keep(ada.id, range(NOW - MAX_REFUSALS - 3, NOW), Event.LOG_IN_REFUSED)
    bobs = keep(bob.id, range(NOW - MAX_OTHERS, NOW))
    assert pruner.prune() == Pruned(0, 0, 0, (), 5)
    assert left(database) == {*others[2:], *refused[3:], *bobs}
    assert pruner.prune().activity == 0
    assert MAX_OTHERS + MAX_REFUSALS == 500


def test_guesses_do_not_push_out_what_happened(
    database: Database, pruner: Pruning, keep: Callable[..., list[str]]
) -> None:
    """Somebody who guesses for weeks does not remove an old log-in from the list."""
    ada = a_user(database)
    (old,) = keep(ada.id, [NOW - 80 * 86400])
    keep(ada.id, range(NOW - 600 * HOUR, NOW, HOUR), Event.LOG_IN_REFUSED)
    assert pruner.prune().activity == 500
    assert old in left(database)


def test_strangers_rows_stay_until_they_are_old(
    pruner: Pruning, keep: Callable[..., list[str]], clock: SettableClock
) -> None:
    """They belong to no account, so no account's limit applies."""
    keep("", [NOW] * (MAX_REFUSALS + 1), Event.LOG_IN_REFUSED)
    assert pruner.prune().activity == 0
    clock.forward(KEPT_SECONDS + 1)
    assert pruner.prune().activity == MAX_REFUSALS + 1


def test_rows_of_a_deleted_account_go(
    database: Database, pruner: Pruning, keep: Callable[..., list[str]]
) -> None:
    """Workers of a former release may write them after the deletion."""
    ada = a_user(database, "deleted:a", disabled_at=NOW, deleted_at=NOW)
    keep(ada.id, [NOW])
    keep("somebody", [NOW])
    (bobs,) = keep(a_user(database, "bob@example.com").id, [NOW])
    assert pruner.prune() == Pruned(0, 1, 0, (), 2)
    assert left(database) == {bobs}


def test_pruning_goes_in_batches(
    database: Database,
    pruner: Pruning,
    keep: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("PRUNABLE", "CROWDED"):
        limited = getattr(activity_retention, name).limit(2)
        monkeypatch.setattr(activity_retention, name, limited)
    users = [a_user(database, f"{number}@example.com").id for number in range(5)]
    for user_id in users:
        keep(user_id, [NOW - KEPT_SECONDS - 1])
        keep(user_id, [NOW] * (MAX_OTHERS + 1))
    assert pruner.prune().activity == 10
    assert activity_retention.BATCH == 500


def test_a_log_in_now_and_then_trims_the_account(
    database: Database,
    pruner: Pruning,
    keep: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Otherwise one could fill the table by logging in and out."""
    ada = a_user(database)
    keep(ada.id, [NOW] * (MAX_OTHERS + 3))
    monkeypatch.setattr("app.auth.pruning.secrets.randbelow", lambda bound: bound - 1)
    pruner.prune_user(ada.id)
    assert len(left(database)) == MAX_OTHERS + 3
    monkeypatch.setattr("app.auth.pruning.secrets.randbelow", lambda _: 0)
    pruner.prune_user(ada.id)
    assert len(left(database)) == MAX_OTHERS
