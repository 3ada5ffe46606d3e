"""The names and attributes of the cookies, and how a request's cookies are read.

A current browser stores a cookie with the prefix `__Host-Http-` only when it is Secure, HttpOnly,
has Path=/ and no Domain, so neither script nor a sibling host can set one (cookie tossing). Other
browsers ignore the prefix, so a request with two cookies of one name is refused.

The Cookie header is parsed here and not by Werkzeug, whose parser interprets quotes: with the
cookies `a="` and `z="`, a sibling host would turn everything between them into one value and hide
the refresh cookie.
"""

from __future__ import annotations

from typing import Final

from flask import Request, Response
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.utils import cached_property

from app.accounts.known_browsers import LIFE_SECONDS
from app.errors import InvalidRequest
from app.families.issuer import TokenPair
from app.web.bodies import FormParser

REFRESH: Final = "__Host-Http-refresh"
FORM: Final = "__Host-Http-form"
DEVICE: Final = "__Host-Http-device"


def pairs(header: str) -> list[tuple[str, str]]:
    """Return the names and values in a Cookie header, in the order of the header.

    As in a browser (RFC 6265 section 5.4), every `;` ends a cookie and quotes have no meaning. A
    part without `=` has no name and is left out. The time is linear in the header's length.
    """
    parts = (part.partition("=") for part in header.split(";"))
    return [(name.strip(" \t"), value.strip(" \t")) for name, equals, value in parts if equals]


class CookieRequest(Request):
    """The request class of the application: `request.cookies` is what `pairs` returns.

    Flask's own session and Flask-WTF read their cookies through it too.
    """

    form_data_parser_class = FormParser

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies of the request, from all its Cookie headers."""
        return ImmutableMultiDict(pairs(";".join(self.headers.getlist("Cookie"))))


def read_refresh(request: Request) -> str | None:
    """Return the refresh token in the request's cookie; None when there is none.

    Raises:
        InvalidRequest: when the request has two refresh cookies. Another site has set one of
            them, and it may have made its own the first.

    """
    values = request.cookies.getlist(REFRESH)
    if len(values) > 1:
        raise InvalidRequest("Two refresh cookies were sent.", reason="two_cookies")
    return values[0] if values else None


def has_refresh(request: Request) -> bool:
    """Return whether the browser seems to be logged in; nothing is verified, and nothing used up.

    A page for strangers may show a link to the account for it, and nothing else.
    """
    return REFRESH in request.cookies


def read_device(request: Request) -> str:
    """Return the mark of a known browser, not verified; empty when there is none, or two."""
    values = request.cookies.getlist(DEVICE)
    return values[0] if len(values) == 1 else ""


def has_two_forms(request: Request) -> bool:
    """Return whether the request has two cookies for Flask's session.

    Another site has then set one of them.
    """
    return len(request.cookies.getlist(FORM)) > 1


def set_credentials(response: Response, pair: TokenPair) -> None:
    """Set the refresh cookie and, when `pair` has a new one, the mark of a known browser.

    The browser deletes the refresh cookie when it closes, unless the session is remembered.
    """
    _set(response, REFRESH, pair.refresh_token, pair.cookie_max_age)
    if pair.browser_mark:
        _set(response, DEVICE, pair.browser_mark, LIFE_SECONDS)


def clear_refresh(response: Response) -> None:
    """Delete the refresh cookie: set it again, empty and expired, with the same attributes."""
    _set(response, REFRESH, "", 0)


def clear_device(response: Response) -> None:
    """Delete the mark of a known browser."""
    _set(response, DEVICE, "", 0)


def _set(response: Response, name: str, value: str, max_age: int | None) -> None:
    response.set_cookie(
        name, value, max_age=max_age, path="/", secure=True, httponly=True, samesite="Strict"
    )
