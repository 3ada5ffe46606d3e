"""Where messages go: to a mail server by SMTP or, in development, into a folder.

`sender` gives one message after the other to a transport. A transport raises `Refused` for a
message that this server will never accept, `Deferred` for one that it may accept later, and
`Failed` when it accepts none at present.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

# Of one answer, and of a whole conversation: a server that sends a byte now and then would keep
# the first from ever passing.
ANSWER_SECONDS: Final = 15
CONVERSATION_SECONDS: Final = 60
STARTTLS_PORT: Final = 587
TLS_PORT: Final = 465
PERMANENT: Final = 500
CLOSING: Final = 421  # the server ends the connection (RFC 5321 section 3.8)
MAX_MAILBOX: Final = 500

Send = Callable[[EmailMessage], None]


class Undelivered(Exception):
    """A message was not accepted; `str()` says why, in words for the operator."""


class Failed(Undelivered):
    """The server accepts no message at present."""


class Deferred(Undelivered):
    """The server does not accept this message at present, but may accept others."""


class Refused(Undelivered):
    """The server will never accept this message."""


class Transport(Protocol):
    """Opens a connection on which messages are sent."""

    def connect(self) -> AbstractContextManager[Send]:
        """Return a function that sends one message, for a `with` block.

        Raises:
            Failed: when there is no connection, or the server refuses the user.

        """


@dataclass(frozen=True)
class Smtp:
    """A mail server, over TLS that is verified (RFC 8314); `starttls` begins in plain text."""

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
                server.connect(self.host, self.port)
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


@dataclass(frozen=True)
class Folder:
    """A folder in which each message is a file; the mailbox of development reads it."""

    path: Path

    @contextmanager
    def connect(self) -> Iterator[Send]:
        """Store messages; the oldest give way when there are more than `MAX_MAILBOX`."""
        with _failures():
            self.path.mkdir(mode=0o700, exist_ok=True)
        yield self._store
        for old in sorted(self.path.glob("*.eml"))[:-MAX_MAILBOX]:
            old.unlink(missing_ok=True)

    def _store(self, message: EmailMessage) -> None:
        with _failures():
            mail_id = message["Message-ID"].strip("<>").partition("@")[0]
            # By time of sending, so that the newest file is the newest message.
            name = f"{time.time_ns():020d}-{mail_id}.eml"
            draft = self.path / f".{name}"
            draft.write_bytes(bytes(message))
            draft.replace(self.path / name)


def from_url(url: str, mailbox: Path) -> Transport | None:
    """Return the transport that MAIL_URL names: `smtp://`, `smtps://`, `mailbox` or `none`.

    None for `none`: nothing is sent. `mailbox` stores into the folder `mailbox`. `config` has
    checked the form of the URL.
    """
    if url == "none":
        return None
    if url == "mailbox":
        return Folder(mailbox)
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
    with suppress(OSError):
        if server.sock:
            server.sock.shutdown(socket.SHUT_RDWR)


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
    except ValueError as error:
        raise Refused(f"the message cannot be sent ({error})") from None
