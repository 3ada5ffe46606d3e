"""What is in the outbox is sent once, however often the server fails."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.accounts.models import User
from app.infra.audit import Client
from app.mail import queries
from app.mail import sender as module
from app.mail.models import Kind, Mail
from app.mail.sender import LEASE_SECONDS, Pass, Sender
from app.mail.transports import Deferred, Failed, Refused
from app.services import Services
from tests.support.clock import NOW, SettableClock
from tests.support.factories import a_user
from tests.support.log import Log
from tests.support.processes import wait_until
from tests.unit.mail.conftest import Server

CLIENT = Client("192.0.2.1", "curl/8")
DAY = 86400


def put(own: Services, address: str = "ada@example.com", user: User | None = None) -> Mail:
    kind = Kind.PASSWORD_CHANGED if user else Kind.NO_ACCOUNT
    mail = own.auth.outbox.mail(kind, address, CLIENT, user)
    own.database.write(queries.insert, mail)
    return mail


def stored(own: Services, mail: Mail) -> Mail:
    found = own.database.read(queries.find, mail.id)
    assert found
    return found


def test_a_message_is_sent_once(own: Services, sender: Sender, server: Server) -> None:
    mail = put(own)
    assert sender.send_due() == Pass(sent=1)
    assert sender.send_due() == Pass()
    (message,) = server.accepted
    assert message["To"] == "ada@example.com"
    assert message["Message-ID"] == f"<{mail.id}@localhost>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert stored(own, mail).sent_at == NOW


def test_in_the_order_of_writing(
    own: Services, sender: Sender, server: Server, clock: SettableClock
) -> None:
    addresses = [f"{number}@example.com" for number in range(3)]
    for address in addresses:
        put(own, address)
        clock.forward(1)
    sender.send_due()
    assert [message["To"] for message in server.accepted] == addresses


def test_workers_share_the_work(own: Services, sender: Sender, server: Server) -> None:
    for number in range(40):
        put(own, f"{number}@example.com")
    with ThreadPoolExecutor(8) as pool:
        passes = list(pool.map(lambda _: sender.send_due(), range(8)))
    assert sum(one.sent for one in passes) == 40
    assert len({message["To"] for message in server.accepted}) == len(server.accepted) == 40


def test_what_a_dead_worker_had_is_sent_after_the_lease(
    own: Services, sender: Sender, clock: SettableClock
) -> None:
    mail = put(own)
    assert own.database.write(queries.claim, NOW, NOW + LEASE_SECONDS)
    clock.forward(LEASE_SECONDS - 1)
    assert sender.send_due() == Pass()
    clock.forward(1)
    assert sender.send_due() == Pass(sent=1)
    assert stored(own, mail).tries == 2


def test_a_server_that_is_away_for_an_hour(
    own: Services, sender: Sender, server: Server, clock: SettableClock
) -> None:
    """Nothing is tried in vain, nothing is lost, and all goes out when it is back."""
    for number in range(5):
        put(own, f"{number}@example.com")
    server.down = Failed("no connection (Connection refused)")
    for _ in range(240):
        assert sender.send_due() == Pass(failing=True)
        clock.forward(15)
    server.down = None
    assert sender.send_due() == Pass(sent=5)


def test_one_message_that_is_deferred_holds_up_no_other(
    own: Services, sender: Sender, server: Server, clock: SettableClock
) -> None:
    """Greylisting: the same message is accepted later."""
    first = put(own, "grey@example.com")
    clock.forward(1)
    put(own)
    server.faults = [Deferred("the server refuses the address (450)")]
    assert sender.send_due() == Pass(sent=1)
    assert stored(own, first).failure == "the server refuses the address (450)"
    clock.forward(59)
    assert sender.send_due() == Pass()
    clock.forward(1)
    assert sender.send_due() == Pass(sent=1)
    assert [message["To"] for message in server.accepted] == [
        "ada@example.com",
        "grey@example.com",
    ]


def test_the_delay_grows(
    own: Services, sender: Sender, server: Server, clock: SettableClock
) -> None:
    mail = put(own)
    delays = []
    for _ in range(6):
        server.faults = [Deferred("later")]
        sender.send_due()
        delays.append((stored(own, mail).next_try_at or 0) - clock.now())
        clock.forward(delays[-1])
    assert delays == [60, 120, 240, 480, 900, 900]


def test_a_server_that_fails_in_the_middle_ends_the_pass(
    own: Services, sender: Sender, server: Server, clock: SettableClock
) -> None:
    for number in range(3):
        put(own, f"{number}@example.com")
    server.faults = [Failed("the connection broke")]
    assert sender.send_due() == Pass(failing=True)
    assert sender.send_due() == Pass(sent=2)
    clock.forward(60)
    assert sender.send_due() == Pass(sent=1)


def test_an_address_that_does_not_exist_is_given_up_at_once(
    own: Services, sender: Sender, server: Server
) -> None:
    mail = put(own)
    server.faults = [Refused("the server refuses the address (550)")]
    assert sender.send_due() == Pass(given_up=1)
    assert stored(own, mail).failed_at == NOW
    assert sender.send_due() == Pass()


def test_a_message_is_given_up_after_a_day(
    own: Services, sender: Sender, server: Server, clock: SettableClock
) -> None:
    mail = put(own)
    given_up = 0
    while not given_up:
        server.faults = [Deferred("the server refuses the message (451)")]
        given_up = sender.send_due().given_up
        clock.forward(300)
    failed = stored(own, mail)
    assert failed.failure == "the server refuses the message (451)"
    assert DAY - 900 <= (failed.failed_at or 0) - NOW <= DAY


def test_a_server_that_is_away_for_a_day(
    own: Services, sender: Sender, server: Server, clock: SettableClock
) -> None:
    old = put(own)
    clock.forward(DAY)
    new = put(own)
    server.down = Failed("no connection")
    assert sender.send_due() == Pass(failing=True)
    clock.forward(1)
    assert sender.send_due() == Pass(given_up=1, failing=True)
    assert stored(own, old).failure == "no connection"
    assert stored(own, new).failed_at is None


def test_a_kind_of_a_newer_release_waits_for_it(own: Services, sender: Sender) -> None:
    mail = replace(own.auth.outbox.mail(Kind.NO_ACCOUNT, "a@example.com", CLIENT), kind="carrier")
    own.database.write(queries.insert, mail)
    assert sender.send_due() == Pass()
    assert "'carrier'" in stored(own, mail).failure


def test_an_address_that_no_mail_reaches_is_given_up(own: Services, sender: Sender) -> None:
    mail = put(own, "deleted:x")
    assert sender.send_due() == Pass(given_up=1)
    assert "cannot be written" in stored(own, mail).failure


def test_nothing_secret_is_recorded(
    own: Services, sender: Sender, log_of: Callable[[str], Log]
) -> None:
    audit = log_of("latchkey.audit")
    put(own, user=a_user(own.database))
    sender.send_due()
    (line,) = audit.lines()
    assert json.loads(line)["event"] == "mail_sent"
    assert "token" not in line
    assert "@" not in line


def test_the_thread_sends_when_it_is_woken(
    own: Services, sender: Sender, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 60)
    outbox = own.auth.outbox
    with sender.running(outbox.woken):
        put(own)
        outbox.wake()
        wait_until(lambda: bool(server.accepted), what="the message")
    assert "mail" not in {thread.name for thread in threading.enumerate()}


def test_the_thread_outlives_a_database_that_is_away(
    own: Services, sender: Sender, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And an error that nobody has thought of."""
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    faults = [OperationalError("SELECT", {}, Exception()), RuntimeError("half")]
    look = queries.any_due

    def any_due(*arguments: object) -> bool:
        if faults:
            raise faults.pop()
        return look(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(queries, "any_due", any_due)
    put(own)
    with sender.running(own.auth.outbox.woken):
        wait_until(lambda: bool(server.accepted), what="the message")


def test_a_message_that_was_rolled_back_is_not_sent(own: Services, sender: Sender) -> None:
    def fail(connection: object) -> None:
        own.auth.outbox.put(connection, Kind.NO_ACCOUNT, "ada@example.com", CLIENT)  # type: ignore[arg-type]
        raise KeyError

    with pytest.raises(KeyError):
        own.database.transact(fail)
    assert sender.send_due() == Pass()


def test_a_suppressed_message_is_stored_and_not_sent(own: Services, sender: Sender) -> None:
    outbox = own.auth.outbox
    own.database.write(outbox.put, Kind.NO_ACCOUNT, "ada@example.com", CLIENT, suppressed=True)
    assert sender.send_due() == Pass()
    with own.database.autocommit() as connection:
        assert connection.scalar(text("SELECT count(*) FROM mails")) == 1
