"""Passwords that are known from breaches: refused when chosen, told at a log-in."""

import io
from pathlib import Path

import pytest
from flask import Flask

from tests.support.breaches import filter_of, import_into, list_of, sha1
from tests.support.client import (
    EMAIL,
    NEW_PASSWORD,
    PASSWORD,
    Client,
    member,
    problem,
    program,
)
from tests.support.mail import registration_token

OTHER = "seven pigeons near a teapot"


@pytest.fixture
def breaches(tmp_path: Path) -> Path:
    """The filter of the application; it has one password that nobody uses."""
    return filter_of(tmp_path, OTHER)


@pytest.fixture
def environment(environment: dict[str, str], breaches: Path) -> dict[str, str]:
    return environment | {"BREACHED_PASSWORDS": str(breaches)}


def become_known(breaches: Path, *passwords: str) -> None:
    """Import a list with these passwords while the application runs."""
    import_into(breaches, list_of(*passwords))


def test_no_account_is_opened_with_one(visitor: Client) -> None:
    """The reason has a code of its own."""
    token = registration_token(visitor)
    visitor.password = OTHER
    body = problem(visitor.finish_account(token), 422, "weak_password")
    assert body["reasons"] == [{"code": "breached", "detail": body["detail"]}]
    visitor.password = PASSWORD
    assert visitor.finish_account(token).status_code == 201


def test_no_password_is_changed_to_one(ada: Client, breaches: Path) -> None:
    """The present one may be known; the next one may not."""
    become_known(breaches, PASSWORD, NEW_PASSWORD)
    body = problem(ada.change_password(NEW_PASSWORD), 422, "weak_password")
    assert [reason["code"] for reason in body["reasons"]] == ["breached"]
    assert ada.change_password("four unknown words here").status_code == 200


def test_letters_are_composed_before_they_are_looked_up(visitor: Client, breaches: Path) -> None:
    """As they are before a hash."""
    become_known(breaches, "jos\u00e9 and his seven cats")
    visitor.password = "jose\u0301 and his seven cats"
    problem(visitor.finish_account(registration_token(visitor)), 422, "weak_password")


def test_a_log_in_with_one_succeeds_and_tells(ada: Client, breaches: Path) -> None:
    """Also where the session is bound; a refresh and a change of password say nothing of it."""
    assert "password_breached" not in ada.log_in().get_json()
    become_known(breaches, PASSWORD)
    assert ada.log_in().get_json()["password_breached"] is True
    assert ada.alive()
    assert "password_breached" not in ada.refresh().get_json()
    assert "password_breached" not in ada.change_password(NEW_PASSWORD).get_json()
    assert "password_breached" not in ada.log_in(NEW_PASSWORD).get_json()


def test_a_wrong_password_is_not_told_to_be_known(ada: Client, breaches: Path) -> None:
    """Nobody learns by a log-in what the filter has, or that a guess was near."""
    become_known(breaches, OTHER)
    known, unknown = (ada.log_in(guess).get_json() for guess in (OTHER, "a guess of somebody"))
    assert {**known, "request_id": ""} == {**unknown, "request_id": ""}
    problem(ada.log_in(OTHER), 401, "invalid_credentials")


def test_a_form_leads_to_the_page_that_changes_it(app: Flask, tab: Client, breaches: Path) -> None:
    """Instead of the page that was wanted; the page says why."""
    member(app)
    become_known(breaches, PASSWORD)
    answer = tab.send_form("/login", email=EMAIL, password=PASSWORD, next="/account/sessions")
    assert answer.status_code == 303
    assert answer.location == "/account/password?notice=password_breached"
    assert tab.refresh_token
    html = {"Accept": "text/html"}
    page = tab.ask("GET", answer.location, headers=html).text
    assert "the password that you used is known from a breach elsewhere" in page
    for quiet in ("/account/password", "/account/password?notice=anything"):
        assert "breach" not in tab.ask("GET", quiet, headers=html).text


def test_neither_password_nor_hash_is_logged(app: Flask, breaches: Path, log: io.StringIO) -> None:
    """Nor which account has one: a log that leaks would be a list of victims."""
    become_known(breaches, PASSWORD, OTHER)
    visitor = Client(app)
    visitor.password = OTHER
    problem(visitor.finish_account(registration_token(visitor)), 422, "weak_password")
    become_known(breaches, OTHER)
    ada = member(app)
    become_known(breaches, PASSWORD, OTHER)
    assert ada.log_in().get_json()["password_breached"]
    written = log.getvalue().lower()
    assert "logged_in" in written
    for secret in (PASSWORD, OTHER, sha1(PASSWORD), sha1(OTHER), "breach"):
        assert secret.lower() not in written


def test_a_filter_that_is_gone_keeps_nobody_out(
    ada: Client, breaches: Path, log: io.StringIO
) -> None:
    """The log says that the defense is absent."""
    breaches.unlink()
    assert ada.log_in().status_code == 200
    newcomer = program(ada.app, "new@example.com")
    token = registration_token(newcomer)
    newcomer.password = OTHER
    assert newcomer.finish_account(token).status_code == 201
    assert "BREACHED_PASSWORDS cannot be read" in log.getvalue()
