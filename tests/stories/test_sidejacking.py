"""Sidejacking: somebody on the network reads what passes and takes the tokens out of it."""

import pytest
from flask import Flask

from app.web.cookies import REFRESH
from config import Settings, SettingsError, new_secret
from tests.support.client import Client, cookie_lines


def production(**changed: str) -> dict[str, str]:
    """Spell the environment of a deployment, and what is different about it."""
    return {
        "APP_ENV": "production",
        "PUBLIC_URL": "https://app.example.com",
        "JWT_SECRET": new_secret(),
        "SECRET_KEY": new_secret(),
        "MAIL_URL": "none",
        "DATABASE_URL": "postgresql+psycopg://latchkey@db/latchkey",
        "REDIS_URL": "rediss://cache:6379/0",
        **changed,
    }


@pytest.mark.parametrize("env", ["staging", "production"])
def test_without_tls_it_does_not_start(env: str) -> None:
    with pytest.raises(SettingsError, match="PUBLIC_URL must be https"):
        Settings.from_env(production(APP_ENV=env, PUBLIC_URL="http://app.example.com"))

    assert Settings.from_env(production(APP_ENV=env)).public_url == "https://app.example.com"


def test_browser_is_told_to_insist_on_tls(app: Flask, thief: Client) -> None:
    """For two years, on every kind of answer; a stripped link is never followed in the clear."""
    for path in ("/", "/api/me", "/nowhere", "/static/css/latchkey.css"):
        header = thief.ask("GET", path).headers["Strict-Transport-Security"]
        assert header == "max-age=63072000; includeSubDomains"
    assert Client(app).ask("GET", "/login").status_code == 200


def test_cookie_never_leaves_in_the_clear(ada: Client) -> None:
    for answer in (ada.log_in(), ada.refresh(), ada.log_in(remember=True), ada.log_out()):
        (line,) = cookie_lines(answer)
        assert line.startswith(f"{REFRESH}=")
        assert "; Secure; HttpOnly; Path=/; SameSite=Strict" in line
    assert REFRESH.startswith("__Host-Http-")


def test_no_token_in_an_address(ada: Client, thief: Client) -> None:
    """What stands in an address stands in every log and Referer on the way; it opens nothing."""
    for name in ("access_token", "token"):
        address = f"/api/me?{name}={ada.access_token}"
        assert thief.ask("GET", address).status_code == 401
    assert ada.me().status_code == 200


def test_nothing_of_a_session_is_kept_on_the_way(ada: Client) -> None:
    """No proxy or disk cache may keep an answer that carries credentials or personal data."""
    answers = [ada.log_in(), ada.refresh(), ada.me(), ada.protected("GET", "/fragments/account")]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
