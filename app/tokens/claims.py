"""The claims of the access token and of the refresh token.

`app.families.issuer` fills them in, `codec` signs and verifies them, and `flask types` prints
them as TypeScript.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, make_dataclass
from keyword import iskeyword
from typing import Any, Final, TypeAlias, TypedDict

MAX_METHODS: Final = 8

_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_METHOD: Final = re.compile(r"[a-z]{2,8}")

Methods: TypeAlias = tuple[str, ...]
"""The claim `amr`: how somebody proved who they are, such as `pwd`, the password (RFC 8176)."""


class Confirmation(TypedDict):
    """The claim `cnf` (RFC 9449): the thumbprint of the key that signs a bound token's proofs."""

    jkt: str


@dataclass(frozen=True, slots=True)
class AccessTokenClaims:
    """The claims of an access token (RFC 9068). All times are whole seconds, UTC.

    `sid` is the id of the family that the token was issued for. `auth_time` is when the family's
    holder last proved who they are, and `amr` says how; it is None in a token of a former release.
    `cnf` is None in an unbound token.
    """

    iss: str
    aud: str
    sub: str
    sid: str
    jti: str
    iat: int
    exp: int
    auth_time: int
    cnf: Confirmation | None = None
    amr: Methods | None = None


@dataclass(frozen=True, slots=True)
class RefreshTokenClaims:
    """The claims of a refresh token, which can be used once. All times are whole seconds, UTC."""

    iss: str
    aud: str
    sub: str
    family_id: str
    jti: str
    iat: int
    exp: int


def is_confirmation(value: object) -> bool:
    """Return whether a claim, as JSON, is a `Confirmation`: one thumbprint and nothing else."""
    if type(value) is not dict or value.keys() != {"jkt"}:
        return False
    return type(value["jkt"]) is str and _THUMBPRINT.fullmatch(value["jkt"]) is not None


def are_methods(value: object) -> bool:
    """Return whether a claim, as JSON, is `Methods`: a list of short names, each of them once."""
    return (
        type(value) is list
        and 0 < len(value) <= MAX_METHODS
        and all(type(name) is str and _METHOD.fullmatch(name) for name in value)
        and len(set(value)) == len(value)
    )


# How the codec checks claims that are neither a text nor a number.
CHECKS: Final[Mapping[Any, Callable[[object], bool]]] = {
    Confirmation: is_confirmation,
    Methods: are_methods,
}

# Registered claims (RFC 7519, RFC 9068, RFC 9470) that no feature may give another meaning.
RESERVED: Final = frozenset({
    "nbf", "scope", "client_id", "acr", "azp", "act", "roles", "groups", "entitlements",
})  # fmt: skip


def with_claims(further: Mapping[str, type[str | int]]) -> type[AccessTokenClaims]:
    """Return the class of the access token's claims, with the optional claims `further` added.

    `further` maps the names of a product's claims to their types. The codec refuses every claim
    that the class does not name and every value of another type. The added claims are optional,
    so a token that was issued before a claim was added stays valid.

    Raises:
        ValueError: when a name is one of Latchkey's claims, is in `RESERVED`, or is not a Python
            identifier, or when a type is neither `str` nor `int`.

    """
    used = {
        claim.name
        for claims in (AccessTokenClaims, RefreshTokenClaims)
        for claim in fields(claims)
    }
    for name, type_ in further.items():
        if name in used | RESERVED or not name.isidentifier() or iskeyword(name):
            raise ValueError(
                f"A feature cannot add the claim {name!r}: choose a Python identifier that is not"
                " a registered claim."
            )
        if type_ not in {str, int}:
            raise ValueError(f"The claim {name!r} of a feature has to be a str or an int.")
    if not further:
        return AccessTokenClaims
    added = [(name, type_ | None, field(default=None)) for name, type_ in further.items()]
    return make_dataclass(
        "AccessTokenClaims", added, bases=(AccessTokenClaims,), frozen=True, slots=True
    )
