"""POST /auth/email/undo, and /auth/secure after a change of the address: the owner comes back."""

import pytest
from flask import Flask
from sqlalchemy import text

from app.auth import admin
from app.mail.links import parse
from tests.support.app import clock_of, services
from tests.support.at_once import at_once
from tests.support.client import (
    EMAIL,
    NEW_PASSWORD,
    PASSWORD,
    Client,
    ended,
    member,
    other_browser,
    problem,
)
from tests.support.email_change import (
    NEW_EMAIL,
    address_of,
    change,
    confirm,
    letters,
    link_to,
    spend,
    undo,
)
from tests.support.mail import mails, registration_token, text_of, token_in

DAY = 86400
TAKEN = "has an account of its own now, so nothing was changed"


def secure(visitor: Client, token: str) -> int:
    return spend(visitor, "/auth/secure", token).status_code


def choose(visitor: Client, token: str, password: str = NEW_PASSWORD) -> int:
    body = {"token": token, "password": password}
    return visitor.ask("POST", "/auth/reset/finish", body).status_code


def test_restores_everything(app: Flask, ada: Client, visitor: Client, thief: Client) -> None:
    bob = member(app, "bob@example.com")
    mails(app)
    token = change(app, ada)
    access, refresh = ada.access_token, ada.refresh_token
    done = undo(visitor, token)
    assert (done.status_code, done.data) == (204, b"")
    assert not visitor.cookies
    assert address_of(app, ada) == EMAIL
    problem(thief.me(access), 401, "invalid_token")
    ended(thief.refresh(refresh))
    for email in (EMAIL, NEW_EMAIL):
        problem(Client(app, email).log_in(), 401, "invalid_credentials")
    assert bob.alive()

    found = letters(app)
    assert found.keys() == {EMAIL, NEW_EMAIL}
    notice = found[NEW_EMAIL]
    assert notice["Subject"] == "The address of your Latchkey account was changed back"
    assert "token" not in text_of(notice)
    assert EMAIL not in text_of(notice)
    assert choose(visitor, token_in(found[EMAIL])) == 204
    assert Client(app, password=NEW_PASSWORD).log_in().status_code == 200


def test_works_once(app: Flask, ada: Client, visitor: Client) -> None:
    token = change(app, ada)
    assert undo(visitor, token).status_code == 204
    assert choose(visitor, token_in(letters(app)[EMAIL])) == 204
    problem(undo(visitor, token), 400, "invalid_link")
    assert Client(app, password=NEW_PASSWORD).log_in().status_code == 200


@pytest.mark.parametrize("seconds", [7 * DAY - 1, 7 * DAY])
def test_lives_for_seven_days(app: Flask, ada: Client, visitor: Client, seconds: int) -> None:
    token = change(app, ada)
    clock_of(app).forward(seconds)
    status = undo(visitor, token).status_code
    assert status == (204 if seconds < 7 * DAY else 400)
    assert address_of(app, ada) == (EMAIL if seconds < 7 * DAY else NEW_EMAIL)


def test_after_further_changes_by_the_thief(app: Flask, ada: Client, visitor: Client) -> None:
    token = change(app, ada)
    assert ada.change_password(NEW_PASSWORD, PASSWORD).status_code == 200
    mails(app)
    change(app, ada, "thief@third.example")
    assert undo(visitor, token).status_code == 204
    assert address_of(app, ada) == EMAIL
    assert not ada.alive()
    # Whoever has the account just before is told, and the owner gets the link.
    assert letters(app).keys() == {EMAIL, "thief@third.example"}


def test_the_thief_cannot_undo_the_undoing(app: Flask, ada: Client, visitor: Client) -> None:
    """Not with any link that went to an address of theirs, all within one second."""
    token = change(app, ada)
    other_browser(Client(app, NEW_EMAIL))
    notice = token_in(letters(app)[NEW_EMAIL])
    theirs = change(app, ada, "thief@third.example")
    pending = link_to(app, ada, "thief@fourth.example")
    visitor.ask("POST", "/auth/reset", {"email": "thief@third.example"})
    reset = token_in(letters(app)["thief@third.example"])
    assert undo(visitor, token).status_code == 204
    mails(app)
    problem(undo(visitor, theirs), 400, "invalid_link")
    assert secure(visitor, notice) == 400
    problem(confirm(visitor, pending), 400, "invalid_link")
    assert choose(visitor, reset) == 400
    assert address_of(app, ada) == EMAIL


def test_the_owner_comes_back_after_the_thief_used_their_own_link(
    app: Flask, ada: Client, visitor: Client
) -> None:
    """The links from before stay: who had the account first wins."""
    token = change(app, ada)
    theirs = change(app, ada, "thief@third.example")
    assert undo(visitor, theirs).status_code == 204
    assert address_of(app, ada) == NEW_EMAIL
    mails(app)
    assert undo(visitor, token).status_code == 204
    assert address_of(app, ada) == EMAIL


def test_this_was_not_me_restores_the_address_too(
    app: Flask, ada: Client, visitor: Client
) -> None:
    """The link of any notice from before the change, also of one about something else."""
    other_browser(ada)
    notice = token_in(letters(app)[EMAIL])
    change(app, ada)
    assert secure(visitor, notice) == 204
    assert address_of(app, ada) == EMAIL
    assert not ada.alive()
    found = letters(app)
    assert found.keys() == {EMAIL, NEW_EMAIL}
    assert choose(visitor, token_in(found[EMAIL])) == 204


