"""gunicorn's worker, with our own words for requests that never reach the application.

gunicorn answers those with a page that carries none of our headers and repeats what was sent,
and logs it: a mistyped `Cookie` line would put a refresh token into the log.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from socket import socket
from types import FrameType
from typing import Any, Final, cast

from flask import Flask
from gunicorn.http.errors import (  # type: ignore[attr-defined]  # newer than its stubs
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import ThreadWorker

from app.audit import Client
from app.services import NAME
from app.web.headers import NO_STORE, always

STATUSES: Final = (
    (LimitRequestLine, HTTPStatus.REQUEST_URI_TOO_LONG),
    (LimitRequestHeaders, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    (UnsupportedTransferCoding, HTTPStatus.NOT_IMPLEMENTED),
)


class Worker(ThreadWorker):
    """A threaded worker whose refusals look like the application's."""

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Stop at once, but not in the middle of anything.

        gunicorn stops wherever the signal comes: it waits for a lock that the interrupted line
        holds, or its SystemExit ends as a traceback from a destructor.
        """
        self.method_queue.defer(super().handle_quit, sig, frame)

    def handle_error(self, req: Any, client: socket, addr: Any, exc: BaseException) -> None:  # noqa: ANN401 - gunicorn's own
        """Refuse a malformed request; leave everything else to gunicorn."""
        ours = isinstance(exc, InvalidResponseHeader | InvalidResponseHeaderName)
        if ours or not isinstance(exc, ParseException):
            super().handle_error(req, client, addr, exc)
            return
        own = cast("Flask", self.wsgi).extensions[NAME]
        who = Client(ip=addr[0] if addr else "")
        own.auth.audit.refused("malformed_request", who, type(exc).__name__)
        status = next((s for kind, s in STATUSES if isinstance(exc, kind)), HTTPStatus.BAD_REQUEST)
        https = own.settings.public_url.startswith("https:")
        write_nonblock(client, refusal(status, https=https))


def refusal(status: HTTPStatus, *, https: bool) -> bytes:
    """Return a whole HTTP/1.1 answer that ends the connection."""
    code = status.phrase.lower().replace(" ", "_").replace("-", "_")
    problem = {
        "type": f"urn:latchkey:problem:{code}",
        "title": status.phrase,
        "status": int(status),
        "detail": "The request cannot be read.",
        "code": code,
        "request_id": "",
    }
    body = json.dumps(problem).encode()
    headers = [
        ("Connection", "close"),
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        NO_STORE,
        *always(https=https),
    ]
    lines = [f"HTTP/1.1 {int(status)} {status.phrase}", *(f"{n}: {v}" for n, v in headers)]
    return "\r\n".join((*lines, "", "")).encode("ascii") + body
