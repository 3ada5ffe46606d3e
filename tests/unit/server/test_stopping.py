"""How the loop of a worker ends, and when it takes no more."""

import logging
import os
import socket
from typing import Any, ClassVar
from unittest.mock import Mock

import pytest

from app.server import listeners, loop, table
from app.server.connection import Connection
from app.server.listeners import ABSENT
from tests.support.processes import wait_until
from tests.unit.server.conftest import Run, everything
from tests.unit.server.gates import CLOSE, GET, Gate


def test_a_stop_finishes_what_has_begun(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing new is accepted."""
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
def test_no_request_stops_the_loop(run: Run, error: Exception) -> None:
    """An unexpected error ends its connection and no other."""
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


def test_a_request_in_the_last_moment_of_an_idle_connection_is_answered(
    run: Run,
) -> None:
    worker = run(alive=False).worker
    server = loop.Server(worker)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = Connection(ours, ("192.0.2.1", 1), worker.cfg)
        server._enter(connection, server.table.idle, table.READ)  # noqa: SLF001
        theirs.sendall(GET + CLOSE)
        server._end(connection)  # noqa: SLF001
        assert everything(theirs, until=b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
        server._responder.close()  # noqa: SLF001
        server._poller.close()  # noqa: SLF001


def test_a_loop_ends_with_its_master(run: Run) -> None:
    """Nobody else would stop it."""
    running = run(ppid=1)
    running.thread.join(20)
    assert not running.thread.is_alive()


def test_a_loop_ends_after_as_many_requests_as_gunicorn_is_told(
    run: Run,
) -> None:
    running = run(max_requests=1)
    assert b"\r\nConnection: close\r\n" in running.ask(GET + b"\r\n")
    running.thread.join(20)
    assert not running.thread.is_alive()


def test_a_full_loop_accepts_no_more(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "MAX_CONNECTIONS", 1)
    running = run()
    with running.connect() as first:
        first.sendall(b"GET")
        wait_until(lambda: len(running.server.table.groups) == 1, what="the first")
        with running.connect() as second:
            second.sendall(GET + CLOSE)
            second.settimeout(0.2)
            with pytest.raises(TimeoutError):
                second.recv(1)
            first.close()
            second.settimeout(20)
            assert everything(second).startswith(b"HTTP/1.1 200 ")


def test_a_loop_leaves_connections_to_a_worker_with_fewer(run: Run) -> None:
    """It waits a moment, and serves them when no other worker does."""
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


def test_a_system_without_free_files_ends_no_loop(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
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
    assert running.ask(GET + CLOSE).startswith(b"HTTP/1.1 200 ")
    assert "Too many open files" in caplog.text
