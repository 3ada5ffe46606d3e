"""What a thread of the pool does: call the application, and keep its answer in the connection."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from gunicorn.http import wsgi

from app.server.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

    from app.server.connection import Connection


def respond(worker: Any, connection: Connection, is_last: Callable[[], bool]) -> None:  # noqa: ANN401 - it has no stub
    """Answer a whole request; `is_last` tells afterwards whether its connection has to close."""
    try:
        connection.keep = _call(worker, connection, is_last)
    except Exception:
        request = connection.request
        worker.log.exception("Error handling request %s %s", request.method, request.path)
        connection.replace_answer(refusal(worker.wsgi, HTTPStatus.INTERNAL_SERVER_ERROR))
    if not connection.pauses:
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
    if is_last():  # asked now, because a stop may have begun meanwhile
        response.force_close()
    try:
        for part in body:
            response.write(part)
        response.close()
    finally:
        worker.log.access(response, request, environ, datetime.now(UTC) - began)
        if hasattr(body, "close"):
            body.close()
    connection.pauses = any(name.lower() == "retry-after" for name, _ in response.headers)
    return not response.should_close() and bool(connection.parser.finish_body())
