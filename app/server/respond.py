"""The threads of a worker: they call the application and store its response in the connection."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, cast

from gunicorn.http import wsgi

from app.server.early_refusals import refusal
from app.web.headers import UNBUFFERED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from socket import socket

    from app.server.connection import Connection


class ClientGone(Exception):
    """The client of a streamed response has closed its connection."""


class Responder:
    """The threads of a worker. They answer complete requests and never wait for a client."""

    def __init__(self, worker: Any, is_last: Callable[[], bool]) -> None:  # noqa: ANN401 - gunicorn has no stubs
        """Take `is_last`, which says whether a response must close its connection.

        Threads start with the first requests.
        """
        self._worker: Final = worker
        self._is_last: Final = is_last
        self._pool: Final = ThreadPoolExecutor(worker.cfg.threads)
        self._answered: Final[deque[Connection]] = deque()

    def submit(self, connection: Connection) -> None:
        """Answer the complete request of `connection` as soon as a thread is free."""
        self._pool.submit(self._work, connection)

    def answered(self) -> Iterator[Connection]:
        """Yield the connections whose response was written since the last call."""
        os.read(self._worker.PIPE[0], 4096)
        while self._answered:
            yield self._answered.popleft()

    def close(self) -> None:
        """Start no more requests; the threads end after the present ones."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _work(self, connection: Connection) -> None:
        worker = self._worker
        worker.nr += 1
        if worker.nr >= worker.max_requests:
            worker.alive = False
        try:
            respond(worker, connection, self._is_last)
        finally:
            self._answered.append(connection)
            with suppress(BlockingIOError):
                os.write(worker.PIPE[1], b"1")


def respond(worker: Any, connection: Connection, is_last: Callable[[], bool]) -> None:  # noqa: ANN401 - gunicorn has no stubs
    """Write the response to a complete request, and send what the socket accepts at once.

    `is_last` says, when the application has answered, whether the connection must be closed.
    """
    try:
        connection.keep = _call(worker, connection, is_last)
    except ClientGone:
        connection.keep = connection.delayed = False
        connection.outgoing.clear()
    except Exception:
        request = connection.request
        worker.log.exception("Error handling request %s %s", request.method, request.path)
        connection.replace_response(refusal(worker.wsgi, HTTPStatus.INTERNAL_SERVER_ERROR))
    if not connection.delayed:
        with suppress(OSError):
            connection.flush()


def _call(worker: Any, connection: Connection, is_last: Callable[[], bool]) -> bool:  # noqa: ANN401
    """Call the application; return whether the connection can be used again."""
    request, began = connection.request, datetime.now(UTC)
    response, environ = wsgi.create(
        request, cast("socket", connection), connection.client, connection.server, worker.cfg
    )
    environ["wsgi.multithread"] = True
    body = worker.wsgi(environ, response.start_response)
    if is_last():  # not earlier: a stop may have begun while the application ran
        response.force_close()
    try:
        is_streamed = UNBUFFERED in response.headers
        for part in body:
            response.write(part)
            if is_streamed:
                _flush(connection)
        response.close()
    finally:
        worker.log.access(response, request, environ, datetime.now(UTC) - began)
        if hasattr(body, "close"):
            body.close()
    connection.delayed = any(name.lower() == "retry-after" for name, _ in response.headers)
    return not response.should_close() and bool(connection.parser.finish_body())


def _flush(connection: Connection) -> None:
    """Send the parts of a streamed response that the socket accepts at once.

    The loop leaves a connection alone while a thread answers its request, so this thread may
    send. What the socket does not accept is sent with the next part or by the loop.

    Raises:
        ClientGone: when the client has closed the connection; the application is told by `close`.

    """
    try:
        connection.flush()
    except OSError as error:
        raise ClientGone from error
