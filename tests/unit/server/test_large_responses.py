"""A response of any size occupies little memory, and is sent as slowly as the client reads."""

import socket
import time
import tracemalloc
from collections.abc import Iterator

import pytest

from app.server import outgoing
from app.server.outgoing import MAX_IN_MEMORY, PART_BYTES, PROGRESS_BYTES, Outgoing
from tests.support.full_disk import full_disk
from tests.support.processes import wait_until
from tests.unit.server.conftest import Run, everything
from tests.unit.server.gates import CLOSE, GET, Gate

SIZE = 20_000_000


@pytest.fixture
def pipe() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    theirs.settimeout(0)
    with ours, theirs:
        yield ours, theirs


def pattern(number: int, size: int) -> bytes:
    return bytes([number]) * size


@pytest.mark.parametrize(
    "sizes",
    [
        (5,),
        (MAX_IN_MEMORY,),
        (MAX_IN_MEMORY, 1),
        (3 * MAX_IN_MEMORY,),
        (MAX_IN_MEMORY - 1, 2, PART_BYTES, 1),
        (10, 2 * PART_BYTES + MAX_IN_MEMORY, 10),
    ],
)
def test_all_is_sent_in_order(
    pipe: tuple[socket.socket, socket.socket], sizes: tuple[int, ...]
) -> None:
    """Twice over one connection, as for two requests, and although it accepts a part at a time."""
    ours, theirs = pipe
    unsent = Outgoing()
    assert not unsent
    for _ in range(2):
        whole, received = b"", bytearray()
        for number, size in enumerate(sizes):
            unsent.append(pattern(number, size))
            whole += pattern(number, size)
        while unsent:
            unsent.send(ours)
            unsent.send(ours)  # where nothing is accepted, nothing is lost
            received += theirs.recv(1 << 20)
        while len(received) < len(whole):
            received += theirs.recv(1 << 20)
        assert received == whole
        unsent.send(ours)


def test_what_is_dropped_is_not_sent(pipe: tuple[socket.socket, socket.socket]) -> None:
    unsent = Outgoing()
    unsent.append(b"a" * 2 * MAX_IN_MEMORY)
    unsent.clear()
    assert not unsent
    unsent.append(b"b")
    unsent.send(pipe[0])
    assert pipe[1].recv(10) == b"b"


def test_progress_is_counted(pipe: tuple[socket.socket, socket.socket]) -> None:
    unsent, received = Outgoing(), 0
    unsent.append(b"a" * 2 * PROGRESS_BYTES)
    told = []
    while unsent:
        unsent.send(pipe[0])
        received += len(pipe[1].recv(1 << 20))
        if unsent.has_progressed():
            told.append(received)
    assert told
    assert told[0] >= PROGRESS_BYTES
    assert len(told) <= 2


def test_a_large_response_is_not_in_memory(run: Run) -> None:
    running = run()
    gate = running.worker.wsgi = Gate(running.worker.wsgi, size=SIZE)
    gate.opened.set()
    links = [running.connect() for _ in range(5)]
    tracemalloc.start()
    for link in links:
        link.sendall(GET + CLOSE)
    wait_until(lambda: len(running.server.table.sending) == 5, what="the rest of each")
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 5 * (MAX_IN_MEMORY + PART_BYTES) + 1_000_000
    for link in links:
        assert len(everything(link)) > SIZE
        link.close()


def test_a_full_disk_is_a_fault_and_no_half_response(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    running = run()
    gate = running.worker.wsgi = Gate(running.worker.wsgi, size=SIZE)
    gate.opened.set()
    with full_disk(SIZE // 2):
        received = running.ask(GET + CLOSE)
    assert received.startswith(b"HTTP/1.1 500 ")
    assert len(received) < 10_000
    assert "Error handling request GET /healthz" in caplog.text


def test_a_slow_client_gets_all_of_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part has its time; a client that takes none of it is given up."""
    monkeypatch.setattr(outgoing, "PROGRESS_BYTES", 1_000_000)
    running = run()
    gate = running.worker.wsgi = Gate(running.worker.wsgi, size=SIZE)
    gate.opened.set()
    running.server.table.sending.seconds = 0.5
    with running.connect() as link:
        link.sendall(GET + CLOSE)
        received, began = 0, time.monotonic()
        while part := link.recv(2_000_000):
            received += len(part)
            time.sleep(len(part) / 8_000_000)
        assert received > SIZE
        assert time.monotonic() - began > 4 * 0.5
    with running.connect() as link:
        link.sendall(GET + CLOSE)
        wait_until(lambda: len(running.server.table.sending) == 1, what="the rest")
        wait_until(lambda: not running.server.table.groups, what="its end")
        assert 0 < len(everything(link)) < SIZE
