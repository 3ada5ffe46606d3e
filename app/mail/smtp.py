"""Send messages to a mail server by SMTP (RFC 5321), over TLS that is verified (RFC 8314)."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import partial
from threading import Timer
from typing import Final
from urllib.parse import unquote, urlsplit

from app.mail.transports import Deferred, Failed, Refused, Send

# Of one answer, and of a whole conversation: a server that sends a byte now and then would keep
# the first from ever passing.
ANSWER_SECONDS: Final = 15
CONVERSATION_SECONDS: Final = 60
STARTTLS_PORT: Final = 587
TLS_PORT: Final = 465
PERMANENT: Final = 500
READY: Final = 220
CLOSING: Final = 421  # the server ends the connection (RFC 5321 section 3.8)


@dataclass(frozen=True)
class Smtp:
    """A mail server. TLS begins with the connection, or by `starttls` before anything is sent."""

    host: str
    port: int
    starttls: bool
    user: str
    password: str = field(repr=False)

    @contextmanager
    def connect(self) -> Iterator[Send]:
        """Connect, begin TLS and log in; then send."""
        server = self._client()
        try:
            with _failures(), _in_time(server):
                code, text = server.connect(self.host, self.port)
                if code != READY:
                    raise smtplib.SMTPConnectError(code, text)
                if self.starttls:
                    server.starttls(context=ssl.create_default_context())
                if self.user:
                    server.login(self.user, self.password)
            yield partial(_send, server)
        finally:
            with suppress(smtplib.SMTPException, OSError), _in_time(server):
                server.quit()
            server.close()

    def _client(self) -> smtplib.SMTP:
        if self.starttls:
            client = smtplib.SMTP(timeout=ANSWER_SECONDS)
        else:
            context = ssl.create_default_context()
            client = smtplib.SMTP_SSL(timeout=ANSWER_SECONDS, context=context)
        # smtplib sets it from the argument of its constructor only, and TLS checks it.
        client._host = self.host  # type: ignore[attr-defined]  # noqa: SLF001
        return client


def from_url(url: str) -> Smtp:
    """Return the server that MAIL_URL names: `smtp://…` (STARTTLS) or `smtps://…`.

    `config` has checked the form of the URL.
    """
    parts = urlsplit(url)
    starttls = parts.scheme == "smtp"
    return Smtp(
        host=parts.hostname or "",
        port=parts.port or (STARTTLS_PORT if starttls else TLS_PORT),
        starttls=starttls,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def _send(server: smtplib.SMTP, message: EmailMessage) -> None:
    with _failures(), _in_time(server):
        server.send_message(message)


@contextmanager
def _in_time(server: smtplib.SMTP) -> Iterator[None]:
    """Break the connection when the `with` block takes longer than `CONVERSATION_SECONDS`."""
    timer = Timer(CONVERSATION_SECONDS, _break, [server])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _break(server: smtplib.SMTP) -> None:
    with suppress(OSError, AttributeError):  # it may be closed, or not connected yet
        server.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]


@contextmanager
def _failures() -> Iterator[None]:
    """Turn the exceptions of the standard library into those of this module.

    The reason never has the server's text, which may quote the password, the address or the
    link.
    """
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
        kind = Refused if code >= PERMANENT else Failed if code == CLOSING else Deferred
        raise kind(f"the server refuses the address ({code})") from None
    except smtplib.SMTPDataError as error:
        kind = Failed if error.smtp_code == CLOSING else Deferred
        raise kind(f"the server refuses the message ({error.smtp_code})") from None
    except smtplib.SMTPAuthenticationError as error:
        raise Failed(f"the server refuses the user and password ({error.smtp_code})") from None
    except smtplib.SMTPResponseException as error:
        raise Failed(f"the server answers {error.smtp_code}") from None
    except smtplib.SMTPNotSupportedError as error:
        raise Failed(f"the server lacks what is needed: {error}") from None
    except smtplib.SMTPException as error:
        raise Failed(f"the connection broke ({type(error).__name__})") from None
    except ssl.SSLError as error:
        raise Failed(f"TLS failed ({error.reason or type(error).__name__})") from None
    except OSError as error:
        raise Failed(f"no connection ({error.strerror or type(error).__name__})") from None
