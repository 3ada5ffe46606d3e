"""Mail about a log-in from a browser without the account's mark."""

import sqlite3
from typing import NoReturn

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.accounts import activity
from app.accounts.known_browsers import LIFE_SECONDS
from app.mail.models import MAX_A_DAY
from app.web.cookies import DEVICE
from tests.support.app import running, services
from tests.support.at_once import at_once
from tests.support.client import (
    EMAIL,
    NEW_PASSWORD,
    Client,
    member,
    other_browser,
    problem,
    program,
)
from tests.support.clock import SettableClock
from tests.support.mail import mail, mails, text_of, token_in

DAY = 86400
NEW_LOGIN = "New login to your Latchkey account"


def told(app: Flask) -> int:
    """Return how many messages about a log-in are due, and send them."""
    found = mails(app)
    assert {one["Subject"] for one in found} <= {NEW_LOGIN}
    assert {one["To"] for one in found} <= {EMAIL}
    return len(found)


def curl(app: Flask, agent: str = "curl/8.0", ip: str = "127.0.0.1") -> Client:
    """Return a program that keeps no cookies."""
    client = program(app, ip=ip)
    client.headers = {"User-Agent": agent}
    return client


def test_another_browser(app: Flask, ada: Client, thief: Client) -> None:
    stranger = Client(app, ip="198.51.100.9")
    assert stranger.log_in().status_code == 200
    notice = mail(app)
    assert (notice["To"], notice["Subject"]) == (EMAIL, NEW_LOGIN)
    words = " ".join(text_of(notice).split())
    assert "Firefox on Windows, network address 198.51.100.9" in words
    token = token_in(notice)
    assert thief.ask("POST", "/auth/secure", {"token": token}).status_code == 204
    assert not stranger.alive()
    assert not ada.alive()


def test_a_known_browser_says_nothing(app: Flask, ada: Client) -> None:
    for _ in range(2):
        assert ada.log_in().status_code == 200
    browser = other_browser(ada)
    assert told(app) == 1
    for _ in range(2):
        assert browser.log_in().status_code == 200
    assert told(app) == 0


@pytest.mark.usefixtures("ada")
def test_who_keeps_no_cookies_is_told_of_once_a_day(app: Flask, clock: SettableClock) -> None:
    for _ in range(3):
        assert curl(app).log_in().status_code == 200
    assert told(app) == 1
    clock.forward(DAY - 1)
    assert curl(app).log_in().status_code == 200
    assert told(app) == 0
    clock.forward(1)
    assert curl(app).log_in().status_code == 200
    assert told(app) == 1


@pytest.mark.usefixtures("ada")
def test_a_thief_who_says_to_be_the_owners_program(app: Flask) -> None:
    """The name is free to choose, but it comes from elsewhere."""
    assert curl(app).log_in().status_code == 200
    assert told(app) == 1
    assert curl(app, ip="198.51.100.9").log_in().status_code == 200
    assert "network address 198.51.100.9" in " ".join(text_of(mail(app)).split())


@pytest.mark.usefixtures("ada")
def test_nobody_is_flooded(app: Flask, clock: SettableClock) -> None:
    """Under ever new names; the first of them is told of in any case."""
    for number in range(MAX_A_DAY + 3):
        assert curl(app, f"curl/8.{number}").log_in().status_code == 200
        clock.forward(60)
    # One of them was used up by the browser of the fixture.
    assert told(app) == MAX_A_DAY - 1
    clock.forward(DAY)
    assert curl(app).log_in().status_code == 200
    assert told(app) == 1


def test_another_account_has_limits_of_its_own(app: Flask, ada: Client) -> None:
    for number in range(MAX_A_DAY):
        curl(app, f"curl/8.{number}").log_in()
    mails(app)
    member(app, "bob@example.com")
    assert mail(app)["To"] == "bob@example.com"
    assert ada.alive()


def test_marks_that_are_none(app: Flask, ada: Client) -> None:
    """Forged, of another account, and too old."""
    eve = member(app, "eve@example.com")
    mails(app)
    marks = (ada.cookies[DEVICE] + "x", "W10.x", eve.cookies[DEVICE], ada.refresh_token)
    for number, mark in enumerate(marks):
        stranger = Client(app, agent=f"browser {number}")
        stranger.cookies[DEVICE] = mark
        assert stranger.log_in().status_code == 200
        assert told(app) == 1


def test_a_browser_that_was_away_for_half_a_year(
    app: Flask, ada: Client, clock: SettableClock
) -> None:
    clock.forward(LIFE_SECONDS)
    assert ada.log_in().status_code == 200
    assert told(app) == 1


def test_after_a_change_of_the_password_other_browsers_are_new(app: Flask, ada: Client) -> None:
    """The thief's may be one of them, and know the new password too."""
    other = other_browser(ada)
    mails(app)
    assert ada.change_password(NEW_PASSWORD).status_code == 200
    assert mail(app)["Subject"] == "Your Latchkey password was changed"
    assert ada.log_in().status_code == 200
    assert told(app) == 0
    # Told of today already, but with the former password.
    assert other.log_in(NEW_PASSWORD).status_code == 200
    assert told(app) == 1


@pytest.mark.usefixtures("ada")
def test_a_wrong_password_says_nothing(app: Flask) -> None:
    problem(curl(app).log_in("wrong wrong wrong"), 401, "invalid_credentials")
    assert told(app) == 0
    assert curl(app).log_in().status_code == 200
    assert told(app) == 1


def test_registering_says_nothing(app: Flask, visitor: Client) -> None:
    """It begins a session too, in a browser that is known from then on."""
    assert visitor.ask_for_account().status_code == 202
    assert visitor.finish_account(token_in(mail(app))).status_code == 201
    assert visitor.cookies[DEVICE]
    assert told(app) == 0
    assert visitor.log_in().status_code == 200
    assert told(app) == 0


@pytest.mark.usefixtures("ada")
def test_a_log_in_that_fails_says_nothing_and_uses_up_nothing(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> NoReturn:
        raise OperationalError("INSERT", {}, sqlite3.OperationalError("disk full"))

    with monkeypatch.context() as patch:
        patch.setattr(activity, "insert_rows", fail)
        problem(curl(app).log_in(), 503, "unavailable")
    assert told(app) == 0
    assert curl(app).log_in().status_code == 200
    assert told(app) == 1


@pytest.mark.usefixtures("ada")
def test_four_at_once_are_told_of_once(app: Flask) -> None:
    statuses = at_once(4, lambda _: curl(app).log_in().status_code)
    assert statuses.count(200) >= 2
    assert told(app) == 1


@pytest.mark.usefixtures("ada")
def test_at_once_under_new_names_nobody_is_flooded(app: Flask) -> None:
    def log_in(number: int) -> int:
        return curl(app, f"curl/8.{number}", f"198.51.{number}.9").log_in().status_code

    assert at_once(8, log_in).count(200) >= MAX_A_DAY - 1
    assert told(app) == MAX_A_DAY - 1


@pytest.mark.usefixtures("valkey")
def test_without_mail_nothing_waits(environment: dict[str, str]) -> None:
    with running(environment, MAIL_URL="none") as app:
        member(app)
        with services(app).database.autocommit() as connection:
            assert connection.scalar(text("SELECT count(*) FROM mails")) == 0
