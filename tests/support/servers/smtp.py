"""A real mail server with STARTTLS and passwords, that fails as a test wants."""

import asyncio
import gc
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path
from typing import Any, Final

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.processes import free_port

USER: Final = "latchkey"
PASSWORD: Final = "p@ss:word"
QUOTED: Final = "p%40ss%3Aword"


@dataclass
class SmtpServer:
    """Accepts mail on `port`; `received` has it in order.

    While `free` is cleared it hangs, and `busy` says that a message has come.
    `rcpt` and `data` are answers that are given instead of accepting; `drop` breaks the
    connection after DATA has been accepted, before the client reads that.
    """

    folder: Path
    received: list[EmailMessage] = field(default_factory=list)
    rcpt: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    drop: int = 0
    port: int = 0
    free: threading.Event = field(default_factory=threading.Event)
    busy: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.free.set()

    @property
    def certificate(self) -> Path:
        """The file of the authority that a client has to trust."""
        return self.folder / "cert.pem"

    def url(self, password: str = QUOTED) -> str:
        return f"smtp://{USER}:{password}@localhost:{self.port}"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if self.rcpt:
            return self.rcpt.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.busy.set()
        self.free.wait(30)  # the whole server hangs, not this connection alone
        if self.data:
            return self.data.pop(0)
        raw = envelope.content
        assert isinstance(raw, bytes)
        self.received.append(message_from_bytes(raw, policy=SMTPUTF8))
        if self.drop:
            self.drop -= 1
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 OK"

    def authenticate(
        self,
        _server: SMTP,
        _session: Session,
        _envelope: Envelope,
        _way: str,
        given: Any,  # noqa: ANN401
    ) -> AuthResult:
        right = isinstance(given, LoginPassword) and given == LoginPassword(
            USER.encode(), PASSWORD.encode()
        )
        return AuthResult(success=right, handled=right)

    @contextmanager
    def running(self, *, tls_first: bool = False, tls: bool = True) -> Iterator["SmtpServer"]:
        """Run the server; with `tls_first` (smtps) it knows no user, without `tls` no STARTTLS."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(make_certificate(self.folder))
        options: dict[str, Any] = {}
        if tls_first:
            options = {"ssl_context": context}
        elif tls:
            options = {
                "tls_context": context,
                "require_starttls": True,
                "authenticator": self.authenticate,
                "auth_required": True,
            }
        self.port = free_port()
        controller = Controller(self, hostname="127.0.0.1", port=self.port, **options)
        controller.start()
        try:
            yield self
        finally:
            controller.stop()
            # aiosmtpd leaves the connections of clients that went away to the garbage collector.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ResourceWarning)
                gc.collect()


def make_certificate(folder: Path) -> Path:
    """Make a certificate for localhost that is its own authority, with its key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "cert.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
