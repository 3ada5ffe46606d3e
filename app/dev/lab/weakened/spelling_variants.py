"""Weakened variants of how a token is spelled and where it may be."""

from __future__ import annotations

from flask import request

from app.dev.lab.weakened.variant import instead_of
from app.tokens.jws import parse_jws as real_parse_jws
from app.web.guards import BEARER
from app.web.guards import credential as real_credential


@instead_of("app/tokens/jws.py:parse_jws", "token-malleability")
def tokens_are_tidied_up(token: str, typ: str) -> str:
    """Padding and spaces around a token are removed before it is verified."""
    return real_parse_jws(token.strip(" ="), typ)


@instead_of("app/web/guards.py:credential", "token-malleability")
def a_token_may_be_in_the_address() -> tuple[str, str | None]:
    """A token is accepted in the address too, for links and downloads."""
    if "access_token" in request.args:
        return BEARER, request.args["access_token"]
    return real_credential()
