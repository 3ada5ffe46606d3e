"""A response that is sent while the application still writes it."""

import threading
from collections.abc import Callable, Iterator

import pytest
from flask import Flask

from app.web.headers import UNBUFFERED
from tests.support.processes import wait_until
from tests.unit.server.conftest import Run, everything
from tests.unit.server.gates import CLOSE, GET

LARGE = 8 << 20


class Parts:
    """An application that writes the second part when the test lets it."""

    def __init__(self, application: Flask, *, size: int = 4, is_streamed: bool = True) -> None:
        self.extensions = application.extensions
        self.opened, self.closed = threading.Event(), threading.Event()
        self._size = size
        self._headers = [UNBUFFERED] if is_streamed else []

    def __call__(self, _environ: object, start_response: Callable[..., object]) -> Iterator[bytes]:
        start_response("200 OK", self._headers)
        return self._parts()

    def _parts(self) -> Iterator[bytes]:
        try:
            yield b"a" * self._size
            self.opened.wait(20)
            yield b"b" * self._size
        finally:
            self.closed.set()


def test_a_part_is_sent_before_the_next_is_there(run: Run, app: Flask) -> None:
    parts = Parts(app)
    with run(wsgi=parts).connect() as link:
        link.sendall(GET + CLOSE)
        assert everything(link, b"aaaa").endswith(b"4\r\naaaa\r\n")
        assert not parts.closed.is_set()
        parts.opened.set()
        assert everything(link) == b"4\r\nbbbb\r\n0\r\n\r\n"


def test_other_responses_are_sent_whole(run: Run, app: Flask) -> None:
    parts = Parts(app, is_streamed=False)
    with run(wsgi=parts).connect() as link:
        link.sendall(GET + CLOSE)
        link.settimeout(0.3)
        with pytest.raises(TimeoutError):
            link.recv(1)
        parts.opened.set()
        link.settimeout(20)
        assert everything(link).endswith(b"4\r\nbbbb\r\n0\r\n\r\n")


def test_what_the_client_does_not_take_at_once_is_sent_later(run: Run, app: Flask) -> None:
    """The thread does not wait for it; the loop sends the rest."""
    parts = Parts(app, size=LARGE)
    parts.opened.set()
    with run(wsgi=parts).connect() as link:
        link.sendall(GET + CLOSE)
        assert parts.closed.wait(20)
        received = everything(link)
    assert received.count(b"a") >= LARGE
    assert received.count(b"b") >= LARGE
    assert received.endswith(b"\r\n0\r\n\r\n")


class Endless(Parts):
    """An application that writes until it is told that the client has gone."""

    def _parts(self) -> Iterator[bytes]:
        try:
            while not self.opened.wait(0.01):
                yield b"aaaa"
        finally:
            self.closed.set()


def test_a_client_that_leaves_ends_the_response(
    run: Run, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    """The application is told, its thread is free again, and nothing is logged as an error."""
    endless = Endless(app)
    running = run(wsgi=endless)
    with running.connect() as link:
        link.sendall(GET + b"\r\n")
        everything(link, b"aaaa")
    assert endless.closed.wait(20)
    wait_until(lambda: not running.server.table.groups)
    assert not endless.opened.is_set()
    assert "Error handling request" not in caplog.text
