from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from app.accounts import queries as accounts
from app.accounts.models import User
from app.infra.database import Database
from tests.support.clock import NOW
from tests.support.factories import a_user


def found(database: Database, user: User) -> User | None:
    """Return the account's row as it is now."""
    with database.autocommit() as connection:
        return accounts.find(connection, user.id)


def test_an_account_is_found_by_id_and_by_address(database: Database) -> None:
    """Both give the whole row; another id or address gives nothing."""
    user = a_user(database)
    a_user(database, "eve@example.com")
    with database.autocommit() as connection:
        assert accounts.find(connection, user.id) == user
        assert accounts.find_by_email(connection, user.email) == user
        assert accounts.find(connection, "nobody") is None
        assert accounts.find_by_email(connection, "nobody@example.com") is None


def test_an_address_has_one_account(database: Database) -> None:
    """The unique index refuses the second one, and the first stays."""
    user = a_user(database)
    with pytest.raises(IntegrityError):
        a_user(database, user.email)
    assert found(database, user) == user


def test_the_hash_is_not_printed(database: Database) -> None:
    """An account in a trace or a log line does not bring its hash along."""
    user = a_user(database)
    assert user.password_hash not in repr(user)
    assert user.email in repr(user)


def test_an_enabled_account_is_still_enabled(database: Database) -> None:
    """Nothing changed since it was read: yes, and without values nothing is written."""
    user = a_user(database)
    with database.transaction() as connection:
        assert accounts.update_if_unchanged(connection, user)
    assert found(database, user) == user


def test_values_are_written_with_the_look(database: Database) -> None:
    """The look and the write are one statement."""
    user = a_user(database)
    with database.transaction() as connection:
        assert accounts.update_if_unchanged(
            connection, user, password_hash="new", password_changed_at=NOW + 1
        )
    assert found(database, user) == replace(user, password_hash="new", password_changed_at=NOW + 1)


def test_a_disabled_account_is_not_enabled(database: Database) -> None:
    """Disabled while the password was verified: no, and nothing is written."""
    user = a_user(database)
    with database.transaction() as connection:
        accounts.disable(connection, user.id, NOW + 5)
        assert not accounts.update_if_unchanged(connection, user, password_hash="new")
    assert found(database, user) == replace(user, disabled_at=NOW + 5)


def test_a_changed_password_is_not_the_same_account(database: Database) -> None:
    """A log-in with the old password does not outlive the change."""
    user = a_user(database)
    with database.transaction() as connection:
        assert accounts.update_if_unchanged(connection, user, password_hash="new")
    with database.transaction() as connection:
        assert not accounts.update_if_unchanged(connection, user)
        assert accounts.update_if_unchanged(connection, replace(user, password_hash="new"))


def test_an_account_that_is_gone_is_not_enabled(database: Database) -> None:
    """No row is no yes."""
    user = a_user(database)
    with database.transaction() as connection:
        assert not accounts.update_if_unchanged(connection, replace(user, id="nobody"))


def test_enabling_undoes_disabling(database: Database) -> None:
    """The account is as before; another one was never touched."""
    user, other = a_user(database), a_user(database, "eve@example.com")
    with database.transaction() as connection:
        accounts.disable(connection, user.id, NOW)
    assert found(database, other) == other
    with database.transaction() as connection:
        accounts.enable(connection, user.id)
    assert found(database, user) == user


def test_erasing_forgets_the_person_and_frees_the_address(database: Database) -> None:
    """Address and hash are gone, the row stays disabled, and the address can register anew."""
    user = a_user(database)
    with database.transaction() as connection:
        accounts.erase(connection, user.id, NOW + 9)
    erased = found(database, user)
    assert erased == replace(
        user,
        email=f"deleted:{user.id}",
        password_hash="",
        disabled_at=NOW + 9,
        deleted_at=NOW + 9,
    )
    assert a_user(database, user.email).id != user.id
