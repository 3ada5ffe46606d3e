"""The input of a refresh and its three outcomes, which `rotation.exchange` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from app.families.models import Current, Reason


@dataclass(frozen=True, slots=True)
class Successor:
    """The values that a rotation writes into the family's row.

    `jti` is the id of the new refresh token, `now` is in seconds, UTC, and the two idle lifetimes
    are in seconds. `jkt` is the thumbprint of the key of the request's proof; None without one.
    """

    jti: str
    now: int
    idle_ttl: int
    remember_idle_ttl: int
    ip: str
    user_agent: str
    jkt: str | None = None


@dataclass(frozen=True, slots=True)
class Rotated:
    """The presented token was current and is spent now; issue the successor from `family`."""

    family: Current
    email: str


@dataclass(frozen=True, slots=True)
class Retried:
    """The token is spent, but the holder of the family's key may have its successor again.

    Issue the same successor from `family`, which was not rotated.
    """

    family: Current
    email: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The presented token gets nothing, because of `reason`. Nothing was written."""

    reason: Reason


Outcome: TypeAlias = Rotated | Retried | Refused
