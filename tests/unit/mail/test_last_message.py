"""The message that an account was deleted is the last trace of its owner, and goes too."""

from dataclasses import replace

import pytest
from flask import Flask

from app.infra.audit import Client
from app.mail import queries
from app.mail.models import Kind, Mail
from app.mail.sender import Pass, Sender
from app.mail.transports import Deferred, Refused
from app.services import Services
from tests.support.clock import SettableClock
from tests.support.traces import traces
from tests.unit.mail.conftest import Server

ADDRESS = "ada@example.com"
CLIENT = Client("192.0.2.1", "curl/8")
DAY = 86400


@pytest.fixture
def last(own: Services) -> Mail:
    mail = own.auth.outbox.mail(Kind.ACCOUNT_DELETED, ADDRESS, CLIENT)
    own.database.write(queries.insert, mail)
    return mail


def test_it_goes_when_it_is_sent(
    own: Services, sender: Sender, server: Server, last: Mail
) -> None:
    assert sender.send_due() == Pass(sent=1)
    assert [message["To"] for message in server.accepted] == [ADDRESS]
    assert traces(own.database, ADDRESS, last.id) == []


def test_it_waits_as_any_other_while_the_server_does_not_accept_it(
    own: Services, sender: Sender, server: Server, last: Mail, clock: SettableClock
) -> None:
    server.faults = [Deferred("later")]
    assert sender.send_due() == Pass()
    assert own.database.read(queries.find, last.id)
    clock.forward(60)
    assert sender.send_due() == Pass(sent=1)
    assert traces(own.database, ADDRESS) == []


def test_nothing_of_the_person_stays_when_it_is_given_up(
    app: Flask, own: Services, sender: Sender, server: Server, last: Mail
) -> None:
    """The operator still sees that a message was given up, and why."""
    server.faults = [Refused("the server refuses the address (550)")]
    assert sender.send_due() == Pass(given_up=1)
    kept = own.database.read(queries.find, last.id)
    failure = "the server refuses the address (550)"
    assert kept == replace(
        last,
        address="",
        ip="",
        user_agent="",
        next_try_at=None,
        tries=1,
        failed_at=own.clock.now(),
        failure=failure,
    )
    listed = app.test_cli_runner().invoke(args=["mail", "list"]).output
    assert f"account_deleted  (deleted)  given up: {failure}" in listed


def test_it_goes_after_a_day_too(
    own: Services, sender: Sender, server: Server, last: Mail, clock: SettableClock
) -> None:
    clock.forward(DAY + 1)
    server.faults = [Deferred("later")]
    assert sender.send_due() == Pass(given_up=1)
    assert traces(own.database, ADDRESS) == []
    assert own.database.read(queries.find, last.id)
