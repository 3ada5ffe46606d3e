"""`flask mail`, `flask users reset-link`, and what `flask doctor` says of mail."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.families.issuer import TokenPair
from app.infra.audit import Client
from app.mail import queries
from app.mail.models import Kind
from app.mail.transports import Failed
from app.services import NAME, Services
from config import Settings
from tests.support.app import close
from tests.support.client import Client as Browser
from tests.support.clock import SettableClock
from tests.support.servers.smtp import SmtpServer
from tests.unit.cli.conftest import Run, on


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmtpServer]:
    server = SmtpServer(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    with server.running():
        yield server


@pytest.fixture
def settings(settings: Settings, server: SmtpServer) -> Settings:
    """The settings of a deployment whose mail server answers."""
    return replace(settings, mail_url=server.url())


def put(services: Services) -> None:
    mail = services.auth.outbox.mail(Kind.NO_ACCOUNT, "ada@example.com", Client("192.0.2.1"))
    services.database.write(queries.insert, mail)


def test_what_waits_is_sent(flask: Run, services: Services, server: SmtpServer) -> None:
    put(services)
    listed = flask("mail", "list").output
    assert "no_account  ada@example.com  0 tries" in listed
    assert listed.endswith("1 messages wait.\n")
    done = flask("mail", "send")
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "1 sent, 0 given up.")
    assert len(server.received) == 1
    assert flask("mail", "list").output == "0 messages wait.\n"


def test_what_was_given_up_is_listed(flask: Run, services: Services, server: SmtpServer) -> None:
    put(services)
    server.rcpt = ["550 unknown"]
    assert "0 sent, 1 given up." in flask("mail", "send").output
    listed = flask("mail", "list").output
    assert "given up: the server refuses the address (550)" in listed
    assert "FAULT mail: 1 messages were given up today" in flask("doctor").output


def test_a_server_that_is_away(app: Flask, services: Services, flask: Run) -> None:
    put(services)
    away = replace(services, sender=replace(services.sender, transport=Away()))  # type: ignore[type-var]
    app.extensions[NAME] = away
    done = flask("mail", "send")
    assert done.exit_code == 1
    assert "does not accept mail" in done.output
    assert "FAULT mail: cannot be sent: no connection; check MAIL_URL" in flask("doctor").output


def test_what_waits_for_long_is_a_fault(
    flask: Run, services: Services, clock: SettableClock
) -> None:
    put(services)
    assert "ok    mail" in flask("doctor").output
    clock.forward(2 * 3600 + 1)
    assert "FAULT mail: 1 messages wait, the oldest for 2 h" in flask("doctor").output


def test_a_link_for_a_new_password(app: Flask, flask: Run, ada: TokenPair) -> None:
    done = flask("users", "reset-link", "ada@example.com")
    found = re.fullmatch(r"https://localhost/reset/finish\?token=(\S+)\n", done.output)
    assert found
    body = {"token": found[1], "password": "another marble teapot wanders"}
    assert Browser(app).ask("POST", "/auth/reset/finish", body).status_code == 204
    assert ada.email == "ada@example.com"


@pytest.mark.usefixtures("ada")
def test_no_link_for_a_disabled_account(flask: Run) -> None:
    flask("users", "disable", "ada@example.com")
    done = flask("users", "reset-link", "ada@example.com")
    assert (done.exit_code, done.output) == (
        1,
        "Error: This account is disabled; enable it first.\n",
    )


def test_without_mail(settings: Settings, clock: SettableClock) -> None:
    app = create_app(replace(settings, mail_url="none"), clock)
    sent = on(app, "mail", "send")
    assert (sent.exit_code, sent.output) == (
        1,
        "Error: MAIL_URL is none: this deployment sends no mail.\n",
    )
    assert "note  mail: MAIL_URL is none" in on(app, "doctor").output
    with app.extensions[NAME].sending():
        pass
    close(app)


class Away:
    """A transport to a server that is away."""

    def connect(self) -> None:
        raise Failed("no connection")
