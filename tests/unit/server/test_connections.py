"""How long a connection may be at what, how many may be, and how a loop ends."""

import socket
from collections.abc import Callable

import pytest
from flask import Flask

from app.server import table
from app.server.groups import Group
from tests.support.processes import wait_until
from tests.unit.server.conftest import Run, everything
from tests.unit.server.gates import CLOSE, GET, Gate, Neighbour


def test_an_unfinished_request_ends_in_time(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is 408, or nothing when the connection sent nothing."""
    monkeypatch.setattr(table, "READ_SECONDS", 0.1)
    running = run()
    assert running.ask(GET).startswith(b"HTTP/1.1 408 ")
    assert running.ask(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{").startswith(
        b"HTTP/1.1 408 "
    )
    assert running.ask() == b""


def test_an_idle_connection_ends_in_time(run: Run) -> None:
    running = run()
    running.server.table.idle.seconds = 0.1
    assert running.ask(GET + b"\r\n").count(b"HTTP/1.1 200 ") == 1


def test_the_oldest_unfinished_request_gives_way(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "MAX_READING", 3)
    running = run()
    links = [running.connect() for _ in range(3)]
    for link in links:
        link.sendall(b"GET")
    with running.connect() as late:
        assert everything(links[0]).startswith(b"HTTP/1.1 408 ")
        late.sendall(b"GET")
        for link in (late, *links[1:]):
            link.sendall(GET[3:] + CLOSE)
            assert everything(link).startswith(b"HTTP/1.1 200 ")
    for link in links:
        link.close()


def test_the_site_that_has_the_most_gives_way() -> None:
    """A flood from one site does not push out others."""
    group = Group(1, 3)
    honest, *flood = [Neighbour(site) for site in ("honest", "a", "a", "a")]
    for one in (honest, *flood):
        assert group.surplus() is None
        group[one] = None  # type: ignore[index]
    assert group.surplus() == flood[0]  # type: ignore[comparison-overlap]


def test_above_the_limit_of_idle_connections_none_is_kept(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "MAX_IDLE", 1)
    running = run()
    with running.connect() as kept:
        kept.sendall(GET + b"\r\n")
        assert b"\r\nConnection: keep-alive\r\n" in kept.recv(65536)
        wait_until(lambda: len(running.server.table.idle) == 1, what="rest")
        assert b"\r\nConnection: close\r\n" in running.ask(GET + b"\r\n")


def test_an_answer_that_is_not_taken_holds_no_thread(run: Run) -> None:
    """It is sent when the client reads, and given up in time."""
    running = run()
    gate = running.worker.wsgi = Gate(running.worker.wsgi, size=20_000_000)
    gate.opened.set()
    with running.connect() as link:
        link.sendall(GET + CLOSE)
        wait_until(lambda: len(running.server.table.sending) == 1, what="the rest")
        assert len(everything(link)) > 20_000_000
    running.server.table.sending.seconds = 0.1
    with running.connect() as link:
        link.sendall(GET + b"\r\n")
        wait_until(lambda: len(running.server.table.sending) == 1, what="the rest")
        wait_until(lambda: not running.server.table.groups, what="its end")
    with running.connect() as link:
        link.sendall(GET + b"\r\n")
        link.recv(1)
    wait_until(lambda: not running.server.table.groups, what="its end")


class Busy:
    """An application that is too busy for one path, and says when to come back."""

    def __init__(self, application: Flask) -> None:
        self.extensions = application.extensions

    def __call__(
        self, environ: dict[str, object], start_response: Callable[..., object]
    ) -> list[bytes]:
        busy = environ["PATH_INFO"] == "/busy"
        more = [("retry-after", "2")] if busy else []
        start_response("503 Busy" if busy else "200 OK", [("Content-Length", "0"), *more])
        return [b""]


BUSY = GET.replace(b"/healthz", b"/busy")


def test_an_answer_with_retry_after_waits_and_holds_no_thread(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice as many clients wait as there are threads, and others are served."""
    monkeypatch.setattr(table, "DELAY_SECONDS", 60)
    running = run()
    running.worker.wsgi = Busy(running.worker.wsgi)
    delayed = running.server.table.delayed
    links = [running.connect() for _ in range(8)]
    for link in links:
        link.sendall(BUSY + b"\r\n")
    wait_until(lambda: len(delayed) == 8, what="the pause")
    assert running.ask(GET + CLOSE).startswith(b"HTTP/1.1 200 ")
    for link in links:
        link.settimeout(0)
        with pytest.raises(BlockingIOError):
            link.recv(1)
        link.settimeout(20)
    delayed.seconds = 0.01
    delayed.shorten(0)
    for link in links:  # and the connection is as good as before
        assert link.recv(65536).startswith(b"HTTP/1.1 503 ")
        link.sendall(BUSY + b"\r\n" + GET + CLOSE)
        assert everything(link).count(b"HTTP/1.1 ") == 2
        link.close()


def test_a_limited_number_of_clients_wait_for_a_refusal(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When another one comes, the oldest gets its answer at once."""
    monkeypatch.setattr(table, "DELAY_SECONDS", 60)
    monkeypatch.setattr(table, "MAX_DELAYED", 2)
    running = run()
    running.worker.wsgi = Busy(running.worker.wsgi)
    delayed = running.server.table.delayed
    links = [running.connect() for _ in range(3)]
    for number, link in enumerate(links):
        link.sendall(BUSY + b"\r\n")
        waiting = min(number + 1, 2)
        wait_until(lambda n=waiting, d=delayed: len(d) == n, what="it")  # type: ignore[misc]
    assert links[0].recv(65536).startswith(b"HTTP/1.1 503 ")
    links[0].close()
    links[1].close()  # a client that leaves meanwhile is noticed when its answer is due
    delayed.shorten(0)
    assert links[2].recv(65536).startswith(b"HTTP/1.1 503 ")
    links[2].close()


def test_what_comes_during_an_answer_waits_its_turn(run: Run) -> None:
    """A client that left during its answer is noticed afterwards."""
    running = run()
    gate = running.worker.wsgi = Gate(running.worker.wsgi)
    with running.connect() as link, running.connect() as gone:
        link.sendall(GET + b"\r\n")
        gone.sendall(GET + b"\r\n")
        gate.entered.acquire()
        gate.entered.acquire()
        link.sendall(GET + CLOSE)
        gone.close()
        gate.opened.set()
        assert everything(link).count(b"HTTP/1.1 200 ") == 2
    wait_until(lambda: not running.server.table.groups, what="the end of all")


def test_after_a_reset_the_answer_has_nowhere_to_go(run: Run) -> None:
    running = run()
    gate = running.worker.wsgi = Gate(running.worker.wsgi, size=20_000_000)
    link = running.connect()
    link.sendall(GET + b"\r\n")
    gate.entered.acquire()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    link.close()
    gate.opened.set()
    wait_until(lambda: not running.server.table.groups, what="its end")
