"""POST /auth/login."""

from datetime import datetime

import pytest
from flask import Flask

from app.web.cookies import DEVICE
from tests.support.app import clock_of
from tests.support.client import (
    EMAIL,
    PASSWORD,
    SESSION_COOKIE,
    Client,
    claims,
    ended,
    other_browser,
    problem,
    program,
    set_cookies,
)

DEVICE_COOKIE = f"{DEVICE}=…; Max-Age=15552000; Secure; HttpOnly; Path=/; SameSite=Strict"
KEPT_COOKIE = SESSION_COOKIE.replace("…;", "…; Max-Age=604800;")


def test_token_answer(ada: Client) -> None:
    answer = ada.log_in()
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.get_json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "session", "user"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    assert body["session"].keys() == {"id", "expires_at"}
    assert body["user"] == {"id": ada.user_id, "email": EMAIL}
    assert ada.refresh_token
    assert ada.refresh_token not in answer.text
    assert body["access_token"] not in str(answer.headers)


def test_access_token_claims(ada: Client) -> None:
    found = claims(ada.access_token)
    assert found.keys() == {"iss", "aud", "sub", "sid", "jti", "iat", "exp", "auth_time", "amr"}
    assert found["iss"] == "https://localhost"
    assert found["aud"] == "https://localhost/api"
    assert (found["sub"], found["sid"]) == (ada.user_id, ada.session_id)
    assert found["exp"] - found["iat"] == 600
    assert found["auth_time"] == found["iat"]
    assert found["amr"] == ["pwd"]
    assert len(found["jti"]) == 22


def test_refresh_token_claims(ada: Client) -> None:
    found = claims(ada.refresh_token)
    assert found.keys() == {"iss", "aud", "sub", "family_id", "jti", "iat", "exp"}
    assert found["aud"] == "https://localhost/auth/refresh"
    assert found["family_id"] == ada.session_id
    assert found["exp"] - found["iat"] == 12 * 3600


def test_cookie_that_is_kept(ada: Client) -> None:
    answer = ada.log_in(remember=True)
    assert set_cookies(answer) == [KEPT_COOKIE]
    expires = datetime.fromisoformat(answer.get_json()["session"]["expires_at"]).timestamp()
    assert expires - claims(ada.access_token)["iat"] == 30 * 86400
    assert ada.sessions()[0]["remembered"] is True


def test_first_login_marks_the_browser(visitor: Client) -> None:
    visitor.create_account()
    assert set_cookies(visitor.log_in()) == [SESSION_COOKIE, DEVICE_COOKIE]
    assert len(set_cookies(visitor.log_in())) == 1


def test_wrong_password_and_unknown_account_are_one_answer(app: Flask, ada: Client) -> None:
    """Same status, same body but for its number, same headers; no cookie is touched."""
    wrong = ada.log_in("quarry lantern umbrella ten")
    unknown = Client(app, "nobody@example.com").log_in()
    bodies = [problem(answer, 401, "invalid_credentials") for answer in (wrong, unknown)]
    for answer, body in zip((wrong, unknown), bodies, strict=True):
        assert "Set-Cookie" not in answer.headers
        assert "WWW-Authenticate" not in answer.headers
        assert body.pop("request_id")
        answer.headers.pop("X-Request-Id")
    assert bodies[0] == bodies[1]
    assert list(wrong.headers) == list(unknown.headers)
    assert ada.alive()


@pytest.mark.parametrize("email", ["x", "a b", "\ud83d\ude00@example.com", "a" * 320, "'--"])
def test_address_that_nobody_can_have(visitor: Client, email: str) -> None:
    """Logging in does not tell what an address looks like."""
    visitor.email = email
    problem(visitor.log_in(), 401, "invalid_credentials")


def test_address_beyond_any_length(visitor: Client) -> None:
    visitor.email = "a" * 321
    problem(visitor.log_in(), 400, "invalid_request")


def test_login_ends_the_browsers_former_family(ada: Client, thief: Client) -> None:
    phone = other_browser(ada)
    access, refresh = ada.access_token, ada.refresh_token
    assert ada.log_in().status_code == 200
    problem(thief.me(access), 401, "invalid_token")
    ended(thief.refresh(refresh))
    assert ada.alive()
    assert phone.alive()


def test_login_as_somebody_else_ends_the_former_users_family(app: Flask, ada: Client) -> None:
    bob = Client(app, "bob@example.com")
    bob.create_account()
    access = ada.access_token
    answer = ada.ask("POST", "/auth/login", {"email": bob.email, "password": PASSWORD})
    assert answer.status_code == 200
    problem(program(app).me(access), 401, "invalid_token")


def test_garbage_cookie_does_not_hinder(ada: Client, thief: Client) -> None:
    body = {"email": EMAIL, "password": PASSWORD}
    assert thief.ask("POST", "/auth/login", cookie="rubbish", body=body).status_code == 200
    assert ada.alive()


def test_at_most_twenty_live_families(app: Flask, thief: Client, ada: Client) -> None:
    """The twenty-first log-in ends the family that was used longest ago, and its tokens."""
    with app.app_context():
        others = [other_browser(ada) for _ in range(19)]
        assert len(others[-1].sessions()) == 20
        assert ada.me().status_code == 200
        last = other_browser(ada)
    assert len(last.sessions()) == 20
    dead = [actor for actor in (ada, *others, last) if actor.me().status_code == 401]
    assert len(dead) == 1
    assert last not in dead
    ended(thief.refresh(dead[0].refresh_token))


def test_the_browsers_own_former_family_makes_room(app: Flask, ada: Client) -> None:
    """Who logs in again where they are logged in costs none of their other devices its session."""
    with app.app_context():
        others = [other_browser(ada) for _ in range(19)]
        assert len(ada.sessions()) == 20
        assert ada.log_in().status_code == 200
    assert len(ada.sessions()) == 20
    assert {other.me().status_code for other in others} == {200}


def test_long_unused_family_makes_room(app: Flask, ada: Client) -> None:
    clock = clock_of(app)
    clock.forward(10)
    idle = other_browser(ada)
    clock.forward(10)
    assert ada.refresh().status_code == 200
    clock.forward(10)
    for _ in range(19):
        other_browser(ada)
    assert ada.me().status_code == 200
    assert idle.me().status_code == 401
