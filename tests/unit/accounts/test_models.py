from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from app.accounts import queries as accounts
from app.accounts.models import User
from app.infra.database import Database
from tests.support.clock import NOW
from tests.support.factories import a_user


def found(database: Database, user: User) -> User | None:
    return database.read(accounts.find, user.id)


def test_an_account_is_found_by_id_and_by_address(database: Database) -> None:
    user = a_user(database)
    a_user(database, "eve@example.com")
    assert database.read(accounts.find, user.id) == user
    assert database.read(accounts.find_by_email, user.email) == user
    assert database.read(accounts.find, "nobody") is None
    assert database.read(accounts.find_by_email, "nobody@example.com") is None


def test_an_address_has_one_account(database: Database) -> None:
    user = a_user(database)
    with pytest.raises(IntegrityError):
        a_user(database, user.email)
    assert found(database, user) == user


def test_the_hash_is_not_printed(database: Database) -> None:
    user = a_user(database)
    assert user.password_hash not in repr(user)
    assert user.email in repr(user)


@pytest.mark.parametrize("values", [{}, {"password_hash": "new", "password_changed_at": NOW + 1}])
def test_an_account_that_did_not_change_is_updated(
    database: Database, values: dict[str, int | str]
) -> None:
    user = a_user(database)
    assert database.write(accounts.update_if_unchanged, user, **values)
    assert found(database, user) == replace(user, **values)  # type: ignore[arg-type]


def test_an_account_that_was_disabled_meanwhile_is_not_updated(database: Database) -> None:
    user = a_user(database)
    database.write(accounts.disable, user.id, NOW + 5)
    assert not database.write(accounts.update_if_unchanged, user, password_hash="new")
    assert found(database, user) == replace(user, disabled_at=NOW + 5)


def test_an_account_whose_password_changed_meanwhile_is_not_updated(database: Database) -> None:
    """A log-in with the old password does not outlive the change."""
    user = a_user(database)
    assert database.write(accounts.update_if_unchanged, user, password_hash="new")
    assert not database.write(accounts.update_if_unchanged, user)
    assert database.write(accounts.update_if_unchanged, replace(user, password_hash="new"))


def test_an_account_that_is_gone_is_not_updated(database: Database) -> None:
    user = a_user(database)
    assert not database.write(accounts.update_if_unchanged, replace(user, id="nobody"))


def test_enabling_undoes_disabling(database: Database) -> None:
    user, other = a_user(database), a_user(database, "eve@example.com")
    database.write(accounts.disable, user.id, NOW)
    assert found(database, other) == other
    database.write(accounts.enable, user.id)
    assert found(database, user) == user


def test_deleting_frees_the_address(database: Database) -> None:
    user, other = a_user(database), a_user(database, "eve@example.com")
    database.write(accounts.delete, user.id)
    assert database.read(accounts.find, user.id) is None
    assert found(database, other) == other
    assert a_user(database, user.email).id != user.id


def test_of_some_accounts_those_that_exist_are_held(database: Database) -> None:
    user, other = a_user(database), a_user(database, "eve@example.com")
    assert database.transact(accounts.hold, [user.id, "nobody", other.id]) == {user.id, other.id}
    assert database.transact(accounts.hold, []) == set()


def test_what_is_gone_is_neither_disabled_nor_enabled(database: Database) -> None:
    assert not database.write(accounts.disable, "nobody", NOW)
    assert not database.write(accounts.enable, "nobody")
