"""POST /auth/password."""

import pytest
from flask import Flask

from app.accounts import queries as accounts
from app.accounts.hash_queue import Place
from app.accounts.models import User
from app.accounts.password_login import PasswordLogin
from app.auth import admin
from app.auth.login import log_in
from app.errors import InvalidCredentials
from app.families.issuer import PresentedCredentials
from app.infra import audit
from tests.support.app import clock_of, services
from tests.support.at_once import at_once
from tests.support.client import (
    EMAIL,
    NEW_PASSWORD,
    PASSWORD,
    SESSION_COOKIE,
    Client,
    claims,
    ended,
    member,
    other_browser,
    problem,
    program,
    set_cookies,
)


def test_a_change_ends_every_other_family(app: Flask, ada: Client, thief: Client) -> None:
    bob = member(app, "bob@example.com")
    phone = other_browser(ada)
    old_access, old_refresh, old_sid = ada.access_token, ada.refresh_token, ada.session_id
    answer = ada.change_password(NEW_PASSWORD)
    assert answer.status_code == 200
    assert set_cookies(answer)[0] == SESSION_COOKIE
    assert answer.headers["Cache-Control"] == "no-store"
    assert ada.session_id != old_sid
    for token in (old_access, phone.access_token):
        problem(thief.me(token), 401, "invalid_token")
    for token in (old_refresh, phone.refresh_token):
        ended(thief.refresh(token))
    assert ada.alive()
    assert bob.alive()
    assert len(ada.sessions()) == 1
    problem(phone.log_in(PASSWORD), 401, "invalid_credentials")
    assert phone.log_in(NEW_PASSWORD).status_code == 200


def test_wrong_current_password(ada: Client) -> None:
    answer = ada.change_password(NEW_PASSWORD, current="quarry lantern umbrella ten")
    problem(answer, 403, "wrong_password")
    assert "Set-Cookie" not in answer.headers
    assert ada.alive()
    assert ada.log_in().status_code == 200


def test_weak_new_password(ada: Client) -> None:
    body = problem(ada.change_password("short"), 422, "weak_password")
    assert body["reasons"][0]["code"] == "too_short"
    assert ada.alive()


@pytest.mark.parametrize(
    "body",
    [{}, {"new_password": NEW_PASSWORD}, {"current_password": PASSWORD}, {"password": "x"}],
)
def test_missing_fields(ada: Client, body: dict[str, str]) -> None:
    problem(ada.protected("POST", "/auth/password", body), 400, "invalid_request")


def test_keeps_the_session_remembered(ada: Client) -> None:
    ada.log_in(remember=True)
    assert "Max-Age=604800" in ada.change_password(NEW_PASSWORD).headers["Set-Cookie"]


def test_auth_time_is_now(ada: Client) -> None:
    clock_of(ada.app).forward(100)
    before = claims(ada.access_token)["auth_time"]
    ada.change_password(NEW_PASSWORD)
    assert claims(ada.access_token)["auth_time"] >= before + 100


def test_guesses_are_limited(ada: Client) -> None:
    for _ in range(10):
        problem(ada.change_password(NEW_PASSWORD, current="wrong"), 403, "wrong_password")
    answer = ada.change_password(NEW_PASSWORD)
    problem(answer, 429, "too_many_attempts")
    assert int(answer.headers["Retry-After"]) > 0
    assert ada.alive()


def test_thief_without_the_owners_browser_is_limited_sooner(ada: Client, thief: Client) -> None:
    body = {"current_password": "wrong", "new_password": NEW_PASSWORD}
    answers = [
        thief.ask("POST", "/auth/password", access=ada.access_token, body=body) for _ in range(6)
    ]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert ada.change_password(NEW_PASSWORD).status_code == 200


def test_two_changes_at_once_have_one_winner(ada: Client) -> None:
    """The loser's password is not set and its family never begins."""
    words = [NEW_PASSWORD, NEW_PASSWORD + " again"]

    def change(number: int) -> int:
        body = {"current_password": PASSWORD, "new_password": words[number]}
        answer = program(ada.app).ask("POST", "/auth/password", body, access=ada.access_token)
        return answer.status_code

    statuses = at_once(2, change)
    winner = statuses.index(200)
    # Too late to use the token, or, a little later, to know the current password.
    assert statuses[1 - winner] in {401, 403}
    assert ada.log_in(words[winner]).status_code == 200
    problem(ada.log_in(words[1 - winner]), 401, "invalid_credentials")


def test_login_that_raced_the_change(
    app: Flask, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log-in whose old password was verified before the change comes too late."""
    auth = services(app).auth
    verify = PasswordLogin.verify

    def slow(
        self: PasswordLogin, key: str, user: User | None, password: str, place: Place
    ) -> bool:
        right = verify(self, key, user, password, place)
        monkeypatch.undo()
        assert ada.change_password(NEW_PASSWORD).status_code == 200
        return right

    monkeypatch.setattr(PasswordLogin, "verify", slow)
    with pytest.raises(InvalidCredentials) as refused:
        log_in(auth, EMAIL, PASSWORD, audit.Client(), PresentedCredentials(), remember=False)
    assert refused.value.reason == "account_changed"
    assert len(ada.sessions()) == 1


def test_logout_that_raced_the_change(
    ada: Client, thief: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who logged out while the new password was being hashed stays logged out."""
    auth = services(ada.app).auth
    hash_it = auth.password_login.passwords.hash
    access, refresh = ada.access_token, ada.refresh_token

    def slow(password: str) -> str:
        monkeypatch.undo()
        assert thief.ask("POST", "/auth/logout", cookie=refresh).status_code == 204
        return str(hash_it(password))

    monkeypatch.setattr(auth.password_login.passwords, "hash", slow)
    problem(ada.change_password(NEW_PASSWORD), 401, "invalid_token")
    problem(thief.me(access), 401, "invalid_token")
    assert ada.log_in().status_code == 200
    assert len(ada.sessions()) == 1


def test_account_that_went_away_meanwhile(ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Disabled between verifying and writing: nothing is written."""
    own = services(ada.app)
    hash_it = own.auth.password_login.passwords.hash

    def slow(password: str) -> str:
        with own.database.transaction() as connection:
            accounts.disable(connection, ada.user_id, own.clock.now())
        return str(hash_it(password))

    monkeypatch.setattr(own.auth.password_login.passwords, "hash", slow)
    problem(ada.change_password(NEW_PASSWORD), 401, "invalid_token")
    monkeypatch.undo()
    admin.enable(own.auth, admin.find_user(own.auth, EMAIL))
    assert ada.log_in(PASSWORD).status_code == 200
