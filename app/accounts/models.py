"""The users table, and the type that its rows are read into."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    String,
    Table,
)

from app.infra.database import metadata

users: Final = Table(
    "users",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("email", String(320), nullable=False, unique=True),
    Column("password_hash", String(255), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("password_changed_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
    Column("deleted_at", BigInteger),
    # The default is for workers of a former release, which insert rows during an update.
    Column("email_changed_at", BigInteger, nullable=False, server_default="0"),
)


@dataclass(frozen=True, slots=True)
class User:
    """One account; times are seconds, UTC.

    `id` is random and is never given to another account. `email` is normalized
    (`normalize_email`), and `password_hash` is a PHC string. `deleted_at` is set in rows that a
    former release kept of a deleted account, without personal data; `prune` deletes them.
    `email_changed_at` is 0 while the address is the first one.
    """

    id: str
    email: str
    password_hash: str = field(repr=False)
    created_at: int
    password_changed_at: int
    disabled_at: int | None
    deleted_at: int | None
    email_changed_at: int = 0

    def with_password(self, password_hash: str, now: int) -> User:
        """Return the account with another password, changed at `now` (seconds, UTC).

        The time of the change always moves forward, because mailed links and the marks of known
        browsers are valid for one value of it.
        """
        changed_at = max(now, self.password_changed_at + 1)
        return replace(self, password_hash=password_hash, password_changed_at=changed_at)

    def with_email(self, email: str, now: int) -> User:
        """Return the account with another address, changed at `now` (seconds, UTC).

        The time of the change always moves forward: it says which of two mailed links was written
        first (`app.mail.link_queries.spend_later`).
        """
        changed_at = max(now, self.email_changed_at + 1)
        return replace(self, email=email, email_changed_at=changed_at)
