"""POST /auth/reset and /auth/reset/finish."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from app.auth import admin
from tests.support.app import clock_of, running, services
from tests.support.client import EMAIL, NEW_PASSWORD, PASSWORD, Client, ended, member, problem
from tests.support.mail import mail, mails, text_of, token_in

pytestmark = pytest.mark.usefixtures("ada")

LOOK = {"message": "Look in your mail."}


def ask(visitor: Client, email: str = EMAIL) -> None:
    answer = visitor.ask("POST", "/auth/reset", {"email": email})
    assert (answer.status_code, answer.json) == (202, LOOK)


@pytest.fixture
def token(app: Flask, visitor: Client) -> str:
    ask(visitor)
    return token_in(mail(app))


def finish(visitor: Client, token: str, password: str = NEW_PASSWORD) -> None:
    answer = visitor.ask("POST", "/auth/reset/finish", {"token": token, "password": password})
    assert (answer.status_code, answer.data) == (204, b"")


def test_sets_the_password_and_ends_everything(
    app: Flask, ada: Client, visitor: Client, thief: Client, token: str
) -> None:
    access, refresh = ada.access_token, ada.refresh_token
    bob = member(app, "bob@example.com")
    mails(app)
    finish(visitor, token)
    notice = mail(app)
    assert notice["To"] == EMAIL
    assert notice["Subject"] == "Your Latchkey password was reset"
    problem(thief.me(access), 401, "invalid_token")
    ended(thief.refresh(refresh))
    assert bob.alive()
    assert not visitor.cookies  # it logs nobody in
    problem(ada.log_in(PASSWORD), 401, "invalid_credentials")
    assert ada.log_in(NEW_PASSWORD).status_code == 200


def test_the_message_says_who_asked(app: Flask, visitor: Client) -> None:
    ask(visitor)
    text = " ".join(text_of(mail(app)).split())
    assert "for the account of ada@example.com" in text
    assert "Firefox on Windows, network address 127.0.0.1" in text
    assert f"{services(app).settings.public_url}/reset/finish?token=" in text


def test_an_unknown_address_is_told_once_a_day(app: Flask, visitor: Client) -> None:
    for _ in range(3):
        ask(visitor, "nobody@example.com")
    (note,) = mails(app)
    assert note["Subject"] == "There is no Latchkey account for this address"
    assert "token" not in text_of(note)


def test_three_messages_an_hour(app: Flask, visitor: Client) -> None:
    """Over that the answer is the same, and nothing is sent."""
    for _ in range(5):
        ask(visitor)
    assert len(mails(app)) == 3


def test_a_link_works_once(visitor: Client, token: str) -> None:
    finish(visitor, token)
    again = visitor.ask("POST", "/auth/reset/finish", {"token": token, "password": "x" * 20})
    problem(again, 400, "invalid_link")


def test_twenty_at_once_set_one_password(app: Flask, ada: Client, token: str) -> None:
    passwords = [f"quarry lantern umbrella {number}" for number in range(20)]

    def race(password: str) -> int:
        body = {"token": token, "password": password}
        return Client(app).ask("POST", "/auth/reset/finish", body).status_code

    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(race, passwords))
    # Who finds no place for hashing is refused with 503 and may come again.
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 400, 503}
    winner = passwords[statuses.index(204)]
    assert ada.log_in(winner).status_code == 200


def test_a_weak_password_leaves_the_link(visitor: Client, token: str) -> None:
    weak = visitor.ask("POST", "/auth/reset/finish", {"token": token, "password": "short"})
    problem(weak, 422, "weak_password")
    finish(visitor, token)


@pytest.mark.parametrize("seconds", [3599, 3600])
def test_a_link_lives_for_an_hour(app: Flask, visitor: Client, token: str, seconds: int) -> None:
    clock_of(app).forward(seconds)
    answer = visitor.ask("POST", "/auth/reset/finish", {"token": token, "password": NEW_PASSWORD})
    assert answer.status_code == (204 if seconds < 3600 else 400)


def test_a_message_that_waited_has_a_fresh_link(app: Flask, visitor: Client) -> None:
    """The mail server may be away for longer than a link lives."""
    ask(visitor)
    clock_of(app).forward(20000)
    finish(visitor, token_in(mail(app)))


def test_a_changed_password_kills_the_links_from_before(
    app: Flask, ada: Client, visitor: Client, token: str
) -> None:
    ask(visitor)  # this one has not been sent when the password changes
    ada.change_password(NEW_PASSWORD)
    answer = visitor.ask("POST", "/auth/reset/finish", {"token": token, "password": "y" * 20})
    problem(answer, 400, "invalid_link")
    (notice,) = mails(app)
    assert notice["Subject"] == "Your Latchkey password was changed"


def test_the_link_of_a_disabled_account_is_dead(app: Flask, visitor: Client, token: str) -> None:
    own = services(app)
    admin.disable(own.auth, admin.find_user(own.auth, EMAIL))
    answer = visitor.ask("POST", "/auth/reset/finish", {"token": token, "password": NEW_PASSWORD})
    problem(answer, 400, "invalid_link")


def test_a_disabled_account_gets_no_link(app: Flask, visitor: Client) -> None:
    own = services(app)
    admin.disable(own.auth, admin.find_user(own.auth, EMAIL))
    ask(visitor)
    assert "no Latchkey account" in mail(app)["Subject"]


def test_an_erased_account_and_its_successor(app: Flask, visitor: Client, token: str) -> None:
    """Nothing of the former account opens the new one with the same address."""
    own = services(app)
    admin.delete(own.auth, admin.find_user(own.auth, EMAIL))
    member(app)
    answer = visitor.ask("POST", "/auth/reset/finish", {"token": token, "password": NEW_PASSWORD})
    problem(answer, 400, "invalid_link")


@pytest.mark.parametrize("email", ["no address", "a@b", "x" * 400 + "@example.com"])
def test_what_is_no_address_is_refused(visitor: Client, email: str) -> None:
    problem(visitor.ask("POST", "/auth/reset", {"email": email}), 400, "invalid_request")


def test_the_network_is_limited(visitor: Client) -> None:
    statuses = [
        visitor.ask("POST", "/auth/reset", {"email": f"{number}@example.com"}).status_code
        for number in range(31)
    ]
    assert statuses == [202] * 30 + [429]  # as for log-in


def test_without_mail_it_is_closed(environment: dict[str, str]) -> None:
    with running(environment, MAIL_URL="none") as app:
        visitor = Client(app)
        problem(visitor.ask("POST", "/auth/reset", {"email": EMAIL}), 403, "mail_off")
