"""The link to a new address: what opens nothing, and who gets an address that several want."""

import pytest
from flask import Flask

from app.accounts import queries as accounts
from app.auth import admin
from app.mail import queries as mails_of
from app.mail.links import parse
from app.mail.models import Kind
from tests.support.app import clock_of, services
from tests.support.at_once import at_once
from tests.support.client import EMAIL, NEW_PASSWORD, Client, member, problem
from tests.support.email_change import (
    NEW_EMAIL,
    address_of,
    ask_for,
    change,
    confirm,
    letters,
    link_to,
    undo,
)
from tests.support.mail import mails, registration_token, token_in

DAY = 86400


@pytest.fixture
def token(app: Flask, ada: Client) -> str:
    """The link that was mailed to the new address."""
    return link_to(app, ada)


def is_dead(app: Flask, ada: Client, token: str) -> None:
    """Check that a link opens nothing, and changes nothing."""
    before = address_of(app, ada)
    problem(confirm(Client(app), token), 400, "invalid_link")
    assert address_of(app, ada) == before


def test_works_once(app: Flask, ada: Client, token: str) -> None:
    assert confirm(Client(app), token).status_code == 204
    mails(app)
    is_dead(app, ada, token)
    assert mails(app) == []


@pytest.mark.parametrize("seconds", [DAY - 1, DAY])
def test_lives_for_a_day(app: Flask, ada: Client, token: str, seconds: int) -> None:
    clock_of(app).forward(seconds)
    status = confirm(Client(app), token).status_code
    assert status == (204 if seconds < DAY else 400)
    assert address_of(app, ada) == (NEW_EMAIL if seconds < DAY else EMAIL)


def test_altered(app: Flask, ada: Client, token: str) -> None:
    for at in range(0, len(token), 5):
        other = "1" if token[at] != "1" else "2"
        is_dead(app, ada, token[:at] + other + token[at + 1 :])


def test_a_link_of_another_kind(app: Flask, ada: Client, visitor: Client) -> None:
    """None of them, each as good as new, does what another one is for."""
    undone = change(app, ada)
    ask_for(ada, "ada@third.example")
    found = letters(app)
    notice, pending = token_in(found[NEW_EMAIL]), token_in(found["ada@third.example"])
    visitor.ask("POST", "/auth/reset", {"email": NEW_EMAIL})
    reset = token_in(letters(app)[NEW_EMAIL])
    registration = registration_token(Client(app, "bob@example.com"))
    for path, right in {
        "/auth/email/confirm": pending,
        "/auth/email/undo": undone,
        "/auth/secure": notice,
        "/auth/reset/finish": reset,
        "/auth/register/finish": registration,
    }.items():
        for token in {pending, undone, notice, reset, registration} - {right}:
            body = {"token": token, "password": NEW_PASSWORD}
            problem(visitor.ask("POST", path, body), 400, "invalid_link")
    assert ada.alive()
    assert confirm(visitor, pending).status_code == 204
    assert undo(visitor, undone).status_code == 204


def test_for_another_account(app: Flask, ada: Client, token: str) -> None:
    """Somebody who can write to the outbox, and has no key, makes it a link of their own."""
    eve = member(app, "eve@example.com")
    link = parse(token)
    assert link
    with services(app).database.autocommit() as connection:
        connection.exec_driver_sql(
            f"UPDATE mails SET user_id = '{eve.user_id}' WHERE id = '{link.mail_id}'"  # noqa: S608 - ids
        )
    is_dead(app, eve, token)
    is_dead(app, ada, token)


def test_to_another_address(app: Flask, ada: Client, token: str) -> None:
    link = parse(token)
    assert link
    with services(app).database.autocommit() as connection:
        connection.exec_driver_sql(
            f"UPDATE mails SET address = 'eve@example.com' WHERE id = '{link.mail_id}'"  # noqa: S608 - an id
        )
    is_dead(app, ada, token)


def test_after_a_change_of_the_password(app: Flask, ada: Client, token: str) -> None:
    """Also the one that had not been sent: its message is not sent any more."""
    ask_for(ada)
    assert ada.change_password(NEW_PASSWORD).status_code == 200
    assert NEW_EMAIL not in {str(one["To"]) for one in mails(app)}
    is_dead(app, ada, token)


def test_after_a_reset(app: Flask, ada: Client, visitor: Client, token: str) -> None:
    """So nobody can prepare a change, and confirm it after the owner came back."""
    visitor.ask("POST", "/auth/reset", {"email": EMAIL})
    body = {"token": token_in(letters(app)[EMAIL]), "password": NEW_PASSWORD}
    assert visitor.ask("POST", "/auth/reset/finish", body).status_code == 204
    is_dead(app, ada, token)


def test_of_a_disabled_account(app: Flask, ada: Client, token: str) -> None:
    auth = services(app).auth
    admin.disable(auth, admin.find_user(auth, EMAIL))
    is_dead(app, ada, token)
    problem(undo(Client(app), token), 400, "invalid_link")


def test_of_a_deleted_account(app: Flask, token: str) -> None:
    auth = services(app).auth
    admin.delete(auth, admin.find_user(auth, EMAIL))
    problem(confirm(Client(app), token), 400, "invalid_link")


