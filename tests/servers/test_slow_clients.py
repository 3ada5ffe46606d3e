"""Clients that send or take a byte now and then silence no worker."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from itertools import cycle, islice
from typing import Self

import pytest

from tests.support.client import Client, program
from tests.support.processes import wait_until
from tests.support.servers.gunicorn import GunicornServer
from tests.support.transports import raw

START = b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
# What each sends at once; then a byte a second, which completes none of them.
UNFINISHED = {
    "silent": b"",
    "request line": b"GET /healthz",
    "head": START,
    "body": START + b"Content-Length: 1000\r\n\r\n{",
    "chunks": START + b"Transfer-Encoding: chunked\r\n\r\n400\r\n{",
}


@pytest.fixture(scope="module")
def wire(
    deployed: Callable[[], AbstractContextManager[GunicornServer]],
) -> Iterator[Client]:
    """A line to a server with two workers, and an account there."""
    with deployed() as server:
        wire = program(server)
        wire.create_account()
        yield wire


class Dripping:
    """Connections that never finish their request, and send a byte a second while open."""

    def __init__(self, port: int, count: int, starts: tuple[bytes, ...]) -> None:
        self._opened = ExitStack()
        self._over = threading.Event()
        self.links: list[socket.socket] = []
        for start in islice(cycle(starts), count):
            link = socket.create_connection(("127.0.0.1", port), timeout=60)
            self.links.append(self._opened.enter_context(link))
            link.sendall(start)
        self._thread = threading.Thread(target=self._drip)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()
        self._opened.close()

    def _drip(self) -> None:
        while not self._over.wait(1):
            for link in self.links:
                with suppress(OSError):  # the server has ended it
                    link.send(b"a")


@pytest.mark.parametrize("kind", UNFINISHED)
@pytest.mark.parametrize("count", [100, 500])
def test_unfinished_requests_silence_nobody(wire: Client, kind: str, count: int) -> None:
    """Whatever is unfinished, both workers answer everybody else, on fresh connections."""
    access = wire.log_in().get_json()["access_token"]
    with Dripping(wire.server.port, count, (UNFINISHED[kind],)):
        assert {wire.ask("GET", "/healthz").status_code for _ in range(12)} == {200}
        assert wire.me_everywhere(access) == {200}
        assert wire.log_in().status_code == 200


def test_all_at_once(wire: Client) -> None:
    """Every kind together."""
    access = wire.log_in().get_json()["access_token"]
    with Dripping(wire.server.port, 500, tuple(UNFINISHED.values())):
        assert wire.me_everywhere(access) == {200}


def test_no_byte_moves_the_deadline(wire: Client) -> None:
    """A request that is still unfinished when its time is up is refused, drip or no drip."""
    starts = tuple(start for start in UNFINISHED.values() if start)
    with Dripping(wire.server.port, len(starts), starts) as dripping:
        for link in dripping.links:
            answer = link.recv(65536)
            assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
            assert b"Content-Security-Policy: " in answer
    assert wire.server.log.count('"reason": "RequestTooSlow"') >= len(starts)


def test_answers_that_nobody_takes_hold_no_thread(wire: Client) -> None:
    """100 clients ask for more than their sockets take and read nothing of it."""
    path = b"/static/js/session.js"
    many = b"GET %b HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % (path, wire.server.port)
    with ExitStack() as opened:
        for _ in range(100):
            link = opened.enter_context(socket.socket())
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            link.connect(("127.0.0.1", wire.server.port))
            link.settimeout(0)
            with suppress(BlockingIOError):
                link.send(many * 400)
        assert {wire.ask("GET", "/healthz").status_code for _ in range(24)} == {200}


def test_the_log_of_strangers_is_json_and_bounded(wire: Client) -> None:
    """500 malformed requests of many kinds: lines of JSON, sixty of a kind for each worker."""
    for number in range(500):
        raw(
            wire.server.port,
            (b"GET / HTTP/1.1\r\nBad Name: %d\r\n\r\n", b"%d\r\n\r\n")[number % 2] % number,
        )
    lines = wire.server.log.splitlines()
    assert all(line.startswith("{") and line.endswith("}") for line in lines)
    malformed = [line for line in lines if "malformed_request" in line]
    for reason in ("InvalidHeaderName", "InvalidRequestLine"):
        assert 60 <= sum(reason in line for line in malformed) <= 2 * 60 * 2
    wait_until(lambda: wire.ask("GET", "/healthz").status_code == 200, what="an answer")
