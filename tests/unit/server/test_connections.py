"""How long a connection may be at what, how many may be, and how a loop ends."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar
from unittest.mock import Mock

import pytest
from flask import Flask

from app.server import listeners, loop, table
from app.server.connection import Connection
from app.server.groups import Group
from app.server.listeners import ABSENT
from tests.support.processes import wait_until
from tests.unit.server.conftest import Running, everything

GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


@dataclass(eq=False)
class Neighbour:
    """What a group looks at."""

    site: str


class Gate:
    """An application whose answer waits for the test."""

    def __init__(self, application: Flask, size: int = 0) -> None:
        self.extensions = application.extensions
        self.entered, self.opened = threading.Semaphore(0), threading.Event()
        self._size = size

    def __call__(self, _environ: object, start_response: Callable[..., object]) -> list[bytes]:
        """Answer with `size` bytes once the gate is open."""
        self.entered.release()
        self.opened.wait(20)
        start_response("200 OK", [("Content-Length", str(self._size))])
        return [b"a" * self._size]


@pytest.fixture(autouse=True)
def _ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the deadlines more often than once a second."""
    monkeypatch.setattr(loop, "TICK_SECONDS", 0.01)


def test_what_is_unfinished_ends_in_time(
    run: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    """408 for a part of a request, nothing at all for a connection that sent none."""
    monkeypatch.setattr(table, "READ_SECONDS", 0.1)
    running = run()
    assert running.ask(GET).startswith(b"HTTP/1.1 408 ")
    assert running.ask(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{").startswith(
        b"HTTP/1.1 408 "
    )
    assert running.ask() == b""


def test_what_is_kept_idle_ends_in_time(run: Callable[..., Running]) -> None:
    """After keepalive seconds, without a word."""
    running = run()
    running.server.table.idle.seconds = 0.1
    assert running.ask(GET + b"\r\n").count(b"HTTP/1.1 200 ") == 1


def test_the_oldest_unfinished_gives_way(
    run: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as may be read at once stay; the next one takes the place of the first."""
    monkeypatch.setattr(table, "MAX_READING", 3)
    running = run()
    links = [running.connect() for _ in range(3)]
    for link in links:
        link.sendall(b"GET")
    with running.connect() as late:
        assert everything(links[0]).startswith(b"HTTP/1.1 408 ")
        for link in (late, *links[1:]):
            link.sendall(
                (b"" if link is not late else b"GET") + GET[3:] + b"Connection: close\r\n\r\n"
            )
            assert everything(link).startswith(b"HTTP/1.1 200 ")
    for link in links:
        link.close()


def test_the_site_that_has_the_most_gives_way() -> None:
    """A flood from one site makes room at its own expense."""
    group = Group(1, 3)
    honest, *flood = [Neighbour(site) for site in ("honest", "a", "a", "a")]
    for one in (honest, *flood):
        assert group.surplus() is None
        group[one] = None  # type: ignore[index]
    assert group.surplus() == flood[0]  # type: ignore[comparison-overlap]


def test_too_many_idle_are_told_to_close(
    run: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks is served; only the connection is not kept."""
    monkeypatch.setattr(table, "MAX_IDLE", 1)
    running = run()
    with running.connect() as kept:
        kept.sendall(GET + b"\r\n")
        assert b"\r\nConnection: keep-alive\r\n" in kept.recv(65536)
        wait_until(lambda: len(running.server.table.idle) == 1, what="rest")
        assert b"\r\nConnection: close\r\n" in running.ask(GET + b"\r\n")


def test_an_answer_that_is_not_taken(run: Callable[..., Running]) -> None:
    """It waits outside the threads, goes out when it is taken, and is given up in time."""
    running = run()
    gate = running.worker.wsgi = Gate(running.worker.wsgi, size=20_000_000)
    gate.opened.set()
    with running.connect() as link:
        link.sendall(GET + b"Connection: close\r\n\r\n")
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
        """Refuse /busy."""
        busy = environ["PATH_INFO"] == "/busy"
        more = [("retry-after", "2")] if busy else []
        start_response("503 Busy" if busy else "200 OK", [("Content-Length", "0"), *more])
        return [b""]


BUSY = GET.replace(b"/healthz", b"/busy")


def test_an_answer_with_retry_after_waits_and_holds_no_thread(
    run: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice as many clients as there are threads wait for theirs; everybody else is served."""
    monkeypatch.setattr(table, "DELAY_SECONDS", 60)
    running = run()
    running.worker.wsgi = Busy(running.worker.wsgi)
    delayed = running.server.table.delayed
    links = [running.connect() for _ in range(8)]
    for link in links:
        link.sendall(BUSY + b"\r\n")
    wait_until(lambda: len(delayed) == 8, what="the pause")
    assert running.ask(GET + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    for link in links:
        link.settimeout(0)
        with pytest.raises(BlockingIOError):
            link.recv(1)
        link.settimeout(20)
    delayed.seconds = 0.01
    delayed.shorten(0)
    for link in links:  # and the connection is as good as before
        assert link.recv(65536).startswith(b"HTTP/1.1 503 ")
        link.sendall(BUSY + b"\r\n" + GET + b"Connection: close\r\n\r\n")
        assert everything(link).count(b"HTTP/1.1 ") == 2
        link.close()


def test_so_many_may_wait_for_a_refusal(
    run: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one does not add to them: the oldest gets its answer at once."""
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


def test_what_comes_while_it_is_answered(run: Callable[..., Running]) -> None:
    """The next request waits its turn, and a client that left is noticed afterwards."""
    running = run()
    gate = running.worker.wsgi = Gate(running.worker.wsgi)
    with running.connect() as link, running.connect() as gone:
        link.sendall(GET + b"\r\n")
        gone.sendall(GET + b"\r\n")
        gate.entered.acquire()
        gate.entered.acquire()
        link.sendall(GET + b"Connection: close\r\n\r\n")
        gone.close()
        gate.opened.set()
        assert everything(link).count(b"HTTP/1.1 200 ") == 2
    wait_until(lambda: not running.server.table.groups, what="the end of all")


def test_a_reset_while_it_is_answered(run: Callable[..., Running]) -> None:
    """The answer has nowhere to go."""
    running = run()
    gate = running.worker.wsgi = Gate(running.worker.wsgi, size=20_000_000)
    link = running.connect()
    link.sendall(GET + b"\r\n")
    gate.entered.acquire()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    link.close()
    gate.opened.set()
    wait_until(lambda: not running.server.table.groups, what="its end")


def test_stopping_answers_what_still_comes(
    run: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is answered, half sent or kept is finished, and nothing new is accepted."""
    running = run()
    gate = running.worker.wsgi = Gate(running.worker.wsgi)
    gate.opened.set()
    with running.connect() as kept, running.connect() as half, running.connect() as silent:
        kept.sendall(GET + b"\r\n")
        assert kept.recv(65536).startswith(b"HTTP/1.1 200 ")
        half.sendall(GET)
        gate.opened.clear()
        with running.connect() as asking:
            asking.sendall(GET + b"\r\n")
            gate.entered.acquire()
            gate.entered.acquire()
            monkeypatch.setattr(loop, "STOP_IDLE_SECONDS", 1)
            running.stop(quick=False)
            wait_until(lambda: running.worker.loads[0] == ABSENT, what="the stop")
            with running.connect() as late:  # waits in the socket, which somebody else holds
                late.sendall(GET + b"\r\n")
                gate.opened.set()
                assert b"\r\nConnection: close\r\n" in everything(asking)
                for link, rest in ((kept, GET + b"\r\n"), (half, b"\r\n")):
                    link.sendall(rest)
                    assert b"\r\nConnection: close\r\n" in everything(link)
                assert everything(silent) == b""
                running.thread.join(20)
                assert not running.thread.is_alive()
                with running.listener.accept()[0] as waited:
                    assert waited.recv(3) == b"GET"


@pytest.mark.parametrize("error", [ConnectionResetError(), RuntimeError("a bug")])
def test_no_request_stops_the_loop(run: Callable[..., Running], error: Exception) -> None:
    """Whatever reading it comes to, that connection ends and no other."""
    worker = run(alive=False).worker
    server = loop.Server(worker)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = Connection(ours, ("192.0.2.1", 1), worker.cfg)
        server._enter(connection, server.table.reading, table.READ)  # noqa: SLF001
        server._read(connection, server.table.reading)  # noqa: SLF001
        server._parse(connection, Mock(side_effect=error))  # noqa: SLF001
        server._on_ready(connection, table.READ)  # noqa: SLF001
        assert everything(theirs) == b""
        server._poller.close()  # noqa: SLF001


def test_the_last_moment_of_an_idle_connection(run: Callable[..., Running]) -> None:
    """A request that came before its end was noticed is answered."""
    worker = run(alive=False).worker
    server = loop.Server(worker)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = Connection(ours, ("192.0.2.1", 1), worker.cfg)
        server._enter(connection, server.table.idle, table.READ)  # noqa: SLF001
        theirs.sendall(GET + b"Connection: close\r\n\r\n")
        server._end(connection)  # noqa: SLF001
        assert everything(theirs, until=b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
        server._responder.close()  # noqa: SLF001
        server._poller.close()  # noqa: SLF001


def test_the_end_of_the_master_is_the_end(run: Callable[..., Running]) -> None:
    """Nobody would stop such a worker."""
    running = run(ppid=1)
    running.thread.join(20)
    assert not running.thread.is_alive()


def test_as_many_requests_as_gunicorn_is_told(run: Callable[..., Running]) -> None:
    """`--max-requests`: the last one is answered, and the connection closed."""
    running = run(max_requests=1)
    assert b"\r\nConnection: close\r\n" in running.ask(GET + b"\r\n")
    running.thread.join(20)
    assert not running.thread.is_alive()


def test_a_full_loop_accepts_no_more(
    run: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes waits in the socket until there is room."""
    monkeypatch.setattr(loop, "MAX_CONNECTIONS", 1)
    running = run()
    with running.connect() as first:
        first.sendall(b"GET")
        wait_until(lambda: len(running.server.table.groups) == 1, what="the first")
        with running.connect() as second:
            second.sendall(GET + b"Connection: close\r\n\r\n")
            second.settimeout(0.2)
            with pytest.raises(TimeoutError):
                second.recv(1)
            first.close()
            second.settimeout(20)
            assert everything(second).startswith(b"HTTP/1.1 200 ")


def test_it_leaves_connections_to_a_worker_with_fewer(run: Callable[..., Running]) -> None:
    """It waits a moment when it is ahead, and then serves all the same."""
    running = run()
    running.worker.loads[1] = 0
    links = [running.connect() for _ in range(5)]
    try:
        for link in links:
            link.sendall(GET + b"\r\n")
            assert link.recv(65536).startswith(b"HTTP/1.1 200 ")
    finally:
        for link in links:
            link.close()


def test_a_system_without_files_is_no_end(
    run: Callable[..., Running], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so, waits, and goes on."""
    monkeypatch.setattr(listeners, "FAULT_SECONDS", 0.05)

    class Broken(socket.socket):
        faults: ClassVar = [OSError(24, "Too many open files"), BlockingIOError()]

        def accept(self) -> tuple[socket.socket, Any]:
            if self.faults:
                raise self.faults.pop(0)
            return super().accept()

    with socket.create_server(("127.0.0.1", 0)) as server:
        broken = Broken(fileno=os.dup(server.fileno()))
        broken.settimeout(0)
        monkeypatch.setattr(logging.getLogger("gunicorn.error"), "propagate", True)
        running = run(sockets=[broken])
        logging.getLogger("gunicorn.error").propagate = True
        running.listener.close()
        running.listener, running.port = broken, server.getsockname()[1]
    assert running.ask(GET + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    assert "Too many open files" in caplog.text
