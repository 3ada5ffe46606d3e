"""The cookies, their names and attributes; no other file knows them.

The prefix `__Host-Http-` makes a current browser refuse the cookie unless it is Secure,
HttpOnly, Path=/ and without Domain: neither script nor a sibling host can plant one. Elsewhere
it is an ordinary name, so a request that carries it twice is refused.
"""

from __future__ import annotations

from typing import Final

from flask import Request, Response

from app.errors import InvalidRequest
from app.grants import Grant

REFRESH: Final = "__Host-Http-refresh"
FORM: Final = "__Host-Http-form"
DEVICE: Final = "__Host-Http-device"
DEVICE_MAX_AGE: Final = 180 * 86400


def read_refresh(request: Request) -> str | None:
    """Return the refresh token of the request, or None.

    Raises:
        InvalidRequest: when there are two: one of them was planted, and which came first is
            the planter's choice.

    """
    values = request.cookies.getlist(REFRESH)
    if len(values) > 1:
        raise InvalidRequest("Two refresh cookies were sent.", reason="two_cookies")
    return values[0] if values else None


def read_device(request: Request) -> str:
    """Return the mark of a known browser, or an empty string."""
    return request.cookies.get(DEVICE, "")


def set_refresh(response: Response, grant: Grant) -> None:
    """Hand out a refresh token; it lives as long as the browser unless it is remembered."""
    _set(response, REFRESH, grant.refresh_token, grant.cookie_max_age)


def set_device(response: Response, mark: str) -> None:
    """Mark this browser as known."""
    _set(response, DEVICE, mark, DEVICE_MAX_AGE)


def clear_refresh(response: Response) -> None:
    """Take the refresh token back: same name, path and attributes."""
    _set(response, REFRESH, "", 0)


def _set(response: Response, name: str, value: str, max_age: int | None) -> None:
    response.set_cookie(
        name, value, max_age=max_age, path="/", secure=True, httponly=True, samesite="Strict"
    )