def test_this_was_not_me_from_after_the_change_keeps_the_address(
    app: Flask, ada: Client, visitor: Client
) -> None:
    token = change(app, ada)
    other_browser(Client(app, NEW_EMAIL))
    notice = token_in(letters(app)[NEW_EMAIL])
    assert secure(visitor, notice) == 204
    assert address_of(app, ada) == NEW_EMAIL
    assert letters(app).keys() == {NEW_EMAIL}
    assert undo(visitor, token).status_code == 204
    assert address_of(app, ada) == EMAIL


def test_this_was_not_me_after_there_and_back(app: Flask, ada: Client, visitor: Client) -> None:
    """The address is right already, and the mailbox in between loses its links."""
    other_browser(ada)
    notice = token_in(letters(app)[EMAIL])
    change(app, ada)
    theirs = change(app, ada, EMAIL)
    assert secure(visitor, notice) == 204
    assert address_of(app, ada) == EMAIL
    assert [one["Subject"] for one in mails(app)] == ["Choose a new password for Latchkey"]
    problem(undo(visitor, theirs), 400, "invalid_link")


def test_links_to_the_same_mailbox_stay(app: Flask, ada: Client, visitor: Client) -> None:
    """Whoever loses the account once more can use another one."""
    other_browser(ada)
    notice = token_in(letters(app)[EMAIL])
    assert undo(visitor, change(app, ada)).status_code == 204
    assert secure(visitor, notice) == 204
    assert address_of(app, ada) == EMAIL


def test_a_notice_of_a_former_release(app: Flask, ada: Client, visitor: Client) -> None:
    """Its row does not say under which address it was written: under the first."""
    other_browser(ada)
    notice = token_in(letters(app)[EMAIL])
    with services(app).database.autocommit() as connection:
        connection.execute(text("UPDATE mails SET email_epoch = NULL"))
    change(app, ada)
    assert secure(visitor, notice) == 204
    assert address_of(app, ada) == EMAIL


@pytest.mark.parametrize("path", ["/auth/email/undo", "/auth/secure"])
def test_a_former_address_that_has_an_account_now(
    app: Flask, ada: Client, visitor: Client, path: str
) -> None:
    """Nothing changes, nothing is lost: the link works once the address is free again."""
    other_browser(ada)
    notice = token_in(letters(app)[EMAIL])
    token = change(app, ada) if path == "/auth/email/undo" else (change(app, ada), notice)[1]
    newcomer = Client(app, EMAIL)
    assert newcomer.finish_account(registration_token(newcomer)).status_code == 201
    for _ in range(2):
        assert TAKEN in problem(spend(visitor, path, token), 409, "email_taken")["detail"]
    assert address_of(app, ada) == NEW_EMAIL
    assert ada.alive()
    assert newcomer.alive()
    assert mails(app) == []
    # Whoever reads the mailbox can give the address free.
    change(app, newcomer, "newcomer@example.com")
    assert spend(visitor, path, token).status_code == 204
    assert address_of(app, ada) == EMAIL
    assert newcomer.alive()


def test_a_disabled_account_stays_disabled(app: Flask, ada: Client, visitor: Client) -> None:
    token = change(app, ada)
    auth = services(app).auth
    admin.disable(auth, admin.find_user(auth, NEW_EMAIL))
    problem(undo(visitor, token), 400, "invalid_link")
    assert address_of(app, ada) == NEW_EMAIL


def test_a_deleted_account_stays_deleted(app: Flask, ada: Client, visitor: Client) -> None:
    token = change(app, ada)
    auth = services(app).auth
    admin.delete(auth, admin.find_user(auth, NEW_EMAIL))
    problem(undo(visitor, token), 400, "invalid_link")


def test_altered(app: Flask, ada: Client, visitor: Client) -> None:
    token = change(app, ada)
    for at in range(0, len(token), 7):
        other = "1" if token[at] != "1" else "2"
        problem(undo(visitor, token[:at] + other + token[at + 1 :]), 400, "invalid_link")
    assert ada.alive()


def test_for_another_account(app: Flask, ada: Client, visitor: Client) -> None:
    eve = member(app, "eve@example.com")
    mails(app)
    token = change(app, ada)
    link = parse(token)
    assert link
    with services(app).database.autocommit() as connection:
        values = {"eve": eve.user_id, "id": link.mail_id}
        connection.execute(text("UPDATE mails SET user_id = :eve WHERE id = :id"), values)
    problem(undo(visitor, token), 400, "invalid_link")
    assert eve.alive()
    assert ada.alive()


def test_twenty_at_once_undo_it_once(app: Flask, ada: Client) -> None:
    token = change(app, ada)
    statuses = at_once(20, lambda _: undo(Client(app), token).status_code)
    assert sorted(statuses) == [204] + [400] * 19
    assert letters(app).keys() == {EMAIL, NEW_EMAIL}


def test_the_activity_tells(app: Flask, ada: Client, visitor: Client) -> None:
    token = change(app, ada)
    undo(visitor, token)
    choose(visitor, token_in(letters(app)[EMAIL]))
    owner = Client(app, password=NEW_PASSWORD)
    owner.log_in()
    listed = owner.protected("GET", "/auth/activity").get_json()["activity"]
    (undone,) = [item for item in listed if item["event"] == "email_change_undone"]
    assert undone["count"] == 1
