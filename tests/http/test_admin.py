"""What an operator does, seen from outside: it holds at once."""

import pytest
from click.testing import Result
from flask import Flask

from app.auth import admin
from app.auth.dependencies import Auth
from app.auth.sessions import active_sessions
from app.errors import NotFound
from tests.support.app import services
from tests.support.client import (
    EMAIL,
    NEW_PASSWORD,
    Client,
    ended,
    member,
    other_browser,
    problem,
    program,
)


@pytest.fixture
def auth(app: Flask) -> Auth:
    found: Auth = services(app).auth
    return found


def command(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=list(words))


def shut_out(actor: Client) -> None:
    problem(actor.me(), 401, "invalid_token")
    for path in ("/auth/sessions", "/fragments/account"):
        problem(actor.protected("GET", path), 401, "invalid_token")
    problem(actor.change_password(NEW_PASSWORD), 401, "invalid_token")
    ended(actor.refresh())


def test_disabled_user_is_out_at_once(app: Flask, ada: Client, auth: Auth) -> None:
    phone, bob = other_browser(ada), member(app, "bob@example.com")
    assert admin.disable(auth, admin.find_user(auth, EMAIL)) == (2, True)
    shut_out(ada)
    shut_out(phone)
    problem(ada.log_in(), 401, "invalid_credentials")
    assert bob.alive()


def test_enabling_revives_no_session(ada: Client, auth: Auth) -> None:
    refresh = ada.refresh_token
    admin.disable(auth, admin.find_user(auth, EMAIL))
    admin.enable(auth, admin.find_user(auth, EMAIL))
    problem(ada.me(), 401, "invalid_token")
    ended(program(ada.app).refresh(refresh))
    assert ada.log_in().status_code == 200


def test_row_that_says_disabled_is_enough(app: Flask, ada: Client, thief: Client) -> None:
    # Asked before, so that from here on Redis is believed and not the row.
    assert [ada.me().status_code for _ in range(2)] == [200, 200]
    with services(app).database.transaction() as connection:
        connection.exec_driver_sql("UPDATE users SET disabled_at = 1")
    problem(ada.me(), 401, "invalid_token")
    ended(thief.refresh(ada.refresh_token))
    problem(ada.log_in(), 401, "invalid_credentials")


def test_deleted_user_is_out_at_once(app: Flask, ada: Client, auth: Auth) -> None:
    """No row stays, and the address is free."""
    user_id = ada.user_id
    assert admin.delete(auth, admin.find_user(auth, EMAIL)) == (1, True)
    shut_out(ada)
    problem(ada.log_in(), 401, "invalid_credentials")
    with pytest.raises(NotFound):
        admin.find_user(auth, EMAIL)
    with services(app).database.autocommit() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM users").scalar() == 0
    again = member(app)
    assert again.user_id != user_id
    assert again.alive()


def test_what_was_deleted_meanwhile_is_not_there(ada: Client, auth: Auth) -> None:
    user = admin.find_user(auth, ada.email)
    admin.delete(auth, user)
    for act in (admin.delete, admin.disable, admin.enable):
        with pytest.raises(NotFound):
            act(auth, user)


def test_sessions_revoked_by_hand(app: Flask, ada: Client, auth: Auth) -> None:
    bob = member(app, "bob@example.com")
    assert len(active_sessions(auth, admin.find_user(auth, EMAIL).id)) == 1
    assert admin.revoke_sessions(auth, admin.find_user(auth, EMAIL)) == (1, True)
    problem(ada.me(), 401, "invalid_token")
    assert bob.alive()
    ada.log_in()
    assert admin.revoke_sessions(auth, None) == (2, True)
    problem(ada.me(), 401, "invalid_token")
    problem(bob.me(), 401, "invalid_token")
    assert ada.log_in().status_code == 200


def test_the_commands_do_the_same(app: Flask, ada: Client) -> None:
    made = command(app, "users", "create", "Bob@example.com", "--password", NEW_PASSWORD)
    assert made.exit_code == 0
    assert "bob@example.com" in made.output
    bob = Client(app, "bob@example.com", NEW_PASSWORD)
    assert bob.log_in().status_code == 200
    assert "1 active sessions." in command(app, "sessions", "list", "--user", EMAIL).output
    revoked = command(app, "sessions", "revoke", "--user", EMAIL)
    assert (revoked.exit_code, revoked.output) == (0, "1 sessions revoked.\n")
    problem(ada.me(), 401, "invalid_token")
    assert bob.alive()
    assert command(app, "sessions", "revoke", "--all").exit_code == 0
    problem(bob.me(), 401, "invalid_token")
    bob.log_in()
    assert command(app, "users", "disable", "bob@example.com").exit_code == 0
    shut_out(bob)
    assert command(app, "users", "enable", "bob@example.com").exit_code == 0
    assert bob.log_in().status_code == 200
    assert command(app, "users", "delete", "bob@example.com", "--yes").exit_code == 0
    shut_out(bob)
    problem(bob.log_in(), 401, "invalid_credentials")


def test_the_commands_say_that_there_is_no_account(app: Flask) -> None:
    for words in (
        ("users", "disable", "nobody@example.com"),
        ("users", "delete", "nobody@example.com", "--yes"),
        ("sessions", "list", "--user", "nobody@example.com"),
        ("sessions", "revoke", "--user", "nobody@example.com"),
    ):
        done = command(app, *words)
        assert (done.exit_code, "no account" in done.output) == (1, True)
    assert command(app, "sessions", "revoke").exit_code == 2