def test_a_second_request_kills_the_first(app: Flask, ada: Client, token: str) -> None:
    """It may have been mistyped, and somebody else reads it; whether or not it has been sent."""
    ask_for(ada, "ada@mistyped.example")
    ask_for(ada, "ada@right.example")
    sent = mails(app)
    assert sorted(str(one["To"]) for one in sent) == [EMAIL, EMAIL, "ada@right.example"]
    (other,) = [token_in(one) for one in sent if one["To"] == "ada@right.example"]
    is_dead(app, ada, token)
    assert confirm(Client(app), other).status_code == 204
    assert address_of(app, ada) == "ada@right.example"


def test_a_second_request_for_the_same_address(app: Flask, ada: Client, token: str) -> None:
    """Either of its links works, because somebody who waits asks again; then both are dead."""
    again = link_to(app, ada)
    assert confirm(Client(app), token).status_code == 204
    is_dead(app, ada, again)


def test_there_and_back_revives_no_link(app: Flask, ada: Client) -> None:
    """The account has its former address again, and the same password."""
    pending = link_to(app, ada, "ada@third.example")
    change(app, ada)
    change(app, ada, EMAIL)
    assert address_of(app, ada) == EMAIL
    is_dead(app, ada, pending)


def test_a_reset_link_from_before(app: Flask, ada: Client, visitor: Client) -> None:
    """The former mailbox opens nothing any more; neither does a message that had to wait."""
    visitor.ask("POST", "/auth/reset", {"email": EMAIL})
    reset = token_in(letters(app)[EMAIL])
    token = link_to(app, ada)
    visitor.ask("POST", "/auth/reset", {"email": EMAIL})  # waits
    assert confirm(visitor, token).status_code == 204
    sent = mails(app)
    assert [one["Subject"] for one in sent] == ["The address of your Latchkey account was changed"]
    body = {"token": reset, "password": NEW_PASSWORD}
    problem(visitor.ask("POST", "/auth/reset/finish", body), 400, "invalid_link")


def test_an_address_that_got_an_account_meanwhile(app: Flask, ada: Client, token: str) -> None:
    """The answer is clear, and the link works once the address is free again."""
    newcomer = Client(app, NEW_EMAIL)
    assert newcomer.finish_account(registration_token(newcomer)).status_code == 201
    taken = problem(confirm(Client(app), token), 409, "email_taken")
    assert taken["detail"] == "There is already an account for this e-mail address."
    assert address_of(app, ada) == EMAIL
    assert newcomer.alive()
    auth = services(app).auth
    admin.delete(auth, admin.find_user(auth, NEW_EMAIL))
    assert confirm(Client(app), token).status_code == 204
    assert address_of(app, ada) == NEW_EMAIL


def test_a_registration_of_an_address_that_was_taken_meanwhile(app: Flask, ada: Client) -> None:
    newcomer = Client(app, NEW_EMAIL)
    registration = registration_token(newcomer)
    change(app, ada)
    problem(newcomer.finish_account(registration), 400, "invalid_link")
    assert ada.alive()


def test_the_former_address_is_free(app: Flask, ada: Client) -> None:
    change(app, ada)
    newcomer = Client(app, EMAIL)
    assert newcomer.finish_account(registration_token(newcomer)).status_code == 201
    assert newcomer.user_id != ada.user_id
    assert ada.alive()


def test_twenty_at_once_change_it_once(app: Flask, ada: Client, token: str) -> None:
    statuses = at_once(20, lambda _: confirm(Client(app), token).status_code)
    assert sorted(statuses) == [204] + [400] * 19
    assert [one["To"] for one in mails(app)] == [EMAIL]
    assert address_of(app, ada) == NEW_EMAIL


def test_two_accounts_race_for_one_address(app: Flask, ada: Client, token: str) -> None:
    bob = member(app, "bob@example.com")
    mails(app)
    tokens = [token, link_to(app, bob)]
    statuses = at_once(2, lambda number: confirm(Client(app), tokens[number]).status_code)
    assert sorted(statuses) == [204, 409]
    winner, loser = (ada, bob) if statuses[0] == 204 else (bob, ada)
    assert address_of(app, winner) == NEW_EMAIL
    assert address_of(app, loser) == loser.email
    assert [one["To"] for one in mails(app)] == [winner.email]
    again = confirm(Client(app), tokens[statuses.index(409)])
    problem(again, 409, "email_taken")


def test_what_a_copy_of_the_database_opens(app: Flask, ada: Client, token: str) -> None:
    """It has the ids of the messages, and no key."""
    link = parse(token)
    assert link
    mail = services(app).database.read(mails_of.find, link.mail_id)
    assert mail
    assert mail.kind == Kind.NEW_EMAIL
    stored = " ".join(str(getattr(mail, name)) for name in mail.__slots__)
    assert link.mac not in stored
    is_dead(app, ada, f"{link.kid}.{mail.id}.{link.made_at}.{'A' * 43}")
    user = services(app).database.read(accounts.find, ada.user_id)
    assert user
    assert user.email_changed_at == 0
