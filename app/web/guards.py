"""Who may pass: `@require_access` for protected routes, `@public` for the others.

A route with neither mark is refused as if it were protected, so that what is forgotten is shut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar, cast

from flask import Flask, current_app, g, request

from app.errors import InvalidToken
from app.services import services
from app.tokens.claims import AccessTokenClaims
from app.tokens.compact import TokenRefused

P = ParamSpec("P")
R = TypeVar("R")
View = TypeVar("View", bound=Callable[..., Any])

MARK: Final = "latchkey_access"
SCHEME: Final = "bearer"


@dataclass(frozen=True, slots=True)
class Caller:
    """The verified identity behind this request."""

    user_id: str
    sid: str
    auth_time: int
    claims: AccessTokenClaims


def require_access(view: Callable[P, R]) -> Callable[P, R]:
    """Let only a verified, undenied access token through, and set the caller.

    The token comes in `Authorization: Bearer …` and in nothing else: not in a query, which is
    logged; not in a cookie or form field, which browsers attach by themselves (RFC 6750).
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        authenticate()
        return view(*args, **kwargs)

    setattr(guarded, MARK, "required")
    return guarded


def public(view: View) -> View:
    """Say by name that a route needs no access token."""
    setattr(view, MARK, "public")
    return view


def caller() -> Caller:
    """Return the caller of a protected route."""
    return cast("Caller", g.caller)


def authenticate() -> None:
    """Verify the request's access token and set the caller.

    Raises:
        InvalidToken: no token, or one that is refused.
        Unavailable: when it cannot be told whether the token's family was revoked.

    """
    token = bearer_token()
    if token is None:
        raise InvalidToken(reason="missing")
    own = services()
    try:
        claims = own.auth.mint.access.read(token, own.clock.now())
    except TokenRefused as refused:
        raise InvalidToken(reason=refused.reason) from None
    if own.denylist.denied(claims.sid):
        raise InvalidToken(reason="denied")
    g.caller = Caller(claims.sub, claims.sid, claims.auth_time, claims)


def bearer_token() -> str | None:
    """Return what follows `Bearer` in the Authorization header; None when there is no header.

    Two headers arrive joined by a comma, which no token contains.
    """
    header = request.environ.get("HTTP_AUTHORIZATION")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    return token if scheme.lower() == SCHEME else ""


def install(app: Flask) -> None:
    """Shut every route that carries no mark."""

    def shut_unmarked() -> None:
        if request.endpoint is None:
            return
        if not hasattr(current_app.view_functions[request.endpoint], MARK):
            authenticate()

    app.before_request(shut_unmarked)
