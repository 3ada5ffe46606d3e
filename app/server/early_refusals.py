"""Responses to requests that cannot be parsed and so never reach the application.

gunicorn's own response to them lacks the security headers and repeats a part of the request, and
gunicorn logs it: with a malformed `Cookie` line, a refresh token would get into the log.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)

from app.infra.audit import Client
from app.services import NAME
from app.web.headers import NO_STORE, always

if TYPE_CHECKING:
    from flask import Flask


class BodyTooLarge(ParseException):
    """The body is larger than MAX_BODY_BYTES, or its Content-Length says so."""


class RequestTooSlow(ParseException):
    """The request did not arrive in time, or gave way because too many were incomplete."""


STATUSES: Final = (
    (BodyTooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (RequestTooSlow, HTTPStatus.REQUEST_TIMEOUT),
    (LimitRequestLine, HTTPStatus.REQUEST_URI_TOO_LONG),
    (LimitRequestHeaders, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    (UnsupportedTransferCoding, HTTPStatus.NOT_IMPLEMENTED),
    (ExpectationFailed, HTTPStatus.EXPECTATION_FAILED),
)
DETAILS: Final = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request is too large.",
    HTTPStatus.REQUEST_TIMEOUT: "The request did not arrive in time.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "An unexpected error occurred, and it was logged.",
}


def refuse(app: Flask, ip: str, error: ParseException) -> bytes:
    """Record a request that cannot be parsed; return the response, which closes the connection.

    Only the class of `error` is recorded, because its message may contain credentials.
    """
    app.extensions[NAME].audit.refused("malformed_request", Client(ip=ip), type(error).__name__)
    status = next((s for type_, s in STATUSES if isinstance(error, type_)), HTTPStatus.BAD_REQUEST)
    return refusal(app, status)


def refusal(app: Flask, status: HTTPStatus) -> bytes:
    """Return a complete HTTP/1.1 response with a problem detail and `Connection: close`."""
    code = status.phrase.lower().replace(" ", "_").replace("-", "_")
    problem = {
        "type": f"urn:latchkey:problem:{code}",
        "title": status.phrase,
        "status": int(status),
        "detail": DETAILS.get(status, "The request cannot be read."),
        "code": code,
        "request_id": "",
    }
    body = json.dumps(problem).encode()
    https = app.extensions[NAME].settings.public_url.startswith("https:")
    headers = [
        ("Connection", "close"),
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        NO_STORE,
        *always(https=https),
    ]
    lines = [f"HTTP/1.1 {int(status)} {status.phrase}", *(f"{n}: {v}" for n, v in headers)]
    return "\r\n".join((*lines, "", "")).encode("ascii") + body
