from dataclasses import replace

from app.families import thefts
from app.families.issuer import new_id
from app.families.models import THEFTS, Reason
from app.infra.database import Database
from tests.support.clock import NOW
from tests.support.factories import a_family, a_user, stored


def test_a_users_own_thefts_and_nothing_else_are_shown_latest_first(database: Database) -> None:
    user = a_user(database)
    reasons = [*sorted(THEFTS), Reason.LOGGED_OUT, Reason.ADMIN, Reason.REPLACED]
    for at, reason in enumerate(reasons):
        a_family(database, user, revoked_at=NOW + at, revoked_reason=reason)
    a_family(database, user)
    all_of_them = database.read(thefts.stolen_families, user.id, NOW)
    latest = database.read(thefts.stolen_families, user.id, NOW + 1)
    shown = sorted(THEFTS, reverse=True)
    assert [family.revoked_reason for family in all_of_them] == shown
    assert [family.revoked_reason for family in latest] == shown[:-1]
    assert database.read(thefts.stolen_families, new_id(), NOW) == []


def test_the_last_twenty_thefts_are_shown(database: Database) -> None:
    """A user who replays their own tokens makes neither the list longer nor its query slower."""
    user = a_user(database)
    stolen = [
        a_family(database, user, revoked_at=NOW + at, revoked_reason=Reason.REUSE)
        for at in range(22)
    ]
    assert database.read(thefts.stolen_families, user.id, NOW) == stolen[:1:-1]
    assert len(stolen[:1:-1]) == 20


def test_thefts_of_one_second_are_always_shown_in_one_order(database: Database) -> None:
    user = a_user(database)
    for _ in range(6):
        a_family(database, user, revoked_at=NOW, revoked_reason=Reason.REUSE)
    shown = [one.family_id for one in database.read(thefts.stolen_families, user.id, NOW)]
    assert shown == sorted(shown)


def test_a_theft_from_before_the_last_password_change_is_not_shown(database: Database) -> None:
    """The change ended what the thief held. In its own second, the theft may have come after."""
    user = a_user(database, password_changed_at=NOW)
    before, since = (
        a_family(database, user, revoked_at=at, revoked_reason=Reason.REUSE)
        for at in (NOW - 1, NOW)
    )
    assert database.read(thefts.stolen_families, user.id, NOW - 9) == [since]
    assert not database.write(thefts.dismiss, user.id, before.family_id, NOW - 9, NOW)


def test_a_dismissed_theft_is_not_shown(database: Database) -> None:
    """The others are; the time of the dismissal is kept."""
    user = a_user(database)
    one, other = (
        a_family(database, user, revoked_at=NOW, revoked_reason=Reason.REUSE) for _ in range(2)
    )
    assert database.write(thefts.dismiss, user.id, one.family_id, NOW, NOW + 5)
    assert database.read(thefts.stolen_families, user.id, NOW) == [other]
    assert stored(database, one) == replace(one, dismissed_at=NOW + 5)
    assert not database.write(thefts.dismiss, user.id, one.family_id, NOW, NOW + 9)


def test_nothing_else_is_dismissed(database: Database) -> None:
    """Another user's theft, one that is too old to be shown, and what was no theft."""
    user, eve = a_user(database), a_user(database, "eve@example.com")
    for owner, changes in (
        (eve, {"revoked_at": NOW, "revoked_reason": Reason.REUSE}),
        (user, {"revoked_at": NOW - 1, "revoked_reason": Reason.REUSE}),
        (user, {"revoked_at": NOW, "revoked_reason": Reason.LOGGED_OUT}),
        (user, {}),
    ):
        family = a_family(database, owner, **changes)  # type: ignore[arg-type]
        assert not database.write(thefts.dismiss, user.id, family.family_id, NOW, NOW)
        assert stored(database, family) == family
