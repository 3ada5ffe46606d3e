"""A part is gone: what is promised still holds, and nobody is logged out by it."""

import io
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from app.web.guards import public
from tests.support.app import services
from tests.support.client import (
    NAVIGATION,
    NEW_PASSWORD,
    Client,
    ended,
    member,
    other_browser,
    problem,
)
from tests.support.mail import registration_token
from tests.support.servers.valkey import ValkeyServer


@pytest.fixture
def cut(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    engine = services(app).database.engine

    def connect(*_: object, **__: object) -> None:
        raise OperationalError("SELECT secret_word", {"password": "secret_word"}, OSError("down"))

    def act() -> None:
        engine.dispose()
        monkeypatch.setattr(type(engine.pool), "connect", connect)

    return act


def test_database_down(
    ada: Client, thief: Client, cut: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = ada.open_form("/login")
    link = registration_token(Client(ada.app, "bob@example.com"))
    assert ada.me().status_code == 200
    cut()
    for method, path, body in (
        ("POST", "/auth/login", {"email": ada.email, "password": ada.password}),
        ("POST", "/auth/register", {"email": "bob@example.com"}),
        ("POST", "/auth/register/finish", {"token": link, "password": ada.password}),
        ("POST", "/auth/refresh", None),
        ("POST", "/auth/logout", None),
        ("POST", "/auth/logout-everywhere", None),
        ("POST", "/auth/password", {"current_password": ada.password, "new_password": "x"}),
        ("POST", "/auth/reauthenticate", {"password": ada.password}),
        ("GET", "/auth/sessions", None),
        ("DELETE", f"/auth/sessions/{ada.session_id}", None),
        ("GET", "/api/me", None),
        ("GET", "/fragments/account", None),
        ("GET", "/auth/activity", None),
    ):
        answer = ada.protected(method, path, body)
        shown = problem(answer, 503, "unavailable")
        assert answer.headers["Retry-After"] == "5"
        assert "Set-Cookie" not in answer.headers
        assert "secret_word" not in str(shown)
    fields = {"csrf_token": token, "email": ada.email, "password": ada.password}
    page = ada.ask("POST", "/login", data=fields, headers=NAVIGATION)
    assert (page.status_code, page.mimetype) == (503, "text/html")
    assert page.headers["Retry-After"] == "5"
    assert thief.ask("GET", "/login").status_code == 200
    ready = thief.ask("GET", "/readyz")
    assert (ready.status_code, ready.get_json()["failing"]) == (503, ["database"])
    monkeypatch.undo()
    assert ada.alive()


@pytest.mark.parametrize("refused", [IntegrityError, DataError])
def test_refused_values_are_a_fault_of_the_code(
    app: Flask, ada: Client, log: io.StringIO, refused: type[IntegrityError | DataError]
) -> None:
    """500 and the place in the code, not 503: to wait mends nothing. No value is in the log."""
    words = OSError("Key (email)=(secret_word) already exists.")

    def twice() -> str:
        raise refused("INSERT", {}, words)

    app.view_functions["account.get_me"] = public(twice)
    problem(ada.me(), 500, "internal_error")
    assert refused.__name__ in log.getvalue()
    assert "test_outages.py" in log.getvalue()
    assert "secret_word" not in log.getvalue()


def test_database_down_is_logged_without_its_words(
    ada: Client, cut: Callable[[], None], log: io.StringIO
) -> None:
    cut()
    answer = ada.refresh()
    assert answer.headers["X-Request-Id"] in log.getvalue()
    assert "OperationalError" in log.getvalue()
    assert "secret_word" not in log.getvalue()


def test_database_down_after_the_rotation(
    ada: Client, thief: Client, cut: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spent token shown while the database is away is a 503, and reuse once it is back."""
    spent = ada.refresh_token
    ada.refresh()
    cut()
    problem(thief.refresh(spent), 503, "unavailable")
    monkeypatch.undo()
    ended(thief.refresh(spent))
    problem(ada.me(), 401, "invalid_token")


def test_redis_down(app: Flask, ada: Client, thief: Client, valkey: ValkeyServer) -> None:
    """The database is asked: who is revoked stays out, who is not stays in, all goes on."""
    out, phone = member(app, "eve@example.com"), other_browser(ada)
    out.log_out()
    valkey.stop()
    problem(thief.me(out.access_token), 401, "invalid_token")
    assert ada.alive()
    spent = phone.refresh_token
    phone.refresh()
    ended(thief.refresh(spent))
    problem(phone.me(), 401, "invalid_token")
    assert ada.change_password(NEW_PASSWORD).status_code == 200
    assert ada.log_out().status_code == 204
    problem(ada.me(), 401, "invalid_token")
    assert ada.log_in().status_code == 200


def test_redis_down_limits_all_the_same(app: Flask, ada: Client, valkey: ValkeyServer) -> None:
    assert ada.session_id
    valkey.stop()
    stranger = Client(app)
    for _ in range(5):
        problem(stranger.log_in("wrong wrong wrong"), 401, "invalid_credentials")
    problem(stranger.log_in(), 429, "too_many_attempts")
    assert ada.log_in().status_code == 200


def test_both_down(
    ada: Client, thief: Client, valkey: ValkeyServer, cut: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    dead = ada.access_token
    ada.log_out()
    ada.log_in()
    valkey.stop()
    cut()
    for token in (ada.access_token, dead):
        answer = thief.me(token)
        problem(answer, 503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    problem(thief.ask("GET", "/api/me", access="rubbish"), 401, "invalid_token")
    ready = thief.ask("GET", "/readyz")
    assert ready.get_json()["failing"] == ["database", "redis"]
    monkeypatch.undo()
    assert ada.me().status_code == 200
    problem(thief.me(dead), 401, "invalid_token")


def test_redis_forgets(ada: Client, thief: Client, valkey: ValkeyServer) -> None:
    phone = other_browser(ada)
    dead = phone.access_token
    phone.log_out()
    for lose in (valkey.flush, valkey.restart_empty, valkey.restart):
        lose()
        problem(thief.me(dead), 401, "invalid_token")
        assert ada.me().status_code == 200
    assert ada.alive()


def test_command_line_says_when_redis_could_not_be_told(
    app: Flask, ada: Client, valkey: ValkeyServer
) -> None:
    valkey.stop()
    done = app.test_cli_runner().invoke(args=["sessions", "revoke", "--user", ada.email])
    assert done.exit_code == 1
    assert "1 sessions revoked." in done.output
    assert "Redis does not answer" in done.output
    problem(ada.me(), 401, "invalid_token")
