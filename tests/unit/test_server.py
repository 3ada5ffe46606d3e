"""gunicorn's worker: refusals of requests that never reach the application."""

from __future__ import annotations

import logging
import signal
import socket
from typing import TYPE_CHECKING

import pytest
from gunicorn.http.errors import (
    InvalidHeader,
    LimitRequestHeaders,
    LimitRequestLine,
    UnsupportedTransferCoding,
)
from gunicorn.http.errors import (  # type: ignore[attr-defined]  # newer than its stubs
    InvalidResponseHeader as OurFault,
)
from gunicorn.workers.gthread import PollableMethodQueue, ThreadWorker

from app.server import Worker

if TYPE_CHECKING:
    from flask import Flask


@pytest.fixture
def worker(app: Flask) -> Worker:
    """Give a worker as far as `handle_error` needs one."""
    worker = Worker.__new__(Worker)
    worker.wsgi = app  # type: ignore[assignment]
    worker.log = logging.getLogger("gunicorn.error")  # type: ignore[assignment]
    return worker


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (LimitRequestLine(9000, 4094), 414),
        (LimitRequestHeaders("limit request headers fields size"), 431),
        (UnsupportedTransferCoding("gzip"), 501),
        (InvalidHeader("Cookie __Host-Http-refresh=stolen"), 400),
    ],
)
def test_a_malformed_request_gets_our_headers_and_leaks_nothing(
    worker: Worker, error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer has the policy and not the request; nor has the log."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        worker.handle_error(None, ours, ("192.0.2.1", 1), error)
        answer = theirs.recv(65536).decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert "\r\nContent-Security-Policy: default-src 'none'" in answer
    assert "\r\nStrict-Transport-Security: " in answer
    assert "stolen" not in answer
    assert "stolen" not in caplog.text
    assert "192.0.2.1" in caplog.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("error", [RuntimeError("ours"), OurFault("X-Bad")])
def test_our_own_faults_stay_with_gunicorn(
    worker: Worker, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the application did wrong is not blamed on the client."""
    passed: list[object] = []
    monkeypatch.setattr(ThreadWorker, "handle_error", lambda *args: passed.append(args[-1]))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        worker.handle_error(None, ours, None, error)
    assert passed == [error]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_signal_to_quit_interrupts_nothing(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handler that raises and takes locks runs from the worker's loop."""
    handled: list[object] = []
    monkeypatch.setattr(ThreadWorker, "handle_quit", lambda *args: handled.append(args[-2:]))
    worker.method_queue = PollableMethodQueue()
    worker.method_queue.init()
    try:
        worker.handle_quit(signal.SIGQUIT, None)
        assert handled == []
        worker.method_queue.run_callbacks(None)
    finally:
        worker.method_queue.close()
    assert handled == [(signal.SIGQUIT, None)]
