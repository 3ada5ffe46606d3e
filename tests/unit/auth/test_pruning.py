from collections.abc import Iterator

import pytest
from sqlalchemy import text

from app.accounts import queries as accounts
from app.auth import pruning
from app.auth.pruning import ENDED_KEPT_SECONDS, REVOKED_KEPT_SECONDS, Pruned, Pruning
from app.families import thefts
from app.families.models import MAX_THEFTS_SHOWN, THEFT_SHOWN_SECONDS, THEFTS, Reason
from app.infra.database import Database
from tests.support.clock import NOW, SettableClock
from tests.support.factories import a_family, a_user, stored

OLD = 10 * 86400


@pytest.fixture
def pruner(database: Database, clock: SettableClock) -> Pruning:
    return Pruning(database, clock)


@pytest.fixture
def notes(database: Database) -> Iterator[Database]:
    """The database with a product's tables, whose rows refer to ours."""
    with database.transaction() as connection:
        for name, column, target, action in (
            ("notes", "family_id", "families (family_id)", ""),
            ("drafts", "user_id", "users (id)", ""),
            ("visits", "family_id", "families (family_id)", "ON DELETE CASCADE"),
        ):
            key = f"FOREIGN KEY ({column}) REFERENCES {target} {action}"
            connection.execute(text(f"CREATE TABLE {name} ({column} VARCHAR(32), {key})"))
    yield database
    with database.transaction() as connection:
        for name in ("notes", "drafts", "visits"):
            connection.execute(text(f"DROP TABLE {name}"))


def refer(database: Database, table: str, to: str) -> None:
    """Insert a product's row that refers to one of ours."""
    with database.transaction() as connection:
        connection.execute(text(f"INSERT INTO {table} VALUES (:to)"), {"to": to})  # noqa: S608 - ours


def test_what_is_past_its_absolute_life_goes(database: Database, pruner: Pruning) -> None:
    """An access token may be valid for the leeway, and only a stored family can be denied."""
    user = a_user(database)
    over = a_family(database, user, absolute_expires_at=NOW - ENDED_KEPT_SECONDS - 1)
    last = a_family(database, user, absolute_expires_at=NOW - ENDED_KEPT_SECONDS)
    idle = a_family(database, user, idle_expires_at=NOW - OLD)
    assert pruner.prune() == Pruned(1, 0, 0, ())
    assert pruner.prune() == Pruned(0, 0, 0, ())
    assert [stored(database, one) for one in (over, last, idle)] == [None, last, idle]


def test_what_was_revoked_goes_after_its_last_access_token(
    database: Database, pruner: Pruning
) -> None:
    """Until then its denylist entry may have to be written again."""
    user = a_user(database)
    kept, gone = (
        a_family(database, user, revoked_at=NOW - ago, revoked_reason=Reason.REPLACED)
        for ago in (REVOKED_KEPT_SECONDS, REVOKED_KEPT_SECONDS + 1)
    )
    assert pruner.prune().families == 1
    assert [stored(database, one) for one in (kept, gone)] == [kept, None]
    assert REVOKED_KEPT_SECONDS >= 900 + 2 * 30


@pytest.mark.parametrize("reason", sorted(THEFTS))
def test_a_theft_stays_as_long_as_it_is_shown(
    database: Database, pruner: Pruning, reason: str
) -> None:
    """Its owner is told for thirty days, even if the family would have ended meanwhile."""
    user = a_user(database, password_changed_at=NOW - 31 * 86400)
    shown, forgotten = (
        a_family(
            database,
            user,
            absolute_expires_at=NOW - OLD,
            revoked_at=NOW - THEFT_SHOWN_SECONDS - more,
            revoked_reason=reason,
        )
        for more in (0, 1)
    )
    pruner.prune_user(user.id)
    assert [stored(database, one) for one in (shown, forgotten)] == [shown, None]
    assert pruner.prune().families == 0
    assert database.read(thefts.stolen_families, user.id, NOW - THEFT_SHOWN_SECONDS) == [shown]


def test_a_log_in_deletes_the_dead_of_its_user_alone(database: Database, pruner: Pruning) -> None:
    user, eve = a_user(database), a_user(database, "eve@example.com")
    for long_ago in (NOW - REVOKED_KEPT_SECONDS - 1, NOW - OLD):
        a_family(database, user, revoked_at=long_ago, revoked_reason=Reason.LOGGED_OUT)
        a_family(database, user, idle_expires_at=long_ago)
    stay = [
        a_family(database, user),
        a_family(database, user, revoked_at=NOW, revoked_reason=Reason.REPLACED),
        a_family(database, user, idle_expires_at=NOW - REVOKED_KEPT_SECONDS),
        a_family(database, eve, revoked_at=NOW - OLD, revoked_reason=Reason.REPLACED),
    ]
    pruner.prune_user(user.id)
    with database.autocommit() as connection:
        left = set(connection.scalars(text("SELECT family_id FROM families")))
    assert left == {family.family_id for family in stay}


