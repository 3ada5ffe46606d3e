"""Weakened variants of proofs by the key that a session is bound to (RFC 9449)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from flask import request
from sqlalchemy import Connection

from app.dev.lab.weakened.variant import instead_of
from app.families import queries
from app.families.denylist import Denylist
from app.families.models import Current
from app.families.outcomes import Successor
from app.families.rotation import rotate as real_rotate
from app.tokens.claims import Confirmation, RefreshTokenClaims
from app.tokens.dpop import ExpectedRequest, Proof, ProofRefused, token_hash
from app.tokens.nonces import NONCE_SECONDS
from app.web import dpop
from app.web.guards import BEARER
from app.web.guards import _proof_for as real_proof_for

real_denied: Final = Denylist.denied


@instead_of("app/families/denylist.py:Denylist.denied", "replay")
def proofs_are_not_remembered(
    self: Denylist, sid: str, proof: Proof | None = None, *, expires: float
) -> bool:
    """A proof is verified at every use, but its use is not stored."""
    return real_denied(self, sid, expires=expires)


@instead_of("app/tokens/dpop.py:_check", "replay")
def a_proof_is_good_for_any_request(claims: dict[str, Any], expected: ExpectedRequest) -> int:
    """The signature of a proof is verified, but not the request that it was made for."""
    made_at = expected.nonces.made_at(claims.get("nonce"), expected.now)
    if made_at is None:
        raise ProofRefused("nonce")
    return made_at


@instead_of("app/tokens/dpop.py:_check", "replay")
def a_proof_needs_no_nonce(claims: dict[str, Any], expected: ExpectedRequest) -> int:
    """A proof needs no nonce of the server, because it names its own time."""
    if (claims["htm"], claims["htu"]) != (expected.method, expected.url):
        raise ProofRefused("request")
    if claims.get("ath") != expected.ath:
        raise ProofRefused("token")
    return expected.now + NONCE_SECONDS


@instead_of("app/web/guards.py:_proof_for", "sidejacking")
def bearer_is_always_good(scheme: str, token: str, bound: Confirmation | None) -> Proof | None:
    """A bound token is accepted without a proof, for clients that cannot make one."""
    return None if scheme == BEARER else real_proof_for(scheme, token, bound)


@instead_of("app/web/guards.py:_proof_for", "sidejacking")
def any_key_will_do(scheme: str, token: str, bound: Confirmation | None) -> Proof | None:
    """A proof by any key is accepted, not only one by the key of the session."""
    text = request.environ.get(dpop.HEADER)
    if bound and text:
        return dpop.read(text, token_hash(token))
    return real_proof_for(scheme, token, bound)


@instead_of("app/families/rotation.py:rotate", "sidejacking")
def refreshing_asks_for_no_key(
    connection: Connection, claims: RefreshTokenClaims, successor: Successor
) -> tuple[Current, str] | None:
    """Only access tokens are bound to a key; the refresh token is not."""
    family = queries.find(connection, claims.family_id)
    key = family.jkt if family else None
    return real_rotate(connection, claims, replace(successor, jkt=key))
