"""Who is asking: the address, browser and number of the current request."""

from __future__ import annotations

from typing import Final

from flask import request

from app.families.models import MAX_USER_AGENT_LENGTH
from app.infra.audit import Client
from app.infra.networks import parse_address
from app.web import cookies

REQUEST_ID: Final = "latchkey.request_id"


def request_id() -> str:
    """Return the number of this request: in its answer, its problem and its audit lines."""
    return str(request.environ[REQUEST_ID])


def client() -> Client:
    """Describe the client for the use cases.

    The address is the peer's, or what as many proxies as `TRUSTED_PROXIES` names wrote down;
    empty when that is no IP address.
    """
    return Client(
        ip=parse_address(request.remote_addr or ""),
        user_agent=request.headers.get("User-Agent", "")[:MAX_USER_AGENT_LENGTH],
        request_id=request.environ[REQUEST_ID],
        device=cookies.read_device(request),
    )