def test_thefts_of_ones_own_making_do_not_fill_the_table(
    database: Database, pruner: Pruning
) -> None:
    """A user can replay their own tokens all day."""
    user = a_user(database, password_changed_at=NOW - OLD)
    stolen = [
        a_family(database, user, revoked_at=NOW - OLD + at, revoked_reason=Reason.REUSE)
        for at in range(MAX_THEFTS_SHOWN + 2)
    ]
    late = a_family(database, user, revoked_at=NOW, revoked_reason=Reason.REPLACED)
    pruner.prune_user(user.id)
    assert [stored(database, one) for one in stolen] == [None, None, *stolen[2:]]
    assert stored(database, late) == late
    shown = database.read(thefts.stolen_families, user.id, NOW - THEFT_SHOWN_SECONDS)
    assert shown == stolen[:1:-1]


def test_a_dismissed_theft_goes_with_the_other_revoked_families(
    database: Database, pruner: Pruning
) -> None:
    user, eve = a_user(database), a_user(database, "eve@example.com")
    kept, gone, pruned = (
        a_family(
            database, who, revoked_at=NOW - ago, revoked_reason=Reason.REUSE, dismissed_at=NOW
        )
        for who, ago in (
            (user, REVOKED_KEPT_SECONDS),
            (user, REVOKED_KEPT_SECONDS + 1),
            (eve, REVOKED_KEPT_SECONDS + 1),
        )
    )
    pruner.prune_user(user.id)
    assert [stored(database, one) for one in (kept, gone, pruned)] == [kept, None, pruned]
    assert pruner.prune().families == 1
    assert stored(database, pruned) is None


def test_pruning_goes_in_batches(
    database: Database, pruner: Pruning, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "PRUNABLE", pruning.PRUNABLE.limit(3))
    user = a_user(database)
    for _ in range(7):
        a_family(database, user, absolute_expires_at=NOW - OLD)
    assert pruner.prune() == Pruned(7, 0, 0, ())
    assert pruning.BATCH == 500


def test_what_a_former_release_kept_of_an_account_goes_after_its_families(
    database: Database, pruner: Pruning, clock: SettableClock
) -> None:
    user = a_user(database, "deleted:a", disabled_at=NOW, deleted_at=NOW)
    disabled, living = a_user(database, "b@example.com"), a_user(database, "c@example.com")
    a_family(database, user)
    database.write(accounts.disable, disabled.id, NOW)
    assert pruner.prune() == Pruned(0, 0, 0, ())
    clock.forward(OLD)
    assert pruner.prune() == Pruned(1, 1, 0, ())
    assert database.read(accounts.find, user.id) is None
    assert database.read(accounts.find, living.id) == living
    assert database.read(accounts.find, disabled.id) is not None


def test_what_a_product_refers_to_stays_and_is_named_and_the_rest_goes(
    notes: Database, pruner: Pruning, clock: SettableClock
) -> None:
    user, erased = a_user(notes), a_user(notes, "deleted:b", disabled_at=NOW, deleted_at=NOW)
    families = [a_family(notes, user, absolute_expires_at=NOW - OLD) for _ in range(4)]
    referred, *others = families
    refer(notes, "notes", referred.family_id)
    refer(notes, "visits", others[0].family_id)
    refer(notes, "drafts", erased.id)
    assert pruner.prune() == Pruned(3, 0, 2, ("drafts.user_id", "notes.family_id"))
    assert stored(notes, referred) == referred
    assert [stored(notes, one) for one in others] == [None] * 3
    with notes.transaction() as connection:
        connection.execute(text("DELETE FROM notes"))
        connection.execute(text("DELETE FROM drafts"))
    clock.forward(1)
    assert pruner.prune() == Pruned(1, 1, 0, ())


def test_a_reference_does_not_stop_a_log_in(notes: Database, pruner: Pruning) -> None:
    user = a_user(notes)
    family = a_family(notes, user, revoked_at=NOW - OLD, revoked_reason=Reason.REPLACED)
    refer(notes, "notes", family.family_id)
    pruner.prune_user(user.id)
    assert stored(notes, family) == family
