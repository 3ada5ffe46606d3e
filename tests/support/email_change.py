"""A change of address, as far as a test needs it."""

from email.message import EmailMessage
from typing import Final

from flask import Flask
from werkzeug.test import TestResponse

from app.accounts import queries as accounts
from tests.support.app import services
from tests.support.client import Client
from tests.support.mail import mails, token_in

NEW_EMAIL: Final = "ada@new.example"


def ask_for(client: Client, email: str = NEW_EMAIL) -> TestResponse:
    """Ask for another address, in the client's session."""
    return client.protected("POST", "/auth/email", {"email": email})


def letters(app: Flask) -> dict[str, EmailMessage]:
    """Send what is due, and return it by its recipients: a message each."""
    found = mails(app)
    by_recipient = {str(message["To"]): message for message in found}
    assert len(by_recipient) == len(found)
    return by_recipient


def link_to(app: Flask, client: Client, email: str = NEW_EMAIL) -> str:
    """Ask for another address, and return the token of the link that is mailed there."""
    assert ask_for(client, email).status_code == 202
    return token_in(letters(app)[email])


def spend(visitor: Client, path: str, token: str) -> TestResponse:
    """Use a link, from a browser without a session."""
    return visitor.ask("POST", path, {"token": token})


def confirm(visitor: Client, token: str) -> TestResponse:
    return spend(visitor, "/auth/email/confirm", token)


def undo(visitor: Client, token: str) -> TestResponse:
    return spend(visitor, "/auth/email/undo", token)


def change(app: Flask, client: Client, email: str = NEW_EMAIL) -> str:
    """Give the account of the client another address; return the token that undoes it."""
    former = address_of(app, client)
    assert confirm(Client(app), link_to(app, client, email)).status_code == 204
    client.email = email
    return token_in(letters(app)[former])


def address_of(app: Flask, client: Client) -> str:
    user = services(app).database.read(accounts.find, client.user_id)
    assert user
    return user.email
