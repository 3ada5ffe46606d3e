"""Mail as a test reads it: what the outbox of an application in this process would send."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from typing import Final

from flask import Flask
from sqlalchemy import Connection, bindparam, select

from app.auth.register import request_registration
from app.infra.audit import Client as AuditClient
from app.infra.clock import Clock
from app.mail.models import Kind, Mail
from app.mail.models import mails as table
from app.mail.sender import Sender
from app.mail.transports import Send
from app.services import build
from tests.support.app import services
from tests.support.client import Client
from tests.support.servers.gunicorn import GunicornServer

NEWEST_LINK: Final = (
    select(table)
    .where(table.c.address == bindparam("email"), table.c.kind == Kind.REGISTRATION)
    .order_by(table.c.created_at.desc())
)
TOKEN: Final = re.compile(r"\?token=([A-Za-z0-9_.-]+)")


@dataclass
class Letters:
    """A transport that keeps what it gets."""

    kept: list[EmailMessage] = field(default_factory=list)

    @contextmanager
    def connect(self) -> Iterator[Send]:
        yield self.kept.append


def sender_of(app: Flask) -> Sender:
    found = services(app).sender
    assert found
    return found


def mails(app: Flask) -> list[EmailMessage]:
    """Send what is due, and return it in the order of sending."""
    letters = Letters()
    replace(sender_of(app), transport=letters).send_due()
    return letters.kept


def mail(app: Flask) -> EmailMessage:
    """Send the one message that is due, and return it."""
    (found,) = mails(app)
    return found


def registration_token(visitor: Client) -> str:
    """Ask for an account, and return the token of the link that comes by mail."""
    assert visitor.ask_for_account().status_code == 202
    return token_in(mail(visitor.app))


def registration_path(server: GunicornServer, email: str, *, ask: bool = True) -> str:
    """Return the path and query of the newest link that a worker mails to finish an account.

    `ask` says that nobody has asked for it yet.
    """
    own = build(server.settings, Clock())
    try:
        if ask:
            request_registration(own.auth, email, AuditClient("127.0.0.1"))
        mail = own.database.read(_newest, email)
        token = own.auth.links.token(mail, None, own.clock.now())
    finally:
        own.database.engine.dispose()
        own.redis.close()
    return f"/register/finish?token={token}"


def _newest(connection: Connection, email: str) -> Mail:
    row = connection.execute(NEWEST_LINK, {"email": email}).first()
    assert row, f"no link was mailed to {email}"
    return Mail(*row)


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body
    return str(body.get_content())


def token_in(message: EmailMessage) -> str:
    """Return the token of the link in a message."""
    match = TOKEN.search(text_of(message))
    assert match, text_of(message)
    return match[1]
