"""A client over a real connection, a fresh one for each request.

The kernel spreads fresh connections over the workers, so a question asked often enough reaches
every one of them.
"""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from threading import Barrier
from typing import TYPE_CHECKING, Any, Final, TypeVar

from app.web.cookies import DEVICE, REFRESH
from tests.support.client import EMAIL, PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.servers.gunicorn import GunicornServer

T = TypeVar("T")

SECONDS: Final = 20
# Of four workers each is missed once in a thousand times by this many connections.
ALL_WORKERS: Final = 24


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    cookies: dict[str, str]
    text: str

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object of the answer."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def pair(self) -> tuple[str, str]:
        """The access token and the refresh token of a token answer."""
        return self.body["access_token"], self.cookies[REFRESH]


@dataclass
class Wire:
    """Requests to one server, as a program sends them."""

    server: GunicornServer
    email: str = EMAIL
    headers: dict[str, str] = field(default_factory=dict)

    def ask(  # noqa: PLR0913 - what a request may carry
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        cookie: str = "",
        access: str = "",
        device: str = "",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send one request over a connection of its own."""
        sent = self.headers | (headers or {}) | {"Connection": "close"}
        jar = {REFRESH: cookie, DEVICE: device}
        cookies = "; ".join(f"{name}={value}" for name, value in jar.items() if value)
        sent |= {"Cookie": cookies} if cookies else {}
        sent |= {"Authorization": f"Bearer {access}"} if access else {}
        sent |= {"Content-Type": "application/json"} if body is not None else {}
        link = HTTPConnection("localhost", self.server.port, timeout=SECONDS)
        try:
            link.request(method, path, None if body is None else json.dumps(body), sent)
            answer = link.getresponse()
            lines = answer.headers.get_all("Set-Cookie") or []
            taken = dict(line.partition(";")[0].split("=", 1) for line in lines)
            return Answer(answer.status, dict(answer.headers), taken, answer.read().decode())
        finally:
            link.close()

    def register(self) -> Answer:
        """Open an account."""
        body = {"email": self.email, "password": PASSWORD}
        answer = self.ask("POST", "/auth/register", body)
        assert answer.status == 201
        return answer

    def log_in(self, password: str = PASSWORD, device: str = "") -> Answer:
        """Log in."""
        body = {"email": self.email, "password": password}
        return self.ask("POST", "/auth/login", body, device=device)

    def refresh(self, cookie: str) -> Answer:
        """Exchange a refresh token."""
        return self.ask("POST", "/auth/refresh", cookie=cookie)

    def me(self, access: str) -> Answer:
        """Ask who one is."""
        return self.ask("GET", "/api/me", access=access)

    def me_everywhere(self, access: str) -> set[int]:
        """Ask every worker who one is; return the statuses there were."""
        return {self.me(access).status for _ in range(ALL_WORKERS)}

    def raw(self, request: bytes) -> bytes:
        """Send bytes as they are and return all that comes back."""
        with socket.create_connection(("localhost", self.server.port), timeout=SECONDS) as link:
            try:
                link.sendall(request)
                link.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # refused before it was all sent
            received = bytearray()
            try:
                while part := link.recv(65536):
                    received += part
            except ConnectionResetError:
                pass
            return bytes(received)


def at_once(count: int, act: Callable[[int], T]) -> list[T]:
    """Do something `count` times at the very same moment; return what each came to."""
    barrier = Barrier(count)

    def one(number: int) -> T:
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
