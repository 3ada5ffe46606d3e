from app.families import queries
from app.families.issuer import new_id
from app.families.models import THEFTS, Reason
from app.infra.database import Database
from tests.support.clock import NOW
from tests.support.factories import a_family, a_user


def test_a_users_own_thefts_and_nothing_else_are_shown_latest_first(database: Database) -> None:
    user = a_user(database)
    reasons = [*sorted(THEFTS), Reason.LOGGED_OUT, Reason.ADMIN, Reason.REPLACED]
    for at, reason in enumerate(reasons):
        a_family(database, user, revoked_at=NOW + at, revoked_reason=reason)
    a_family(database, user)
    all_of_them = database.read(queries.stolen_families, user.id, NOW)
    latest = database.read(queries.stolen_families, user.id, NOW + 1)
    shown = sorted(THEFTS, reverse=True)
    assert [family.revoked_reason for family in all_of_them] == shown
    assert [family.revoked_reason for family in latest] == shown[:-1]
    assert database.read(queries.stolen_families, new_id(), NOW) == []


def test_the_last_twenty_thefts_are_shown(database: Database) -> None:
    """A user who replays their own tokens makes neither the list longer nor its query slower."""
    user = a_user(database)
    thefts = [
        a_family(database, user, revoked_at=NOW + at, revoked_reason=Reason.REUSE)
        for at in range(22)
    ]
    assert database.read(queries.stolen_families, user.id, NOW) == thefts[:1:-1]
    assert len(thefts[:1:-1]) == 20


def test_thefts_of_one_second_are_always_shown_in_one_order(database: Database) -> None:
    user = a_user(database)
    for _ in range(6):
        a_family(database, user, revoked_at=NOW, revoked_reason=Reason.REUSE)
    shown = [one.family_id for one in database.read(queries.stolen_families, user.id, NOW)]
    assert shown == sorted(shown)
