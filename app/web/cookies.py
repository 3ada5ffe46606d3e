"""The cookies, their names and attributes; no other file knows them.

The prefix `__Host-Http-` makes a current browser refuse the cookie unless it is Secure,
HttpOnly, Path=/ and without Domain: neither script nor a sibling host can plant one. Elsewhere
it is an ordinary name, so a request that carries it twice is refused.

The Cookie header is split here and not by the framework, whose parser honours quotes: the cookies
`a="` and `z="` of a sibling host would make everything between them one value, ours included.
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
    """Return the names and values of a Cookie header, in its order.

    A `;` ends a cookie whatever came before it, as in a browser (RFC 6265 section 5.4), and a
    quote is a character like any other. A cookie without `=` has no name. Linear in the header.
    """
    named = (part.partition("=") for part in header.split(";"))
    return [(name.strip(" \t"), value.strip(" \t")) for name, is_named, value in named if is_named]


class CookieRequest(Request):
    """A request that reads cookies as `pairs` does; so does all that Flask reads of them."""

    form_data_parser_class = FormParser

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies of the request; several headers are one list."""
        return ImmutableMultiDict(pairs(";".join(self.headers.getlist("Cookie"))))


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
    """Return the mark of a known browser; an empty string when there is none, or two."""
    values = request.cookies.getlist(DEVICE)
    return values[0] if len(values) == 1 else ""


def has_two_forms(request: Request) -> bool:
    """Tell whether the request carries two cookies for Flask's session: one was planted."""
    return len(request.cookies.getlist(FORM)) > 1


def set_credentials(response: Response, pair: TokenPair) -> None:
    """Set the refresh cookie and, after a log-in, the mark of a known browser.

    The refresh cookie lives as long as the browser unless the session is remembered.
    """
    _set(response, REFRESH, pair.refresh_token, pair.cookie_max_age)
    if pair.browser_mark:
        _set(response, DEVICE, pair.browser_mark, LIFE_SECONDS)


def clear_refresh(response: Response) -> None:
    """Take the refresh token back: same name, path and attributes."""
    _set(response, REFRESH, "", 0)


def _set(response: Response, name: str, value: str, max_age: int | None) -> None:
    response.set_cookie(
        name, value, max_age=max_age, path="/", secure=True, httponly=True, samesite="Strict"
    )
