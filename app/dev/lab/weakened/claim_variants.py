"""Weakened variants of the checks of claims and times."""

from __future__ import annotations

from typing import Any

from app.dev.lab.weakened.lenient import refusing
from app.dev.lab.weakened.variant import instead_of
from app.tokens.codec import C, Codec
from app.tokens.jws import ALGORITHM


@instead_of("app/tokens/codec.py:Codec._decoded", "unvalidated-audience")
def the_audience_is_not_checked(self: Codec[C], token: str, key: bytes) -> dict[str, Any]:
    """The audience is not checked, because the signature is right."""
    with refusing():
        return self._jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            issuer=self.rules.issuer,
            options={"verify_aud": False},
        )


@instead_of("app/tokens/codec.py:Codec._decoded", "cross-environment-tokens")
def the_issuer_is_not_checked(self: Codec[C], token: str, key: bytes) -> dict[str, Any]:
    """The issuer is not checked, because the key is ours."""
    with refusing():
        return self._jwt.decode(token, key, algorithms=[ALGORITHM], audience=self.rules.audience)


@instead_of("app/tokens/codec.py:Codec.verify", "replay")
def the_expiry_is_not_checked(self: Codec[C], token: str, now: int) -> C:
    """The signature is verified, but not the expiry."""
    return self._verified(token)


@instead_of("app/tokens/codec.py:Codec._checked", "replay")
def any_lifetime_is_accepted(self: Codec[C], claims: C) -> C:
    """A token may live for as long as it says."""
    return claims
