"""`python -m bench worst`: what the dearest input to each step costs that a stranger can reach.

Each input is as long as the limits let it be. Prints the table of docs/limits.md.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Final

from flask import Flask
from gunicorn.config import Config
from gunicorn.http.errors import ParseException

from app.accounts.emails import MAX_TYPED, account_key
from app.accounts.guessing import MAX_ESTIMATED_LENGTH
from app.accounts.known_browsers import KnownBrowsers
from app.accounts.password_policy import MAX_CODE_POINTS, PasswordPolicy
from app.accounts.passwords import Passwords
from app.errors import Refusal
from app.infra.strict_json import parse_object
from app.infra.user_agents import describe
from app.pages.redirects import safe_path
from app.server.chunks import MAX_CHUNKS
from app.server.connection import Connection
from app.tokens.jws import TokenRefused, parse_jws

BODY: Final = 64 * 1024
HEADER: Final = 8190
LINE: Final = 4000
PACKET: Final = 100
TRIES: Final = 5


Case = tuple[str, str, str, Callable[[], object]]
"""The step, its limit, the name of the input, and what runs the step."""


def run(app: Flask) -> None:
    """Print a row for each step: the least CPU time of a few tries, over its dearest input."""
    print("| step | limit | dearest input found | ms |\n|---|---|---|---|")
    worst: dict[str, tuple[float, str, str]] = {}
    for step, limit, name, act in cases(app):
        took = min(_seconds(act) for _ in range(TRIES))
        if took >= worst.get(step, (0.0, "", ""))[0]:
            worst[step] = took, limit, name
    for step, (took, limit, name) in worst.items():
        print(f"| {step} | {limit} | {name} | {took * 1000:.1f} |")


def _seconds(act: Callable[[], object]) -> float:
    begun = time.thread_time()
    with suppress(Refusal, TokenRefused, ValueError):  # a refusal is an answer like any other
        act()
    return time.thread_time() - begun


def cases(app: Flask) -> Iterator[Case]:
    """Give step, limit, name of the input, and the step to run."""
    passwords, policy = Passwords(8, 1, 1), PasswordPolicy(15)
    for name, text in texts(MAX_TYPED):
        step = "address: NFKC, syntax, IDNA"
        yield step, f"{MAX_TYPED} code points", name, partial(account_key, text)
    for name, text in texts(MAX_CODE_POINTS):
        step = "password: NFC"
        yield step, f"{MAX_CODE_POINTS} code points", name, partial(passwords.verify, "", text)
    for name, text in guesses():
        step = "new password: estimate of its strength"
        limit = f"{MAX_ESTIMATED_LENGTH} code points"
        yield step, limit, name, partial(policy.check, text, "1.a@e.com")
    for name, raw in bodies():
        yield "JSON body", "64 kB", name, partial(parse_object, raw)
    mark = KnownBrowsers(b"k" * 32)
    others: dict[str, tuple[str, Callable[[], object]]] = {
        "mark of a known browser": ("512 characters", lambda: mark.read("." * 512, 0)),
        "token before its signature": (
            "4,096 bytes",
            lambda: parse_jws(f"{'e30' * 1300}.e30.AA", "at+jwt"),
        ),
        "User-Agent: its name": ("256 characters", lambda: describe("x" * 256)),
        "`next`": ("512 characters", lambda: safe_path("/" + "a" * 511)),
    }
    for step, (limit, act) in others.items():
        yield step, limit, "as long as it may be", act
    for name, raw in chunked():
        yield "chunked body", f"128 kB, {MAX_CHUNKS:,} chunks", name, partial(arrive, raw)
    yield from requests(app)


def chunked() -> Iterator[tuple[str, bytes]]:
    """Give chunked bodies that are dear to decode, as large as they may be."""
    yield "one byte in each chunk", b"1\r\na\r\n" * (MAX_CHUNKS - 1) + b"0\r\n\r\n"
    yield "chunks of one size", (b"3c\r\n" + b"a" * 60 + b"\r\n") * (MAX_CHUNKS - 1) + b"0\r\n\r\n"
    extended = (b"1;" + b"x" * 110 + b"\r\na\r\n") * (MAX_CHUNKS - 1)
    yield "long extensions", extended + b"0\r\n\r\n"
    yield "trailers", b"0\r\n" + b"a: b\r\n" * 20_000 + b"\r\n"


def arrive(body: bytes) -> None:
    """Have the server's loop read a chunked body that comes in packets."""
    config = Config()
    ours, other = socket.socketpair()
    with ours, other:
        connection = Connection(ours, ("127.0.0.1", 1), config)
        connection.feed(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        with suppress(ParseException):
            for start in range(0, len(body), PACKET):
                connection.feed(body[start : start + PACKET])


def texts(limit: int) -> Iterator[tuple[str, str]]:
    """Give texts that are dear to normalise, or to read as a domain."""
    half = limit // 2 - 1
    yield "marks out of order", "a" + "\u0344" * half + "\u0316" * half
    yield "ligatures that grow", "\ufdfa" * limit
    yield "notes that grow", "\U0001d160" * limit
    yield "a long domain", "a@" + "\u00e9" * (limit - 6) + ".com"
    yield "many labels", "a@" + "\u00e9." * half


def guesses() -> Iterator[tuple[str, str]]:
    """Give passwords that are dear to estimate."""
    size = MAX_ESTIMATED_LENGTH
    yield "look-alikes", ("a@(4" * size)[:size]
    yield "three look-alikes of several meanings", ("1!|i" * size)[:size]
    yield "digits that may be dates", ("1987" * size)[:size]
    yield "one letter", "a" * size
    yield "repeated word", ("password" * size)[:size]
    yield "keyboard", ("qwertyuiop" * size)[:size]
    yield "words and dates", ("love12.3.04" * size)[:size]
    yield "digits as letters", ("0123456789" * size)[:size]
    yield "leet digits", ("4e3l1i0o5s7t" * size)[:size]


def bodies() -> Iterator[tuple[str, bytes]]:
    """Give bodies of 64 kB that are dear to read."""
    yield "deep", b"[" * BODY
    yield "deep objects", b'{"a":' * (BODY // 5)
    yield "many names", b"{" + b",".join(b'"%d":0' % n for n in range(6000)) + b"}"
    yield "one name often", b"{" + b",".join([b'"a":0'] * 10_000) + b"}"
    yield "a long number", b'{"a":' + b"9" * (BODY - 10) + b"}"
    yield "many long numbers", b'{"a":[' + b",".join([b"9" * 4000] * 15) + b"]}"
    yield "escapes", b'{"a":"' + b"\\u0344" * 10_000 + b'"}'


def requests(app: Flask) -> Iterator[Case]:
    """Give whole requests to the log-in page, whose cost is that of the framework as well."""
    client = app.test_client()
    form = "application/x-www-form-urlencoded"
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
    sent: dict[tuple[str, str], dict[str, Any]] = {
        ("Cookie header", "8,190 bytes"): {"headers": {"Cookie": "a=;" * (HEADER // 3)}},
        ("Cookie header, quoted", "8,190 bytes"): {"headers": {"Cookie": 'a="' + "\\" * 8000}},
        ("Accept header", "8,190 bytes"): {"headers": {"Accept": "a/b;q=0.1," * (HEADER // 10)}},
        ("query string", "4,094 bytes"): {"query_string": "a&" * (LINE // 2)},
        ("path", "4,094 bytes"): {"path": "/" + "%C3%A9" * (LINE // 6)},
        ("If-None-Match header", "8,190 bytes"): {
            "path": "/static/css/latchkey.css",
            "headers": {"If-None-Match": '"a",' * (HEADER // 4)},
        },
        ("Range header", "8,190 bytes"): {
            "path": "/static/css/latchkey.css",
            "headers": {"Range": "bytes=" + "0-0," * (HEADER // 4)},
        },
        ("form, urlencoded", "64 kB"): {"data": b"a&" * (BODY // 2), "content_type": form},
        ("form, percent-encoded", "64 kB"): {"data": b"%41" * (BODY // 3), "content_type": form},
        ("form, multipart", "64 kB"): {
            "data": part * (BODY // len(part)),
            "content_type": "multipart/form-data; boundary=x",
        },
        ("form, multipart of one long line", "64 kB"): {
            "data": b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n" + b"\r\n-" * 20_000,
            "content_type": "multipart/form-data; boundary=x",
        },
    }
    base = "http://localhost:8000"
    for (step, limit), options in sent.items():
        given: dict[str, Any] = {"path": "/login", "base_url": base} | options
        given["method"] = "POST" if "data" in given else "GET"
        yield f"request: {step}", limit, "as much as fits", partial(client.open, **given)
