"""POST /auth/email and /auth/email/confirm: another address for an account."""

import pytest
from flask import Flask
from sqlalchemy import text

from tests.support.app import clock_of, running, services
from tests.support.client import (
    EMAIL,
    NEW_PASSWORD,
    PASSWORD,
    Client,
    claims,
    member,
    other_browser,
    problem,
)
from tests.support.email_change import (
    NEW_EMAIL,
    address_of,
    ask_for,
    change,
    confirm,
    letters,
    link_to,
)
from tests.support.mail import mails, text_of, token_in

LOOK = {"message": "Look in your mail."}
DAY = 86400


def words(message: object) -> str:
    return " ".join(text_of(message).split())  # type: ignore[arg-type]


def test_the_whole_change(app: Flask, ada: Client, visitor: Client) -> None:
    answer = ask_for(ada)
    assert (answer.status_code, answer.get_json()) == (202, LOOK)
    assert address_of(app, ada) == EMAIL  # nothing changes before the link is used
    token = token_in(letters(app)[NEW_EMAIL])
    done = confirm(visitor, token)
    assert (done.status_code, done.data) == (204, b"")
    assert not visitor.cookies
    assert address_of(app, ada) == NEW_EMAIL
    assert ada.me().get_json()["email"] == NEW_EMAIL
    problem(Client(app).log_in(), 401, "invalid_credentials")
    assert Client(app, NEW_EMAIL).log_in().status_code == 200


def test_every_session_goes_on(app: Flask, ada: Client) -> None:
    other = other_browser(ada)
    mails(app)
    change(app, ada)
    assert ada.alive()
    assert other.alive()
    assert ada.log_in().status_code == 200
    assert mails(app) == []  # the mark of the browser is as good as before


def test_tokens_name_no_address(app: Flask, ada: Client) -> None:
    change(app, ada)
    ada.refresh()
    for token in (ada.access_token, ada.refresh_token):
        assert "example" not in str(claims(token))


def test_the_present_address_is_told_when_it_is_asked_for(
    app: Flask, ada: Client, visitor: Client
) -> None:
    ask_for(ada)
    found = letters(app)
    assert found.keys() == {EMAIL, NEW_EMAIL}
    notice, link = found[EMAIL], found[NEW_EMAIL]
    assert notice["Subject"] == "Change of address requested for your Latchkey account"
    assert "Firefox on Windows, network address 127.0.0.1" in words(notice)
    assert NEW_EMAIL not in words(notice)
    assert link["Subject"] == "Confirm your new address for Latchkey"
    assert f"{services(app).settings.public_url}/email/confirm?token=" in words(link)
    assert EMAIL not in words(link)  # perhaps a stranger reads it, because it was mistyped
    # "This wasn't me" stops it.
    answer = visitor.ask("POST", "/auth/secure", {"token": token_in(notice)})
    assert answer.status_code == 204
    problem(confirm(visitor, token_in(link)), 400, "invalid_link")
    assert not ada.alive()


def test_the_former_address_is_told_when_it_is_done(app: Flask, ada: Client) -> None:
    confirm(Client(app, ip="198.51.100.9"), link_to(app, ada))
    found = letters(app)
    assert found.keys() == {EMAIL}
    notice = found[EMAIL]
    assert notice["Subject"] == "The address of your Latchkey account was changed"
    assert f"{services(app).settings.public_url}/email/undo?token=" in words(notice)
    assert "network address 198.51.100.9" in words(notice)
    assert "works once, for 7 days" in words(notice)


def test_needs_a_recent_password(app: Flask, ada: Client) -> None:
    clock_of(app).forward(306)
    assert ada.refresh().status_code == 200
    problem(ask_for(ada), 401, "insufficient_user_authentication")
    assert mails(app) == []
    assert ada.reauthenticate().status_code == 200
    assert ask_for(ada).status_code == 202


def test_needs_a_session(app: Flask, visitor: Client) -> None:
    problem(ask_for(visitor), 401, "invalid_token")
    assert mails(app) == []


@pytest.mark.parametrize("email", ["nobody", "a@b", "", "x" * 400 + "@example.com", "a\x00@b.org"])
def test_what_is_no_address_is_refused(app: Flask, ada: Client, email: str) -> None:
    problem(ask_for(ada, email), 400, "invalid_request")
    assert mails(app) == []


@pytest.mark.parametrize("email", [EMAIL, EMAIL.upper(), f" {EMAIL}", "\uff41da@example.com"])
def test_ones_own_address_is_refused(app: Flask, ada: Client, email: str) -> None:
    refused = problem(ask_for(ada, email), 409, "email_taken")
    assert refused["detail"] == "This is the address of your account already."
    assert mails(app) == []


def test_the_address_is_normalized(app: Flask, ada: Client) -> None:
    assert ask_for(ada, " ADA@New.Example ").status_code == 202
    assert confirm(Client(app), token_in(letters(app)[NEW_EMAIL])).status_code == 204
    assert address_of(app, ada) == NEW_EMAIL


def test_three_requests_an_hour(ada: Client) -> None:
    """Of an account, to whatever addresses: it can flood nobody."""
    for number in range(3):
        assert ask_for(ada, f"{number}@example.com").status_code == 202
    refused = ask_for(ada, "3@example.com")
    problem(refused, 429, "too_many_attempts")
    assert int(refused.headers["Retry-After"]) > 0


def test_three_messages_an_hour_to_one_address(app: Flask) -> None:
    """From whatever accounts; over that the answer is the same, and nothing is sent there."""
    for number in range(5):
        somebody = member(app, f"{number}@example.com")
        mails(app)
        answer = ask_for(somebody, NEW_EMAIL)
        assert (answer.status_code, answer.get_json()) == (202, LOOK)
        assert (NEW_EMAIL in letters(app)) == (number < 3)


def test_the_network_is_limited(app: Flask, ada: Client) -> None:
    """As for log-in."""
    for number in range(30):
        Client(app).ask("POST", "/auth/reset", {"email": f"{number}@example.com"})
    problem(ask_for(ada), 429, "too_many_attempts")


def test_a_password_that_changes_meanwhile(
    app: Flask, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request has read the account before."""
    other = other_browser(ada)
    real = services(app).auth.throttle.email_change

    def change_first(user_id: str) -> None:
        assert other.change_password(NEW_PASSWORD, PASSWORD).status_code == 200
        mails(app)
        real(user_id)

    monkeypatch.setattr(
        type(services(app).auth.throttle), "email_change", lambda _, user: change_first(user)
    )
    problem(ask_for(ada), 401, "invalid_token")
    assert mails(app) == []


def test_the_activity_tells(app: Flask, ada: Client) -> None:
    change(app, ada)
    listed = ada.protected("GET", "/auth/activity").get_json()["activity"]
    found = {item["event"]: item for item in listed}
    assert found.keys() == {"email_change_requested", "email_changed", "logged_in"}
    assert found["email_change_requested"]["current"]
    assert found["email_changed"]["device"] == "Firefox on Windows"


@pytest.mark.usefixtures("valkey")
def test_without_mail_it_is_closed(environment: dict[str, str]) -> None:
    with running(environment, MAIL_URL="none") as app:
        ada = member(app)
        problem(ask_for(ada), 403, "mail_off")
        with services(app).database.autocommit() as connection:
            assert connection.scalar(text("SELECT count(*) FROM mails")) == 0
