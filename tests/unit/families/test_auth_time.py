import pytest

from app.accounts import queries as accounts
from app.accounts.models import User
from app.families import auth_time
from app.families.issuer import new_id
from app.families.models import Current, Family
from app.infra.database import Database
from tests.support.clock import NOW
from tests.support.factories import a_family, revoke, stored

LATER = NOW + 400


def renewed(
    database: Database, family: Family, user: User, now: int = LATER
) -> tuple[Current, str] | None:
    return database.write(auth_time.renew, family.family_id, user.password_hash, now)


def test_the_time_is_now_and_nothing_else_changes(database: Database, user: User) -> None:
    """Neither the refresh token, nor its end: the browser's cookie is still the right one."""
    family = a_family(database, user, auth_time=NOW, jkt="k" * 43, previous_jti="p" * 22)
    proved = renewed(database, family, user)
    assert proved is not None
    row = stored(database, family)
    assert row is not None
    assert (row.auth_time, row.amr, row.last_used_at) == (LATER, "pwd", LATER)
    for name in Family.__slots__:
        if name not in {"auth_time", "last_used_at"}:
            assert getattr(row, name) == getattr(family, name), name
    assert proved[1] == user.email
    assert {n: getattr(proved[0], n) for n in Current.__slots__} == {
        n: getattr(row, n) for n in Current.__slots__
    }


def test_another_family_of_the_user_keeps_its_time(database: Database, user: User) -> None:
    """Only the browser in which the password was given has proved anything."""
    family, other = (a_family(database, user, auth_time=NOW) for _ in range(2))
    assert renewed(database, family, user)
    assert stored(database, other) == other


def test_later_factors_are_not_claimed(database: Database, user: User) -> None:
    """Only the password was proved now, whatever was proved at the log-in."""
    family = a_family(database, user, auth_time=NOW, amr="pwd otp")
    proved = renewed(database, family, user)
    assert proved
    assert proved[0].amr == "pwd"


def test_an_access_token_never_was_issued_before_its_predecessor(
    database: Database, user: User
) -> None:
    """The clock of the host that wrote the row last is ahead; the proof has this host's time."""
    family = a_family(database, user, last_used_at=LATER + 3)
    proved = renewed(database, family, user)
    assert proved
    assert (proved[0].last_used_at, proved[0].auth_time) == (LATER + 3, LATER)


def test_a_family_that_does_not_exist_has_no_time(database: Database, user: User) -> None:
    assert database.write(auth_time.renew, new_id(), user.password_hash, LATER) is None


def test_a_revoked_family_is_not_renewed(database: Database, user: User) -> None:
    family = a_family(database, user, auth_time=NOW)
    revoke(database, family)
    ended = stored(database, family)
    assert renewed(database, family, user) is None
    assert stored(database, family) == ended


@pytest.mark.parametrize(("ends", "is_renewed"), [(LATER, False), (LATER + 1, True)])
def test_an_expired_family_is_not_renewed(
    database: Database, user: User, ends: int, *, is_renewed: bool
) -> None:
    family = a_family(database, user, idle_expires_at=ends)
    assert (renewed(database, family, user) is not None) is is_renewed


def test_a_disabled_account_renews_nothing(database: Database, user: User) -> None:
    family = a_family(database, user, auth_time=NOW)
    with database.transaction() as connection:
        accounts.disable(connection, user.id, NOW)
    assert renewed(database, family, user) is None
    assert stored(database, family) == family


def test_a_password_that_was_changed_meanwhile_renews_nothing(
    database: Database, user: User
) -> None:
    """Somebody verified the old one, and the new one was committed while they did."""
    family = a_family(database, user, auth_time=NOW)
    with database.transaction() as connection:
        assert accounts.update_if_unchanged(connection, user, password_hash="another")
    assert renewed(database, family, user) is None
    assert stored(database, family) == family
