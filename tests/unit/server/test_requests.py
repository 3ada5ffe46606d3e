"""What arrives: in pieces, pipelined, chunked, malformed, too large."""

import json
import socket
import struct
import time
from dataclasses import replace

import pytest
from flask import Flask

from app.server.chunks import MAX_CHUNKS, last_chunk
from app.services import NAME
from config import BODY_BYTES
from tests.support.app import services
from tests.unit.server.conftest import Run, Running, everything
from tests.unit.server.gates import CLOSE, GET

POST = b"POST /auth/login HTTP/1.1\r\nHost: example.com\r\nContent-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
TOO_MANY_CHUNKS = b"\r\n" + b"1\r\na\r\n" * MAX_CHUNKS + b"0\r\n\r\n"
LONG_TRAILER = b"\r\n0\r\n" + b"a: b\r\n" * 200


def statuses(received: bytes) -> list[int]:
    """List the status of each answer."""
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


def test_a_request_may_come_byte_by_byte(running: Running) -> None:
    whole = GET + CLOSE
    assert statuses(running.ask(*(whole[n : n + 1] for n in range(len(whole))))) == [200]


def test_kept_and_pipelined_requests_are_answered_in_order(running: Running) -> None:
    with running.connect() as link:
        for _ in range(3):
            link.sendall(GET + b"\r\n")
            assert link.recv(65536).startswith(b"HTTP/1.1 200 ")
        link.sendall(GET)
        time.sleep(0.05)
        link.sendall(CLOSE)
        assert link.recv(65536).startswith(b"HTTP/1.1 200 ")
    lost = GET.replace(b"healthz", b"nowhere")
    assert statuses(running.ask(GET + b"\r\n" + lost + b"\r\n" + GET, CLOSE)) == [200, 404, 200]


def body_of(received: bytes) -> str:
    """Return the code of a problem."""
    return str(json.loads(received.partition(b"\r\n\r\n")[2])["code"])


@pytest.mark.parametrize(
    "parts",
    [
        (b"Content-Length: 9\r\n" + CLOSE, b'{"a"', b": 1}\n"),
        (CHUNKED + CLOSE, b"4\r\n{", b'"a"\r', b"\n5;x=y\r\n: 1}\n\r\n", b"0\r\n", b"\r\n"),
        (CHUNKED + CLOSE, b'9\r\n{"a": 1}\n\r\n0\r\nX-Trailer: 1\r\n', b"\r\n"),
    ],
)
def test_a_body_may_come_in_parts(running: Running, parts: tuple[bytes, ...]) -> None:
    """The application gets the whole body and refuses it for its content."""
    received = running.ask(POST.replace(b"example.com", b"latchkey.example"), *parts)
    assert statuses(received) in ([400], [421])


def test_a_client_that_waits_to_be_told_is_told_once(running: Running) -> None:
    """`Expect: 100-continue` is ignored when the body has arrived already."""
    expect = POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n" + CLOSE
    with running.connect() as link:
        link.sendall(expect)
        assert link.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        link.sendall(b"{}")
        assert statuses(link.recv(65536))[0] >= 400
    with running.connect() as link:
        link.sendall(expect + b"{}")
        assert statuses(link.recv(65536))[-1] >= 400


