"""Who may pass: `@require_access` for protected routes, `@public` for the others.

`@require_operator` is `@require_access` for the accounts that the setting OPERATORS names.

A route with neither mark is refused as if it were protected, so that what is forgotten is shut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from flask import Flask, current_app, g, request

from app.errors import InvalidToken, OperatorsOnly
from app.services import services
from app.tokens.claims import AccessTokenClaims, Confirmation
from app.tokens.dpop import Proof, ProofRefused, token_hash
from app.tokens.jws import TokenRefused
from app.web import dpop

P = ParamSpec("P")
R = TypeVar("R")
View = TypeVar("View", bound=Callable[..., Any])

MARK: Final = "latchkey_access"
BEARER: Final = "bearer"
DPOP: Final = "dpop"


@dataclass(frozen=True, slots=True)
class Caller:
    """The verified identity behind this request."""

    user_id: str
    sid: str
    auth_time: int
    claims: AccessTokenClaims

    def claim(self, name: str) -> str | int | None:
        """Return a claim that a feature added to the token; None when the token lacks it."""
        value: str | int | None = getattr(self.claims, name)
        return value


def require_access(view: Callable[P, R]) -> Callable[P, R]:
    """Let only a verified, undenied access token through, and set the caller.

    The token comes in `Authorization: Bearer …` (or `DPoP …`, RFC 9449) and in nothing else: not
    in a query, which is logged; not in a cookie or form field, which browsers attach by
    themselves (RFC 6750).
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        authenticate()
        return view(*args, **kwargs)

    setattr(guarded, MARK, "required")
    return guarded


def require_operator(view: Callable[P, R]) -> Callable[P, R]:
    """Let only accounts pass whose ids are in OPERATORS, with an access token as above.

    Nobody is an operator by default. The setting names ids and not e-mail addresses, because
    whoever registers an address first would have its rights; an id is never used again.
    """

    @wraps(view)
    def operated(*args: P.args, **kwargs: P.kwargs) -> R:
        if caller().user_id not in services().settings.operators:
            raise OperatorsOnly
        return view(*args, **kwargs)

    guarded = require_access(operated)
    setattr(guarded, MARK, "operator")
    return guarded


def public(view: View) -> View:
    """Say by name that a route needs no access token."""
    setattr(view, MARK, "public")
    return view


def caller() -> Caller:
    """Return the caller of a protected route."""
    verified: Caller = g.caller
    return verified


def authenticate() -> None:
    """Verify the request's access token and set the caller.

    A token that is bound to a key needs the scheme DPoP and a proof by that key for this very
    request; the same token under Bearer is refused, and so is an unbound one under DPoP.

    Raises:
        InvalidToken: no token, or one that is refused.
        InvalidProof: the token may be good, its proof is not.
        Unavailable: when it cannot be told whether the token's family was revoked.

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
    if scheme != (BEARER if bound is None else DPOP):
        raise TokenRefused("scheme")
    if bound is None:
        return None
    text = dpop.header()
    if text is None:
        raise ProofRefused("missing")
    proof = dpop.read(text, token_hash(token))
    if proof.jkt != bound["jkt"]:
        raise ProofRefused("foreign_key")
    return proof


def credential() -> tuple[str, str | None]:
    """Return scheme and token of the Authorization header; None when there is no header.

    Two headers arrive joined by a comma, which no token contains.
    """
    header = request.environ.get("HTTP_AUTHORIZATION")
    if header is None:
        return "", None
    scheme, _, token = header.partition(" ")
    scheme = scheme.lower()
    return scheme, token if scheme in {BEARER, DPOP} else ""


def install(app: Flask) -> None:
    """Shut every route that carries no mark."""

    def shut_unmarked() -> None:
        if request.endpoint is None:
            return
        if not hasattr(current_app.view_functions[request.endpoint], MARK):
            authenticate()

    app.before_request(shut_unmarked)
