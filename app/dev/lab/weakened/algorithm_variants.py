"""Weakened variants of the choice of the algorithm, and of the header's other rules."""

from __future__ import annotations

from typing import Any

import jwt
from jwt.algorithms import get_default_algorithms

from app.dev.lab.weakened.lenient import refusing
from app.dev.lab.weakened.variant import instead_of
from app.tokens.codec import C, Codec
from app.tokens.jws import ALGORITHM, TokenRefused


@instead_of("app/tokens/codec.py:Codec._verify", "trusting-alg")
def the_header_chooses_the_algorithm(self: Codec[C], token: str) -> C:
    """A token is verified with the algorithm that its own header names."""
    with refusing():
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(
            token,
            self._ring.by_kid[header["kid"]],
            algorithms=[header["alg"]],
            audience=self.rules.audience,
            issuer=self.rules.issuer,
            options={"verify_signature": header["alg"].lower() != "none"},
        )
        return self.claims_type(**claims)


@instead_of("app/tokens/codec.py:Codec._verify", "algorithm-confusion")
def every_algorithm_is_allowed(self: Codec[C], token: str) -> C:
    """Every algorithm of the library is allowed."""
    with refusing():
        claims = jwt.decode(
            token,
            self._ring.signing_key,
            algorithms=list(get_default_algorithms()),
            audience=self.rules.audience,
            issuer=self.rules.issuer,
        )
        return self.claims_type(**claims)


@instead_of("app/tokens/jws.py:_kid_of", "algorithm-confusion")
def unknown_headers_are_skipped(header: dict[str, Any], typ: str) -> str:
    """Unknown header parameters are ignored, also those that forbid it."""
    if (header.get("alg"), header.get("typ")) != (ALGORITHM, typ):
        raise TokenRefused("header")
    return str(header.get("kid"))


@instead_of("app/tokens/jws.py:_kid_of", "cross-type-tokens")
def the_type_is_decoration(header: dict[str, Any], typ: str) -> str:
    """The type of the token is not checked, because the signature is right."""
    if header.keys() != {"alg", "typ", "kid"} or header["alg"] != ALGORITHM:
        raise TokenRefused("header")
    return str(header["kid"])
