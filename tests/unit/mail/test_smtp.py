"""A real mail server: TLS, passwords, and every way to fail."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path

import pytest

from app.mail import smtp
from app.mail.smtp import from_url
from app.mail.transports import Deferred, Failed, Refused
from tests.support.servers.smtp import SmtpServer


def message(number: int = 0, to: str = "ada@example.com") -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "accounts@localhost", to, "A subject"
    made["Message-ID"] = f"<{number:022}@localhost>"
    made.set_content("Words.")
    return made


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmtpServer]:
    """A server whose certificate this process trusts."""
    server = SmtpServer(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    with server.running():
        yield server


def send(url: str, *messages: EmailMessage) -> None:
    with from_url(url).connect() as deliver:
        for one in messages:
            deliver(one)


def test_starttls_and_a_password(server: SmtpServer) -> None:
    send(server.url(), message(1), message(2))
    assert [one["Message-ID"] for one in server.received] == [
        message(1)["Message-ID"],
        message(2)["Message-ID"],
    ]


def test_tls_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = SmtpServer(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    with server.running(tls_first=True):
        send(f"smtps://localhost:{server.port}", message())
    assert len(server.received) == 1


def test_a_certificate_that_nobody_vouches_for(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The password is not sent to a server that only claims the name."""
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(Failed, match=r"TLS failed \(CERTIFICATE_VERIFY_FAILED\)"):
        send(server.url(), message())


def test_a_certificate_for_another_name(server: SmtpServer) -> None:
    with pytest.raises(Failed, match="TLS failed"):
        send(server.url().replace("localhost", "127.0.0.1"), message())


def test_a_server_without_starttls_gets_no_password(tmp_path: Path) -> None:
    """An attacker in between removes STARTTLS from the server's answer."""
    server = SmtpServer(tmp_path)
    with server.running(tls=False), pytest.raises(Failed, match="STARTTLS"):
        send(server.url(), message())
    assert server.received == []


def test_a_wrong_password(server: SmtpServer) -> None:
    with pytest.raises(Failed, match=r"refuses the user and password \(535\)") as failed:
        send(server.url(password="wrong"), message())
    assert "wrong" not in str(failed.value)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("550 unknown", Refused), ("450 later", Deferred), ("421 closing", Failed)],
)
def test_an_address_that_is_refused(
    server: SmtpServer, answer: str, kind: type[Exception]
) -> None:
    server.rcpt = [answer]
    with pytest.raises(kind, match=answer[:3]):
        send(server.url(), message())


@pytest.mark.parametrize(
    ("answer", "kind"), [("554 spam", Deferred), ("451 later", Deferred), ("421 closing", Failed)]
)
def test_a_message_that_is_refused(server: SmtpServer, answer: str, kind: type[Exception]) -> None:
    server.data = [answer]
    with pytest.raises(kind, match=answer[:3]) as failed:
        send(server.url(), message())
    assert answer[4:] not in str(failed.value)  # it may quote the message


def test_after_a_refusal_the_next_message_is_accepted(server: SmtpServer) -> None:
    server.rcpt = ["550 unknown"]
    with from_url(server.url()).connect() as deliver:
        with pytest.raises(Refused):
            deliver(message(1))
        deliver(message(2))
    assert len(server.received) == 1


def test_a_connection_that_breaks_after_data(server: SmtpServer) -> None:
    server.drop = 1
    with pytest.raises(Failed, match="the connection broke"):
        send(server.url(), message())
    assert len(server.received) == 1


def test_an_international_address(server: SmtpServer) -> None:
    """The server offers SMTPUTF8 (RFC 6531)."""
    send(server.url(), message(to="ädä@example.com"))
    assert server.received[0]["To"] == "ädä@example.com"


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Failed, match=r"no connection \(Connection refused\)"):
        send(f"smtp://localhost:{port}", message())


@contextmanager
def greeting(word: bytes, pause: float) -> Iterator[str]:
    """Run a server that says one word again and again; give its URL."""
    stop = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            while not stop.wait(pause):
                connection.sendall(word)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield f"smtp://localhost:{listener.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()


def test_a_server_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "ANSWER_SECONDS", 0.3)
    with greeting(b"", 60) as url, pytest.raises(Failed, match="the connection broke"):
        send(url, message())


def test_a_server_that_never_ends_its_greeting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then, so that no time-out of a read ends it."""
    monkeypatch.setattr(smtp, "CONVERSATION_SECONDS", 0.3)
    with greeting(b"2", 0.05) as url, pytest.raises(Failed):
        send(url, message())


def test_a_server_that_greets_with_a_refusal() -> None:
    with greeting(b"554 no\r\n", 0.05) as url, pytest.raises(Failed, match="answers 554"):
        send(url, message())