def large_chunks(size: int) -> bytes:
    """Spell a body of 4 kB chunks."""
    return (b"1000\r\n" + b"a" * 4096 + b"\r\n") * (size // 4096) + b"1\r\na\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (GET + b"Bad Name: stolen\r\n\r\n", 400, "bad_request"),
        (GET + b"X: stolen\n\n", 400, "bad_request"),
        (b"GET /stolen" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n", 414, "request_uri_too_long"),
        (GET + b"X: " + b"a" * 9000 + b"\r\n\r\n", 431, "request_header_fields_too_large"),
        (GET + b"X: " + b"a" * 70_000, 431, "request_header_fields_too_large"),
        (GET + b"Transfer-Encoding: stolen\r\n\r\n", 501, "not_implemented"),
        (GET + b"Expect: stolen\r\n\r\n", 417, "expectation_failed"),
        (POST + b"Content-Length: 65537\r\n\r\n", 413, "request_entity_too_large"),
        (POST + CHUNKED + b"\r\nfffff\r\n", 413, "request_entity_too_large"),
        (POST + CHUNKED + b"\r\n" + b"1\r\na\r\n" * 22_000, 413, "request_entity_too_large"),
        (POST + CHUNKED + TOO_MANY_CHUNKS, 413, "request_entity_too_large"),
        (POST + CHUNKED + LONG_TRAILER, 413, "request_entity_too_large"),
        (POST + CHUNKED + b"\r\n" + large_chunks(65536), 413, "request_entity_too_large"),
        (POST + CHUNKED + b"\r\nstolen\r\n\r\n", 400, "bad_request"),
        (POST + CHUNKED + b"\r\n" + b"1" * 300, 400, "bad_request"),
        (POST + CHUNKED + b"\r\n1\r\nstolen\r\n0\r\n\r\n", 400, "bad_request"),
    ],
)
def test_what_cannot_be_read_is_refused(
    running: Running, sent: bytes, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer has our headers; neither answer nor log repeats what was sent."""
    received = running.ask(sent)
    assert statuses(received) == [status]
    assert body_of(received) == code
    assert b"\r\nContent-Security-Policy: default-src 'none'" in received
    assert b"\r\nStrict-Transport-Security: " in received
    assert b"\r\nConnection: close\r\n" in received
    assert b"stolen" not in received
    assert "stolen" not in caplog.text
    assert statuses(running.ask(GET + CLOSE)) == [200]


def test_a_body_of_the_largest_size_is_read(running: Running) -> None:
    """The application and not the server refuses it."""
    whole = b"Content-Length: %d\r\n\r\n" % BODY_BYTES + b"a" * BODY_BYTES
    chunks = CHUNKED + b"\r\n" + large_chunks(BODY_BYTES - 4096)
    for sent in (whole, chunks):
        with running.connect() as link:
            link.sendall(POST + sent)
            assert statuses(link.recv(65536)) in ([400], [421])


def test_a_deployment_may_take_larger_bodies(app: Flask, run: Run) -> None:
    larger = replace(services(app).settings, max_body_bytes=4 * BODY_BYTES)
    app.extensions[NAME] = replace(services(app), settings=larger)
    running = run()
    for size, good in ((4 * BODY_BYTES, True), (4 * BODY_BYTES + 4096, False)):
        whole = b"Content-Length: %d\r\n\r\n" % size + b"a" * size
        chunks = CHUNKED + b"\r\n" + large_chunks(size - 4096)
        for sent in (whole, chunks):
            with running.connect() as link:
                link.sendall(POST + sent)
                assert (statuses(link.recv(65536)) != [413]) == good


def test_what_comes_after_a_refusal_is_read_away(running: Running) -> None:
    """Otherwise the kernel could drop the answer."""
    with running.connect() as link:
        link.sendall(GET + b"Bad Name: x\r\n\r\n")
        link.sendall(b"more")
        received = link.recv(65536)
        link.sendall(b"and more")
        link.shutdown(socket.SHUT_WR)
        assert statuses(received + everything(link)) == [400]


def test_a_client_that_leaves_is_no_fault(running: Running) -> None:
    part, chunk = POST + b"Content-Length: 9\r\n\r\n{", POST + CHUNKED + b"\r\n5\r\na"
    for sent in (b"", b"GET", part, chunk):
        running.connect().close()
        with running.connect() as link:
            link.sendall(sent)
    for sent in (b"GET", GET + b"\r\n"):
        with running.connect() as link:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            link.sendall(sent)
            time.sleep(0.05)  # it leaves by a reset, after what it sent was read
    assert statuses(running.ask(GET + CLOSE)) == [200]


def test_a_fault_of_the_application_is_an_answer(running: Running) -> None:
    def broken(_environ: object, start_response: object) -> list[bytes]:
        start_response("200 OK", [("X", "a\nb")])  # type: ignore[operator]
        return []

    application = running.worker.wsgi
    broken.extensions = application.extensions  # type: ignore[attr-defined]
    running.worker.wsgi = broken
    received = running.ask(GET + CLOSE)
    assert statuses(received) == [500]
    assert body_of(received) == "internal_server_error"
    assert b"InvalidResponseHeader" not in received


def test_the_end_of_chunks_is_found() -> None:
    assert last_chunk(b"5\r\nab", 0) == (False, 10, 1)
    assert last_chunk(b"5\r\nabcde\r\n0\r\n\r\n", 10) == (True, 10, 0)
    assert last_chunk(b"0\r\nX: y\r\n", 0) == (False, 0, 0)
    assert last_chunk(b"0\r\nX: y\r\n\r\n", 0) == (True, 0, 0)
    assert last_chunk(b"-5\r\n", 0) == (True, 0, 0)
    assert last_chunk(b"1" * 255, 0) == (False, 0, 0)
