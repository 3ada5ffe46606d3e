"""The families table: one row per log-in, however often its token rotates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    column,
    table,
)

from app.database import metadata

LONGEST_USER_AGENT: Final = 256

families: Final = Table(
    "families",
    metadata,
    Column("family_id", String(32), primary_key=True),
    Column("user_id", String(32), ForeignKey("users.id"), nullable=False, index=True),
    Column("jti", String(32), nullable=False),
    Column("previous_jti", String(32)),
    Column("generation", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("rotated_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger, nullable=False),
    Column("idle_expires_at", BigInteger, nullable=False),
    Column("absolute_expires_at", BigInteger, nullable=False, index=True),
    Column("remembered", Boolean, nullable=False),
    Column("ip", String(45), nullable=False),
    Column("user_agent", String(LONGEST_USER_AGENT), nullable=False),
    Column("revoked_at", BigInteger),
    Column("revoked_reason", String(32)),
    Column("revoked_ip", String(45)),
    Column("jkt", String(43)),
    Column("retries", Integer, nullable=False, server_default="0"),
    Column("burst_from", BigInteger, nullable=False, server_default="0"),
    Index("ix_families_revoked_at", "revoked_at"),
)

# What a family may know of the account it belongs to.
owners: Final = table("users", column("id"), column("email"), column("disabled_at"))


@dataclass(frozen=True, slots=True)
class Family:
    """All refresh tokens that descend from one log-in; all times are seconds, UTC.

    `jti` names the only refresh token that is not spent. `rotated_at` is when it was minted, at
    first by the log-in itself; `last_used_at` is when the newest access token was, which a retry
    moves too. `idle_expires_at` never passes `absolute_expires_at`, which never moves. `jkt` is
    the thumbprint of the key that the family is bound to, if it is; `revoked_ip` is where the
    request that ended it came from. `burst_from` is when the oldest token was minted that can
    still be on its way, see `rotation.retry`.
    """

    family_id: str
    user_id: str
    jti: str
    previous_jti: str | None
    generation: int
    created_at: int
    rotated_at: int
    last_used_at: int
    idle_expires_at: int
    absolute_expires_at: int
    remembered: bool
    ip: str
    user_agent: str
    revoked_at: int | None
    revoked_reason: str | None
    revoked_ip: str | None = None
    jkt: str | None = None
    retries: int = 0
    burst_from: int = 0


@dataclass(frozen=True, slots=True)
class Current:
    """What a family's current pair of tokens is minted from: some of its row."""

    family_id: str
    user_id: str
    jti: str
    created_at: int
    rotated_at: int
    last_used_at: int
    idle_expires_at: int
    absolute_expires_at: int
    remembered: bool
    jkt: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """A family that was just revoked, and when its newest access token was minted."""

    family_id: str
    last_used_at: int
