"""Mail as a test reads it: what the outbox of an application in this process would send."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from typing import Final

from flask import Flask

from app.mail.sender import Sender
from app.mail.transports import Send
from tests.support.app import services

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


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body
    return str(body.get_content())


def token_in(message: EmailMessage) -> str:
    """Return the token of the link in a message."""
    match = TOKEN.search(text_of(message))
    assert match, text_of(message)
    return match[1]
