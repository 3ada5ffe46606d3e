"""Who is asking: the address, browser and number of the current request."""

from __future__ import annotations

import secrets

from flask import g, request

from app.audit import Client
from app.web import cookies


def request_id() -> str:
    """Return the number of this request: in its answer, its problem and its audit lines."""
    if "request_id" not in g:
        g.request_id = secrets.token_hex(8)
    return str(g.request_id)


def client() -> Client:
    """Describe the client for the use cases.

    The address is the peer's, or what as many proxies as `TRUSTED_PROXIES` names wrote down.
    """
    return Client(
        ip=(request.remote_addr or "")[:45],
        user_agent=request.headers.get("User-Agent", ""),
        request_id=request_id(),
        device=cookies.read_device(request),
    )
