"""The tables of families, and the types that their rows are read into.

A log-in inserts one row, and each rotation updates it, so the table does not grow with use.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
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

from app.infra.audit import MAX_USER_AGENT_LENGTH
from app.infra.database import metadata

THEFT_SHOWN_SECONDS: Final = 30 * 86400
MAX_THEFTS_SHOWN: Final = 20


class Reason(StrEnum):
    """Why a family was revoked, or why its refresh token was refused.

    `EXPIRED`, `DISABLED` (the account is) and `UNKNOWN` (no such family) are reasons of refusals
    only. `NO_PROOF` and `FOREIGN_KEY` are a bound family's token without a proof, or with a proof
    by another key. `REVOKED` stands for a reason that this release does not know.
    """

    LOGGED_OUT = "logged_out"
    REPLACED = "replaced"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason, not a password
    ADMIN = "admin"
    REUSE = "reuse"
    NO_PROOF = "no_proof"
    FOREIGN_KEY = "foreign_key"
    EXPIRED = "expired"
    DISABLED = "disabled"
    UNKNOWN = "unknown"
    REVOKED = "revoked"

    @classmethod
    def _missing_(cls, _value: object) -> Reason:
        # During an update, a newer release may have written a reason that this one does not know.
        return cls.REVOKED


BY_PASSWORD: Final = "pwd"  # noqa: S105 - the name of a method in RFC 8176

THEFTS: Final = frozenset({Reason.REUSE, Reason.NO_PROOF, Reason.FOREIGN_KEY})

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
    Column("user_agent", String(MAX_USER_AGENT_LENGTH), nullable=False),
    Column("revoked_at", BigInteger),
    Column("revoked_reason", String(32)),
    Column("revoked_ip", String(45)),
    Column("jkt", String(43)),
    Column("retries", Integer, nullable=False, server_default="0"),
    Column("burst_started_at", BigInteger, nullable=False, server_default="0"),
    # The defaults are for workers of a former release, which insert rows during an update.
    Column("auth_time", BigInteger, nullable=False, server_default="0"),
    Column("amr", String(64), nullable=False, server_default=BY_PASSWORD),
    Column("dismissed_at", BigInteger),
    Index("ix_families_revoked_at", "revoked_at"),
)

# What the denylist needs of the families of deleted accounts; `erasure` has the statements.
erased_families: Final = Table(
    "erased_families",
    metadata,
    Column("family_id", String(32), primary_key=True),
    Column("last_used_at", BigInteger, nullable=False),
    Column("erased_at", BigInteger, nullable=False, index=True),
)

# The columns of `users` that statements on families read; `app.accounts` owns the table.
owners: Final = table(
    "users",
    column("id"),
    column("email"),
    column("disabled_at"),
    column("password_hash"),
    column("password_changed_at", BigInteger),
)


@dataclass(frozen=True, slots=True)
class Family:
    """All refresh tokens that descend from one log-in; all times are seconds, UTC.

    - `jti` is the id of the only refresh token that is not spent; `previous_jti` is the one
      before it, and `generation` counts the rotations.
    - `rotated_at` is when that refresh token was issued, by the log-in or by a rotation;
      `last_used_at` is when the newest access token was issued, by these, by a retry or by a
      reauthentication.
    - `idle_expires_at` moves with each rotation, up to `absolute_expires_at`, which never moves.
    - `jkt` is the thumbprint of the key that the family is bound to; None while unbound.
    - `revoked_ip` is the address of the request that caused the revocation.
    - `retries` counts retried refreshes, and `burst_started_at` is when the oldest token was
      issued that may still be on its way to the server (see `rotation.RETRY`).
    - `auth_time` is when the family's holder last proved who they are, and `amr` names the methods
      (RFC 8176), separated by spaces. The time is 0 in a row of a former release: it was at the
      log-in then.
    - `dismissed_at` is when the owner dismissed the notice that the family was revoked for theft.
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
    burst_started_at: int = 0
    auth_time: int = 0
    amr: str = BY_PASSWORD
    dismissed_at: int | None = None


@dataclass(frozen=True, slots=True)
class Current:
    """The columns of a family that its token pair is issued from, after a rotation or a retry."""

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
    auth_time: int
    amr: str


@dataclass(frozen=True, slots=True)
class RevokedFamily:
    """A revoked family, and when its newest access token was issued (seconds, UTC).

    The denylist needs the time to know how long that access token could still be valid.
    `user_id` and `user_agent` are empty where only the denylist is written.
    """

    family_id: str
    last_used_at: int
    user_id: str = field(default="", compare=False)
    user_agent: str = field(default="", compare=False)
