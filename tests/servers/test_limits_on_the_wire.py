"""Bytes that no client library sends, straight into gunicorn's socket."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from app.web.cookies import REFRESH
from tests.support.client import Client, pair, program
from tests.support.servers.gunicorn import GunicornServer
from tests.support.transports import raw


@pytest.fixture(scope="module")
def wire(
    deployed: Callable[[], AbstractContextManager[GunicornServer]],
) -> Iterator[Client]:
    """A line to a server, and an account there."""
    with deployed() as server:
        wire = program(server)
        wire.create_account()
        yield wire


def send(wire: Client, start: str, *headers: str, body: bytes = b"") -> list[int]:
    """Send one request with these headers; return the status of every answer that came."""
    host = f"localhost:{wire.server.port}"
    lines = [start, *(header.replace("HOST", host) for header in headers), "Connection: close"]
    received = raw(wire.server.port, "\r\n".join((*lines, "", "")).encode("latin-1") + body)
    found = [int(part[:3]) for part in received.decode("latin-1").split("HTTP/1.1 ")[1:]]
    assert b"Traceback" not in received
    assert b"Content-Security-Policy" in received or not received
    return found


def test_the_honest_request(wire: Client) -> None:
    """What is refused below is refused for what is different from this."""
    access, refresh = pair(wire.log_in())
    bearer = f"Authorization: Bearer {access}"
    assert send(wire, "GET /api/me HTTP/1.1", "Host: HOST", bearer) == [200]
    cookie = f"Cookie: {REFRESH}={refresh}"
    start = "POST /auth/refresh HTTP/1.1"
    assert send(wire, start, "Host: HOST", cookie, "Content-Length: 0") == [200]


def test_authorization_headers(wire: Client) -> None:
    """Huge, twice, folded, misspelt: none of them is let in."""
    access, _ = pair(wire.log_in())
    bearer = f"Authorization: Bearer {access}"
    start, host = "GET /api/me HTTP/1.1", "Host: HOST"
    huge = "Authorization: Bearer " + "A" * 1_000_000
    assert set(send(wire, start, host, huge)) <= {400, 431}
    assert send(wire, start, host, "Authorization: Bearer " + "A" * 8000) == [401]
    assert send(wire, start, host, bearer, bearer) == [401]
    assert send(wire, start, host, bearer, "authorization: Bearer x") == [401]
    assert send(wire, start, host, "Authorization: Basic eDp4", bearer) == [401]
    assert set(send(wire, start, host, bearer + "\r\n , Bearer x")) <= {400, 401}
    assert set(send(wire, start, host, f"Authorization : Bearer {access}")) <= {400, 401}
    assert send(wire, start, host, f"Authorization_: Bearer {access}") in ([400], [401])
    assert send(wire, start, host, f"HTTP_AUTHORIZATION: Bearer {access}") in ([400], [401])
    assert send(wire, start, host, bearer + "\x00") == [400]
    assert send(wire, start, host, bearer) == [200]
    assert access not in wire.server.log


def test_hosts(wire: Client) -> None:
    """Two, none, or another one in the request line: no page and no API for a foreign host."""
    access, _ = pair(wire.log_in())
    bearer = f"Authorization: Bearer {access}"
    me = "GET /api/me HTTP/1.1"
    assert set(send(wire, me, "Host: HOST", "Host: evil.example", bearer)) <= {400, 421}
    assert set(send(wire, me, "Host: evil.example", "Host: HOST", bearer)) <= {400, 421}
    assert send(wire, me, "Host: evil.example", bearer) == [421]
    assert set(send(wire, me, bearer)) <= {400, 421}
    assert set(send(wire, "GET /api/me HTTP/1.0", bearer)) <= {400, 421}
    assert set(send(wire, "GET /login HTTP/1.0")) <= {308, 400}
    absolute = "GET http://evil.example/api/me HTTP/1.1"
    assert set(send(wire, absolute, "Host: evil.example", bearer)) <= {400, 421}


def test_two_lengths(wire: Client) -> None:
    """What two servers could read differently is no request at all (RFC 9112 section 6.3)."""
    start, host = "POST /auth/logout HTTP/1.1", "Host: HOST"
    inner = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    chunked = b"0\r\n\r\n" + inner
    for headers in (
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Content-Length: 5", "Content-Length: 50"),
        ("Content-Length: 5, 50",),
        ("Content-Length: +5",),
        ("Content-Length: -1",),
        ("Content-Length: 0x5",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding : chunked",),
        ("Transfer-Encoding:\x0bchunked",),
    ):
        answers = send(wire, start, host, *headers, body=chunked)
        assert len(answers) == 1, headers
        assert answers[0] in {400, 501}, headers


def test_bodies(wire: Client) -> None:
    """Oversized is refused, declared or chunked; a body that never comes ends the request."""
    start, json = "POST /auth/login HTTP/1.1", "Content-Type: application/json"
    big = b'{"email": "' + b"a" * 70_000 + b'"}'
    declared = f"Content-Length: {len(big)}"
    assert send(wire, start, "Host: HOST", json, declared, body=big) == [413]
    assert send(wire, start, "Host: HOST", json, "Content-Length: 99999999999") == [413]
    parts = b"".join(b"1000\r\n" + b"a" * 4096 + b"\r\n" for _ in range(20)) + b"0\r\n\r\n"
    chunked = "Transfer-Encoding: chunked"
    assert send(wire, start, "Host: HOST", json, chunked, body=parts) in ([400], [413])
    cut_off = send(wire, start, "Host: HOST", json, "Content-Length: 100", body=b'{"email"')
    assert cut_off in ([400], [])
    good = b'{"email": "ada@example.com", "password": "quarry lantern umbrella nine"}'
    spelled = b"%x\r\n%b\r\n0\r\n\r\n" % (len(good), good)
    assert send(wire, start, "Host: HOST", json, chunked, body=spelled) == [200]


def test_cookies(wire: Client) -> None:
    """Huge, many, twice in one header or in two: refused, and the session is as it was."""
    access, refresh = pair(wire.log_in())
    start, host, none = "POST /auth/refresh HTTP/1.1", "Host: HOST", "Content-Length: 0"
    own = f"{REFRESH}={refresh}"
    assert set(send(wire, start, host, none, "Cookie: a=" + "b" * 100_000)) <= {400, 431}
    assert send(wire, start, host, none, f"Cookie: {own}; {own}") == [400]
    assert send(wire, start, host, none, f"Cookie: {own}", f"Cookie: {own}")[0] in {400, 401}
    many = "; ".join(f"c{number}={number}" for number in range(700))
    assert send(wire, start, host, none, f"Cookie: {many}") == [401]
    assert wire.me(access).status_code == 200
    assert wire.refresh(refresh).status_code == 200
    assert refresh not in wire.server.log


def test_request_lines(wire: Client) -> None:
    """Long, odd and not HTTP: an answer of the server's own or none, and it goes on serving."""
    host = "Host: HOST"
    assert set(send(wire, "GET /" + "a" * 10_000 + " HTTP/1.1", host)) <= {400, 414}
    for start in (
        "GET /healthz HTTP/9.9",
        "GET /healthz",
        "get /healthz HTTP/1.1",
        "GET  /healthz HTTP/1.1",
        "GET /heal\x00thz HTTP/1.1",
        "\x16\x03\x01\x02\x00",
        "PRI * HTTP/2.0",
    ):
        assert set(send(wire, start, host)) <= {400, 405, 501, 505}, start
    many = [f"X-{number}: x" for number in range(200)]
    assert set(send(wire, "GET /healthz HTTP/1.1", host, *many)) <= {400, 431}
    assert set(send(wire, "OPTIONS * HTTP/1.1", host)) <= {400, 404, 405}
    assert send(wire, "TRACE /api/me HTTP/1.1", host) == [405]
    assert send(wire, "GET /healthz HTTP/1.1", host) == [200]


def test_forged_proxy_headers(wire: Client) -> None:
    """Nothing a client writes replaces the path, the scheme or the address."""
    start = "GET /api/me HTTP/1.1"
    for forged in (
        "PATH_INFO: /healthz",
        "SCRIPT_NAME: /api",
        "X-Forwarded-Prefix: /api",
        "REMOTE_USER: ada",
        "X-Forwarded-Proto: https",
    ):
        answers = send(wire, start, "Host: HOST", forged)
        assert answers in ([401], [400]), forged


def test_pipelined_requests(wire: Client) -> None:
    """Each is answered for itself, in order."""
    host = f"Host: localhost:{wire.server.port}\r\n"
    one = f"GET /healthz HTTP/1.1\r\n{host}\r\n"
    two = f"GET /api/me HTTP/1.1\r\n{host}Connection: close\r\n\r\n"
    received = raw(wire.server.port, (one + two).encode())
    assert [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]] == [b"200", b"401"]
