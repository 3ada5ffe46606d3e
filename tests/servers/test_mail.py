"""Real workers send real mail: STARTTLS, a slow server, and a worker that is killed."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from app.infra.database import Database
from tests.support.client import NEW_PASSWORD, Client, ended, member
from tests.support.mail import token_in
from tests.support.processes import wait_until
from tests.support.servers.gunicorn import GunicornServer
from tests.support.servers.smtp import SmtpServer
from tests.support.traces import traces

# What a test does instead of waiting until the lease of a dead worker ends.
LEASES_END = text("UPDATE mails SET next_try_at = 1 WHERE next_try_at IS NOT NULL")
WAITING = text("SELECT count(*) FROM mails WHERE next_try_at IS NOT NULL")


@pytest.fixture
def smtp(tmp_path: Path) -> Iterator[SmtpServer]:
    server = SmtpServer(tmp_path)
    with server.running():
        yield server
        server.free.set()


@pytest.fixture
def site(
    serve: Callable[..., GunicornServer], environment: dict[str, str], smtp: SmtpServer
) -> GunicornServer:
    trusted = {"SSL_CERT_FILE": str(smtp.certificate)}
    return serve(environment | {"MAIL_URL": smtp.url()} | trusted)


def test_a_new_password_by_mail(site: GunicornServer, smtp: SmtpServer) -> None:
    """And every session ends, in every worker, before the answer."""
    ada, thief = member(site), Client(site)
    access, refresh = ada.access_token, ada.refresh_token
    assert thief.ask("POST", "/auth/reset", {"email": ada.email}).status_code == 202
    wait_until(lambda: len(smtp.received) == 2, what="the messages")
    (message,) = [one for one in smtp.received if one["Subject"].startswith("Choose")]
    body = {"token": token_in(message), "password": NEW_PASSWORD}
    assert Client(site).ask("POST", "/auth/reset/finish", body).status_code == 204
    assert ada.me_everywhere(access) == {401}
    ended(thief.refresh(refresh))
    assert ada.log_in(NEW_PASSWORD).status_code == 200
    assert token_in(message) not in site.log
    assert ada.email not in site.log


def test_a_server_that_hangs_delays_no_request(site: GunicornServer, smtp: SmtpServer) -> None:
    smtp.free.clear()
    visitor = Client(site)
    for number in range(8):
        body = {"email": f"{number}@example.com"}
        assert visitor.ask("POST", "/auth/reset", body).status_code == 202
    assert smtp.received == []  # no answer has waited for the server
    smtp.free.set()
    wait_until(lambda: len(smtp.received) == 8, what="the messages")


def test_an_account_is_deleted_while_its_message_is_on_its_way(
    site: GunicornServer, smtp: SmtpServer, environment: dict[str, str]
) -> None:
    """The message that is being sent arrives, the last one too, and no row of either is left."""
    database = Database(environment["DATABASE_URL"])
    ada = member(site)
    wait_until(lambda: len(smtp.received) == 1, what="the message of the log-in")
    smtp.received.clear()
    smtp.busy.clear()
    smtp.free.clear()
    assert ada.change_password(NEW_PASSWORD).status_code == 200
    wait_until(smtp.busy.is_set, what="a message on its way")
    assert ada.protected("DELETE", "/auth/account").status_code == 204
    assert traces(database, ada.user_id) == []
    smtp.free.set()
    wait_until(lambda: traces(database, ada.email) == [], what="the end of the last message")
    assert traces(database, ada.user_id) == []
    database.engine.dispose()
    assert [message["Subject"] for message in smtp.received] == [
        "Your Latchkey password was changed",
        "Your Latchkey account was deleted",
    ]


def test_a_worker_that_is_killed_loses_nothing(
    site: GunicornServer, smtp: SmtpServer, environment: dict[str, str]
) -> None:
    """Each message arrives at least once, and what a worker was sending at most twice."""
    database = Database(environment["DATABASE_URL"])
    smtp.free.clear()
    visitor = Client(site)
    for number in range(10):
        visitor.ask("POST", "/auth/reset", {"email": f"{number}@example.com"})
    wait_until(smtp.busy.is_set, what="a message on its way")
    killed = site.workers
    for worker in killed:
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: not set(killed) & set(site.workers), what="the end of the workers")
    with database.transaction() as connection:
        connection.execute(LEASES_END)
    smtp.free.set()

    def all_sent() -> bool:
        with database.autocommit() as connection:
            return bool(connection.scalar(WAITING) == 0)

    wait_until(all_sent, what="the last message")
    received = [message["To"] for message in smtp.received]
    database.engine.dispose()
    assert set(received) == {f"{number}@example.com" for number in range(10)}
    assert max(received.count(one) for one in received) <= 2
    assert len(received) <= 10 + len(killed)
