"""POST /auth/reauthenticate, while something else is committed after the password was verified."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.accounts.password_login import PasswordLogin
from app.auth import admin
from tests.support.app import clock_of, family_of, services
from tests.support.client import (
    NEW_PASSWORD,
    Client,
    claims,
    ended,
    other_browser,
    problem,
)
from tests.support.clock import NOW

Meanwhile = Callable[[Callable[[], object]], None]


@pytest.fixture
def ada(ada: Client) -> Client:
    """Somebody who logged in a while ago."""
    clock_of(ada.app).forward(400)
    return ada


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """A function: what it is given is done once, after the next password was verified."""

    def once(act: Callable[[], object]) -> None:
        verify = PasswordLogin.verify

        def slow(*args: Any, **kwargs: Any) -> bool:  # noqa: ANN401 - those of `verify`
            right = verify(*args, **kwargs)
            monkeypatch.undo()
            act()
            return right

        monkeypatch.setattr(PasswordLogin, "verify", slow)

    return once


def test_a_session_that_ended_stays_ended(ada: Client, meanwhile: Meanwhile) -> None:
    """Nothing revives it, and no token is issued that would have to be denied."""
    cookie = ada.refresh_token
    meanwhile(lambda: ada.ask("POST", "/auth/logout", cookie=cookie))
    problem(ada.reauthenticate(), 401, "invalid_token")
    family = family_of(ada.app, ada.session_id)
    assert (family.revoked_reason, family.auth_time) == ("logged_out", NOW)
    ended(ada.refresh(cookie))


def test_a_session_that_expired_stays_expired(ada: Client, meanwhile: Meanwhile) -> None:
    """Its last access token is good for a few more minutes, and for nothing longer."""
    ends = ada.family().idle_expires_at
    meanwhile(lambda: clock_of(ada.app).forward(ends - NOW))
    problem(ada.reauthenticate(), 401, "invalid_token")
    assert family_of(ada.app, ada.session_id).auth_time == NOW


def test_a_changed_password_is_not_proved_by_the_former(ada: Client, meanwhile: Meanwhile) -> None:
    """The change ended the session; the right password of a moment ago renews nothing."""
    phone = other_browser(ada)
    meanwhile(lambda: phone.change_password(NEW_PASSWORD))
    problem(ada.reauthenticate(), 401, "invalid_token")
    assert family_of(ada.app, ada.session_id).revoked_reason == "password_changed"
    problem(ada.me(), 401, "invalid_token")


def test_a_disabled_account_proves_nothing(app: Flask, ada: Client, meanwhile: Meanwhile) -> None:
    auth = services(app).auth
    user = admin.find_user(auth, ada.email)
    meanwhile(lambda: admin.disable(auth, user))
    problem(ada.reauthenticate(), 401, "invalid_token")
    admin.enable(auth, user)
    assert family_of(app, ada.session_id).auth_time == NOW


def test_a_refresh_goes_first(ada: Client, meanwhile: Meanwhile) -> None:
    """Another tab of the browser rotates: the cookie that it got stays the current one."""
    meanwhile(ada.refresh)
    answer = ada.reauthenticate()
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert claims(ada.access_token)["auth_time"] == NOW + 400
    assert ada.refresh().status_code == 200
    assert claims(ada.access_token)["auth_time"] == NOW + 400


def test_a_hash_of_other_parameters_is_verified_again(
    app: Flask, ada: Client, meanwhile: Meanwhile
) -> None:
    """A log-in elsewhere replaced it meanwhile: the client repeats, as it does after any 401."""
    own = services(app)

    def upgrade() -> None:
        with own.database.transaction() as connection:
            connection.exec_driver_sql("UPDATE users SET password_hash = password_hash || ' '")

    meanwhile(upgrade)
    problem(ada.reauthenticate(), 401, "invalid_token")
    assert ada.family().auth_time == NOW
    assert ada.me().status_code == 200
