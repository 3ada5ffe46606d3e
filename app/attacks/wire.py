"""The wire to the deployment under attack: every request on a connection of its own.

Fresh connections are spread over all workers, so what one worker alone knows is found out.
"""

from __future__ import annotations

import ipaddress
import json
import secrets
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from config import Settings

SECONDS: Final = 30
PORTS: Final = {"http": 80, "https": 443}


class Silent(OSError):
    """The connection stands, the request is sent, and no answer came in time."""


class Forbidden(ValueError):
    """A target that is neither on this machine nor the deployment's own address."""


@dataclass(frozen=True)
class Answer:
    """What came back, and after how many `seconds`."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float = field(compare=False)

    def header(self, name: str) -> str:
        """Return the values of a header, joined as a browser would; empty when there is none."""
        return ", ".join(value for key, value in self.headers if key.lower() == name.lower())

    @property
    def json(self) -> dict[str, Any]:
        """The JSON object of the body; empty when it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def code(self) -> str:
        """The stable code of a refusal."""
        return str(self.json.get("code", ""))

    @property
    def set_cookies(self) -> dict[str, str]:
        """The Set-Cookie lines by the name of their cookie."""
        lines = [value for key, value in self.headers if key.lower() == "set-cookie"]
        return {line.partition("=")[0]: line for line in lines}

    def cookie(self, name: str) -> str:
        """Return the value that a cookie was set to; empty when it was cleared or not set."""
        return self.set_cookies.get(name, "").partition("=")[2].partition(";")[0]


@dataclass(frozen=True)
class Target:
    """A deployment to attack: where it listens, and the settings it runs with.

    `log` is where it writes its log, for those who may read it; `seconds` is how long a
    request that is sent waits for its answer.
    """

    url: str
    settings: Settings
    log: Path | None = None
    seconds: float = SECONDS

    def __post_init__(self) -> None:
        """Refuse every target but this machine and the deployment's own PUBLIC_URL.

        Raises:
            Forbidden.

        """
        own = self.url.rstrip("/") == self.settings.public_url
        if not (own or self.is_local):
            raise Forbidden(f"only loopback or {self.settings.public_url} may be attacked")

    @property
    def is_local(self) -> bool:
        """True when the host is an address of this machine's loopback, under whatever name."""
        parts = urlsplit(self.url)
        if parts.scheme not in PORTS or parts.username is not None or not parts.hostname:
            return False
        try:
            found = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
            return all(ipaddress.ip_address(at[4][0]).is_loopback for at in found)
        except (OSError, ValueError):
            return False

    def another_address(self) -> str:
        """Return an address to come from, so that one attack's failures do not limit the next.

        Empty where the client cannot choose: then every attack shares one address.
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
            Silent: when the request is sent and nothing comes back.
            OSError, http.client.HTTPException: when there is no answer for another reason.

        """
        link, base = self._link(source), urlsplit(self.url).path.rstrip("/")
        began = time.monotonic()
        try:
            link.putrequest(method, base + path, skip_host=True, skip_accept_encoding=True)
            for name, value in [*self._envelope(source), *headers]:
                link.putheader(name, value)
            link.putheader("Content-Length", str(len(body)))
            link.endheaders(body)
            link.sock.settimeout(self.seconds)
            try:
                answer = link.getresponse()
                read = answer.read()
            except TimeoutError:
                raise Silent(f"no answer within {self.seconds} seconds") from None
            return Answer(
                answer.status, tuple(answer.getheaders()), read, time.monotonic() - began
            )
        finally:
            link.close()

    @contextmanager
    def unfinished(self, starts: Iterable[bytes], source: str = "") -> Iterator[None]:
        """Have a connection for each of `starts`, which sends just that and stays open.

        Raises:
            OSError: when a connection cannot be opened.

        """
        with ExitStack() as opened:
            for start in starts:
                link = opened.enter_context(closing(self._link(source)))
                link.connect()
                link.sock.sendall(start)
            yield

    def _link(self, source: str) -> HTTPConnection:
        parts = urlsplit(self.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        at = None if not source or self.settings.trusted_proxies else (source, 0)
        return kind(parts.hostname or "", parts.port, timeout=SECONDS, source_address=at)

    def _envelope(self, source: str) -> list[tuple[str, str]]:
        """Return what the proxies in front of a deployment would add."""
        hops = self.settings.trusted_proxies
        if not (hops and source):
            return []
        return [("X-Forwarded-For", ", ".join([source] + ["127.0.0.1"] * (hops - 1)))]


def _byte() -> int:
    return 1 + secrets.randbelow(254)
