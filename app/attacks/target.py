"""The deployment under attack, and how requests reach it.

Every request has its own connection: the kernel then spreads them over all workers, and an attack
finds out what only one worker knows.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from app.attacks.answer import Answer
from config import Settings

SECONDS: Final = 30
PORTS: Final = {"http": 80, "https": 443}


class Silent(OSError):
    """The request was sent and no answer came in time."""


class Forbidden(ValueError):
    """A target that is neither on this machine nor the deployment's PUBLIC_URL."""


@dataclass(frozen=True)
class Target:
    """A deployment to attack: where it listens, and the settings it runs with.

    `log` is the file of its log, if the attacker may read it; `seconds` is how long a request
    waits for its answer.
    """

    url: str
    settings: Settings
    log: Path | None = None
    seconds: float = SECONDS

    def __post_init__(self) -> None:
        """Refuse every target but this machine and the deployment's PUBLIC_URL.

        Raises:
            Forbidden: for any other target.

        """
        is_public_url = self.url.rstrip("/") == self.settings.public_url
        if not (is_public_url or self.is_local):
            raise Forbidden(f"only loopback or {self.settings.public_url} may be attacked")

    @property
    def is_local(self) -> bool:
        """True when every address of the host is a loopback address of this machine."""
        parts = urlsplit(self.url)
        if parts.scheme not in PORTS or parts.username is not None or not parts.hostname:
            return False
        try:
            found = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
            return all(ipaddress.ip_address(at[4][0]).is_loopback for at in found)
        except (OSError, ValueError):
            return False

    def another_address(self) -> str:
        """Return a random client address, so that no attack uses up the limits of the next.

        Empty where the client cannot choose its address: not on Linux, over IPv6, or not over
        loopback. All attacks share one address there.
        """
        host = urlsplit(self.url).hostname or ""
        if sys.platform != "linux" or ":" in host or not self.is_local:
            return ""
        return f"127.{_byte()}.{_byte()}.{_byte()}"

    def send(
        self, method: str, path: str, headers: list[tuple[str, str]], body: bytes, source: str = ""
    ) -> Answer:
        """Send one request exactly as given and return the answer.

        Raises:
            Silent: when the request is sent and no answer comes within `seconds`.
            OSError, http.client.HTTPException: when there is no answer for another reason.

        """
        base, began = urlsplit(self.url).path.rstrip("/"), time.monotonic()
        with closing(self._connection(source)) as connection:
            connection.putrequest(method, base + path, skip_host=True, skip_accept_encoding=True)
            for name, value in [*self._proxy_headers(source), *headers]:
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            return self._receive(connection, began)

    @contextmanager
    def unfinished(self, starts: Iterable[bytes], source: str = "") -> Iterator[None]:
        """Hold a connection open for each of `starts`, which sends these bytes and no more.

        Raises:
            OSError: when a connection cannot be opened.

        """
        with ExitStack() as opened:
            for start in starts:
                connection = opened.enter_context(closing(self._connection(source)))
                connection.connect()
                connection.sock.sendall(start)
            yield

    def _connection(self, source: str) -> HTTPConnection:
        parts = urlsplit(self.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        address = None if not source or self.settings.trusted_proxies else (source, 0)
        return kind(parts.hostname or "", parts.port, timeout=SECONDS, source_address=address)

    def _proxy_headers(self, source: str) -> list[tuple[str, str]]:
        """Return what the proxies in front of the deployment would add."""
        hops = self.settings.trusted_proxies
        if not (hops and source):
            return []
        return [("X-Forwarded-For", ", ".join([source] + ["127.0.0.1"] * (hops - 1)))]

    def _receive(self, connection: HTTPConnection, began: float) -> Answer:
        connection.sock.settimeout(self.seconds)
        try:
            response = connection.getresponse()
            body = response.read()
        except TimeoutError:
            raise Silent(f"no answer within {self.seconds} seconds") from None
        headers = tuple(response.getheaders())
        return Answer(response.status, headers, body, time.monotonic() - began)


def _byte() -> int:
    return 1 + secrets.randbelow(254)
