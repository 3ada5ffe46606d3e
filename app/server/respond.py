"""What a thread of the pool does: call the application, and keep its answer in the connection."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timezone
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from gunicorn.http import wsgi

from app.server.refusals import refusal

if TYPE_CHECKING:
    from app.server.connection import Connection


def respond(worker: Any, connection: Connection, *, close: bool) -> None:  # noqa: ANN401 - it has no stub
    """Answer a whole request; `close` says that it is the last one of its connection."""
    try:
        connection.keep = _call(worker, connection, close=close)
    except Exception:  # noqa: BLE001 - whatever it was, the client gets an answer
        request = connection.request
        worker.log.exception("Error handling request %s %s", request.method, request.path)
        connection.replace_answer(refusal(worker.wsgi, HTTPStatus.INTERNAL_SERVER_ERROR))
    with suppress(OSError):
        connection.flush()


def _call(worker: Any, connection: Connection, *, close: bool) -> bool:  # noqa: ANN401
    """Call the application; return whether the connection can be used again."""
    request, began = connection.request, datetime.now(timezone.utc)
    response, environ = wsgi.create(
        request, connection, connection.client, connection.server, worker.cfg
    )
    environ["wsgi.multithread"] = True
    if close:
        response.force_close()
    body = worker.wsgi(environ, response.start_response)
    try:
        for part in body:
            response.write(part)
        response.close()
    finally:
        worker.log.access(response, request, environ, datetime.now(timezone.utc) - began)
        if hasattr(body, "close"):
            body.close()
    return not response.should_close() and bool(connection.parser.finish_body())
