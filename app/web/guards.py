"""The guards of routes; every view of `app.api`, `app.pages` and features has one.

- `@require_access`: the request needs a valid access token.
- `@require_access(max_age=300)`: and its caller must have proved who they are within 300 seconds.
- `@require_operator`: and its account must be one of the setting OPERATORS.
- `@public`: the request needs no access token, and an invalid one is ignored.

A route without a guard requires an access token, so that a forgotten guard exposes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar, overload

from flask import Flask, current_app, g, request

from app.errors import InvalidToken, OperatorsOnly
from app.services import services
from app.tokens.claims import Confirmation
from app.tokens.dpop import Proof, ProofRefused, token_hash
from app.tokens.jws import TokenRefused
from app.web import dpop
from app.web.caller import Caller, caller
from app.web.step_up import recent

__all__ = ["Caller", "authenticate", "caller", "public", "require_access", "require_operator"]

P = ParamSpec("P")
R = TypeVar("R")
View = TypeVar("View", bound=Callable[..., Any])

MARK: Final = "latchkey_access"
MAX_AGE: Final = "latchkey_max_age"
BEARER: Final = "bearer"
DPOP: Final = "dpop"


@overload
def require_access(view: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def require_access(*, max_age: int) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def require_access(
    view: Callable[P, R] | None = None, /, *, max_age: object = None
) -> Callable[P, R] | Callable[[Callable[P, R]], Callable[P, R]]:
    """Call the view only with a valid access token that is not denied; set `caller()`.

    The token must be in the header `Authorization: Bearer …` (or `DPoP …`, RFC 9449). A token in
    the query would get into logs, and one in a cookie or form would allow CSRF (RFC 6750 section
    5.3), so these are ignored.

    With `max_age`, the caller must have proved who they are within that many seconds (RFC 9470).

    Raises:
        ValueError: when it is called with parentheses but without a `max_age` of at least 0.

    """
    if view is None:
        return lambda decorated: _recent_access(decorated, max_age)

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        authenticate()
        return view(*args, **kwargs)

    setattr(guarded, MARK, "required")
    return guarded


def _recent_access(view: Callable[P, R], max_age: object) -> Callable[P, R]:
    guarded = require_access(recent(view, max_age))
    setattr(guarded, MAX_AGE, max_age)
    return guarded


def require_operator(view: Callable[P, R]) -> Callable[P, R]:
    """Call the view as `require_access` does, but only for the accounts in OPERATORS.

    By default there are none. The setting has ids of accounts and not e-mail addresses: anybody
    could register an address that is free, but an id is never used again.
    """

    @wraps(view)
    def for_operators(*args: P.args, **kwargs: P.kwargs) -> R:
        if caller().user_id not in services().settings.operators:
            raise OperatorsOnly
        return view(*args, **kwargs)

    guarded = require_access(for_operators)
    setattr(guarded, MARK, "operator")
    return guarded


def public(view: View) -> View:
    """Mark a view that needs no access token. It ignores one that is sent, even if invalid."""
    setattr(view, MARK, "public")
    return view


def authenticate() -> None:
    """Verify the access token of the current request and set `caller()`.

    A bound token needs the scheme `DPoP` and a proof for this request by its key (RFC 9449
    section 7.1). A bound token under `Bearer` is refused, and so is an unbound one under `DPoP`:
    otherwise a stolen bound token would be usable without its key.

    Raises:
        InvalidToken: when there is no token, or it is invalid, expired or denied, or came under
            the wrong scheme.
        InvalidProof: when the proof is missing, invalid, of another key, or was used before.
        UseNonce: when the proof has no nonce or an outdated one.
        Unavailable: when neither Redis nor the database can say whether the token is denied.

    """
    scheme, token = credential()
    if token is None:
        raise InvalidToken(reason="missing")
    try:
        claims = services().access_tokens.verify(token, services().clock.now())
        proof = _proof_for(scheme, token, claims.cnf)
        denied = services().denylist.denied(claims.sid, proof, expires=claims.exp)
    except TokenRefused as refused:
        raise InvalidToken(reason=refused.reason) from None
    except ProofRefused as refused:
        raise dpop.refusal(refused, status=401) from None
    if denied:
        raise InvalidToken(reason="denied")
    g.caller = Caller(claims.sub, claims.sid, claims.auth_time, claims)


def _proof_for(scheme: str, token: str, bound: Confirmation | None) -> Proof | None:
    """Return the verified proof for a bound token; None for an unbound one."""
    if scheme != (BEARER if bound is None else DPOP):
        raise TokenRefused("scheme")
    if bound is None:
        return None
    text = request.environ.get(dpop.HEADER)
    if text is None:
        raise ProofRefused("missing")
    proof = dpop.read(text, token_hash(token))
    if proof.jkt != bound["jkt"]:
        raise ProofRefused("foreign_key")
    return proof


def credential() -> tuple[str, str | None]:
    """Return the scheme, in lower case, and the token of the Authorization header.

    The token is None without the header, and empty under another scheme than Bearer and DPoP.
    WSGI joins two headers with a comma. No valid token has one, so two headers are refused.
    """
    header = request.environ.get("HTTP_AUTHORIZATION")
    if header is None:
        return "", None
    scheme, _, token = header.partition(" ")
    scheme = scheme.lower()
    return scheme, token if scheme in {BEARER, DPOP} else ""


def install(app: Flask) -> None:
    """Require an access token on every route that has no guard."""

    def require_guard() -> None:
        if request.endpoint is None:
            return
        if not hasattr(current_app.view_functions[request.endpoint], MARK):
            authenticate()

    app.before_request(require_guard)
