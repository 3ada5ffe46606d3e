"""The claims of both tokens. `flask types` prints these as TypeScript."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, make_dataclass
from typing import Final, TypedDict


class Confirmation(TypedDict):
    """The thumbprint (RFC 7638) of the key whose proof a bound token needs (RFC 9449)."""

    jkt: str


@dataclass(frozen=True, slots=True)
class AccessTokenClaims:
    """What a page may do for the next minutes (RFC 9068). All times are whole seconds, UTC."""

    iss: str
    aud: str
    sub: str
    sid: str
    jti: str
    iat: int
    exp: int
    auth_time: int
    cnf: Confirmation | None = None


@dataclass(frozen=True, slots=True)
class RefreshTokenClaims:
    """One single-use step of a family. All times are whole seconds, UTC."""

    iss: str
    aud: str
    sub: str
    family_id: str
    jti: str
    iat: int
    exp: int


# Registered claims (RFC 7519, RFC 9068, RFC 9470) that no feature may give another meaning.
RESERVED: Final = frozenset({
    "nbf", "scope", "client_id", "acr", "amr", "azp", "act", "roles", "groups", "entitlements",
})  # fmt: skip


def with_claims(further: Mapping[str, type[str | int]]) -> type[AccessTokenClaims]:
    """Return the claims of an access token with `further` ones, each of which may be missing.

    The codec refuses any claim that is not named here, and any value of another type. A token
    from before a claim was added stays valid, without it.

    Raises:
        ValueError: when a name is taken, reserved or no Python name.

    """
    taken = {one.name for kind in (AccessTokenClaims, RefreshTokenClaims) for one in fields(kind)}
    for name in further:
        if name in taken | RESERVED or not name.isidentifier():
            raise ValueError(f"A feature cannot add the claim {name!r}: the name is taken.")
    if not further:
        return AccessTokenClaims
    added = [(name, kind | None, field(default=None)) for name, kind in further.items()]
    return make_dataclass(
        "AccessTokenClaims", added, bases=(AccessTokenClaims,), frozen=True, slots=True
    )
