"""POST /auth/secure: the link "This wasn't me" of a notice."""

import pytest
from flask import Flask

from app.auth import admin
from app.mail import queries
from app.mail.links import parse
from tests.support.app import clock_of, services
from tests.support.client import EMAIL, NEW_PASSWORD, PASSWORD, Client, ended, member, problem
from tests.support.mail import mail, mails, token_in

DAY = 86400


@pytest.fixture
def token(app: Flask, ada: Client) -> str:
    """The link in the notice of a change of the password, by a thief who knew the former one."""
    ada.change_password(NEW_PASSWORD)
    return token_in(mail(app))


def test_takes_the_account_back(
    app: Flask, ada: Client, visitor: Client, thief: Client, token: str
) -> None:
    bob = member(app, "bob@example.com")
    mails(app)
    access, refresh = ada.access_token, ada.refresh_token
    assert visitor.ask("POST", "/auth/secure", {"token": token}).status_code == 204
    problem(thief.me(access), 401, "invalid_token")
    ended(thief.refresh(refresh))
    for password in (PASSWORD, NEW_PASSWORD, ""):
        assert ada.log_in(password or " ").status_code == 401
    assert bob.alive()

    link = token_in(mail(app))
    body = {"token": link, "password": "one more marble teapot"}
    assert visitor.ask("POST", "/auth/reset/finish", body).status_code == 204
    assert ada.log_in("one more marble teapot").status_code == 200


def test_after_further_changes_by_the_thief(ada: Client, visitor: Client, token: str) -> None:
    ada.change_password("a third password of the thief")
    assert visitor.ask("POST", "/auth/secure", {"token": token}).status_code == 204
    problem(ada.log_in("a third password of the thief"), 401, "invalid_credentials")


def test_works_once(visitor: Client, token: str) -> None:
    assert visitor.ask("POST", "/auth/secure", {"token": token}).status_code == 204
    problem(visitor.ask("POST", "/auth/secure", {"token": token}), 400, "invalid_link")


def test_a_link_that_another_request_uses_up_meanwhile(
    app: Flask, visitor: Client, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This request has read the message before the other commits."""
    link = parse(token)
    assert link
    before = services(app).database.read(queries.find, link.mail_id)
    assert visitor.ask("POST", "/auth/secure", {"token": token}).status_code == 204
    monkeypatch.setattr(queries, "find", lambda *_: before)
    problem(visitor.ask("POST", "/auth/secure", {"token": token}), 400, "invalid_link")


@pytest.mark.parametrize("seconds", [7 * DAY - 1, 7 * DAY])
def test_lives_for_seven_days(app: Flask, visitor: Client, token: str, seconds: int) -> None:
    clock_of(app).forward(seconds)
    status = visitor.ask("POST", "/auth/secure", {"token": token}).status_code
    assert status == (204 if seconds < 7 * DAY else 400)


def test_opens_nothing_else(visitor: Client, token: str) -> None:
    """A link of one kind is not one of another."""
    body = {"token": token, "password": NEW_PASSWORD}
    problem(visitor.ask("POST", "/auth/reset/finish", body), 400, "invalid_link")


def test_a_link_for_a_new_password_secures_nothing(
    app: Flask, ada: Client, visitor: Client
) -> None:
    visitor.ask("POST", "/auth/reset", {"email": EMAIL})
    link = token_in(mail(app))
    problem(visitor.ask("POST", "/auth/secure", {"token": link}), 400, "invalid_link")
    assert ada.alive()


def test_a_disabled_account_stays_disabled(app: Flask, visitor: Client, token: str) -> None:
    own = services(app)
    admin.disable(own.auth, admin.find_user(own.auth, EMAIL))
    problem(visitor.ask("POST", "/auth/secure", {"token": token}), 400, "invalid_link")
