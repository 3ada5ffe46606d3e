"""Messages that tell the owner of an account what happened to it."""

import pytest
from flask import Flask
from sqlalchemy import text

from app.auth import admin
from tests.support.app import running, services
from tests.support.client import EMAIL, NEW_PASSWORD, Client, ended, member
from tests.support.mail import mail, mails, text_of, token_in


def steal(ada: Client, thief: Client) -> None:
    """Replay a spent refresh token of the owner."""
    spent = ada.refresh_token
    assert ada.refresh().status_code == 200
    ended(thief.refresh(spent))


def test_theft(app: Flask, ada: Client, thief: Client, visitor: Client) -> None:
    thief.environ = {"REMOTE_ADDR": "198.51.100.9"}
    steal(ada, thief)
    notice = mail(app)
    assert notice["To"] == EMAIL
    assert notice["Subject"] == "A Latchkey session was ended to protect you"
    assert "network address 198.51.100.9" in " ".join(text_of(notice).split())
    body = {"token": token_in(notice)}
    assert visitor.ask("POST", "/auth/secure", body).status_code == 204


def test_one_message_for_one_theft(app: Flask, ada: Client, thief: Client) -> None:
    spent = ada.refresh_token
    ada.refresh()
    for _ in range(5):
        ended(thief.refresh(spent))
    assert len(mails(app)) == 1


def test_deletion(app: Flask, ada: Client) -> None:
    """The last message; nothing that was written before is sent after it, or kept."""
    ada.change_password(NEW_PASSWORD)
    own = services(app)
    admin.delete(own.auth, admin.find_user(own.auth, EMAIL))
    last = mail(app)
    assert last["To"] == EMAIL
    assert last["Subject"] == "Your Latchkey account was deleted"
    assert "token" not in text_of(last)


@pytest.mark.usefixtures("valkey")
def test_without_mail_nothing_waits(environment: dict[str, str]) -> None:
    with running(environment, MAIL_URL="none") as app:
        ada = member(app)
        assert ada.change_password(NEW_PASSWORD).status_code == 200
        with services(app).database.autocommit() as connection:
            assert connection.scalar(text("SELECT count(*) FROM mails")) == 0
