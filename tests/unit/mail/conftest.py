"""An outbox with its sender, and a mail server that does what a test wants."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.message import EmailMessage

import pytest
from flask import Flask

from app.mail.sender import Sender
from app.mail.transports import Send, Undelivered
from app.services import Services
from tests.support.app import services
from tests.support.mail import sender_of


@dataclass
class Server:
    """A transport that accepts every message, unless `down` or `faults` say otherwise.

    `faults` are raised one after the other, a message each.
    """

    accepted: list[EmailMessage] = field(default_factory=list)
    down: Undelivered | None = None
    faults: list[Undelivered] = field(default_factory=list)

    @contextmanager
    def connect(self) -> Iterator[Send]:
        if self.down:
            raise self.down
        yield self._send

    def _send(self, message: EmailMessage) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.accepted.append(message)


@pytest.fixture
def own(app: Flask) -> Services:
    return services(app)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def sender(app: Flask, server: Server) -> Sender:
    return replace(sender_of(app), transport=server)
