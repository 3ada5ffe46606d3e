"""The client of the current request: its address, its browser, and the request's id."""

from __future__ import annotations

from typing import Final

from flask import request

from app.infra.audit import MAX_USER_AGENT_LENGTH, Client
from app.infra.networks import parse_address
from app.web import cookies

REQUEST_ID: Final = "latchkey.request_id"


def request_id() -> str:
    """Return the id of this request: the one in `X-Request-Id`, in its refusal and in the log."""
    return str(request.environ[REQUEST_ID])


def client() -> Client:
    """Return the client of the current request, for the stories of `app.auth`.

    Its address is that of the connection or, behind proxies, the one that the
    outermost of the `TRUSTED_PROXIES` proxies reports. It is empty when that is not an IP
    address.
    """
    return Client(
        ip=parse_address(request.remote_addr or ""),
        user_agent=request.headers.get("User-Agent", "")[:MAX_USER_AGENT_LENGTH],
        request_id=request.environ[REQUEST_ID],
        device=cookies.read_device(request),
    )
