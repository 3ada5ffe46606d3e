"""Answers to requests that never reach the application.

gunicorn answers those with a page that carries none of our headers and repeats what was sent,
and logs it: a mistyped `Cookie` line would put a refresh token into the log.
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
    """The body is, or says that it is, larger than any that the application reads."""


class RequestTooSlow(ParseException):
    """The request did not arrive in time, or was the oldest of too many unfinished ones."""


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
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong here.",
}


def refuse(app: Flask, ip: str, error: ParseException) -> bytes:
    """Record a request that cannot be read; return the answer, which ends the connection."""
    app.extensions[NAME].audit.refused("malformed_request", Client(ip=ip), type(error).__name__)
    status = next((s for kind, s in STATUSES if isinstance(error, kind)), HTTPStatus.BAD_REQUEST)
    return refusal(app, status)


def refusal(app: Flask, status: HTTPStatus) -> bytes:
    """Return a whole HTTP/1.1 answer that ends the connection."""
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
