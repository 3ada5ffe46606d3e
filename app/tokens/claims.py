"""The claims of both tokens. `flask types` prints these as TypeScript."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict


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
