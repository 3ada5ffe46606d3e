"""What a refresh writes, and what can come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from app.families.models import Current, Reason


@dataclass(frozen=True, slots=True)
class Successor:
    """What a rotation writes: the successor's `jti`, the time, the idle life, and from where.

    `jkt` is the thumbprint of the verified proof's key; None when there was no proof.
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
    """The presented token was current; the family's next pair of tokens can be issued."""

    family: Current
    email: str


@dataclass(frozen=True, slots=True)
class Retried:
    """The holder of the family's key repeated a refresh; the current pair is issued again."""

    family: Current
    email: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The presented token is of no use, because of `reason`."""

    reason: Reason


Outcome: TypeAlias = Rotated | Retried | Refused
