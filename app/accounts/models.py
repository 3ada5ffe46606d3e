"""The users table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    String,
    Table,
    bindparam,
    select,
    update,
)

from app.database import metadata

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
)


BY_EMAIL: Final = select(users).where(users.c.email == bindparam("email"))
BY_ID: Final = select(users).where(users.c.id == bindparam("id"))


@dataclass(frozen=True, slots=True)
class User:
    """One account. `id` is random and never used again; `email` is canonical."""

    id: str
    email: str
    password_hash: str = field(repr=False)
    created_at: int
    password_changed_at: int
    disabled_at: int | None
    deleted_at: int | None


def find_by_email(connection: Connection, email: str) -> User | None:
    """Return the account of a canonical address, disabled ones included."""
    row = connection.execute(BY_EMAIL, {"email": email}).one_or_none()
    return User(*row) if row else None


def find(connection: Connection, user_id: str) -> User | None:
    """Return the account of that id, disabled ones included."""
    row = connection.execute(BY_ID, {"id": user_id}).one_or_none()
    return User(*row) if row else None


def insert(connection: Connection, user: User) -> None:
    """Add an account.

    Raises:
        sqlalchemy.exc.IntegrityError: when the address is taken; the unique index decides a
            race, not a look beforehand.

    """
    connection.execute(users.insert().values(**{c.name: getattr(user, c.name) for c in users.c}))


def still_enabled(connection: Connection, /, user: User, **values: str | int) -> bool:
    """Lock the account and write `values` if it is as `user` says: enabled, same password.

    A password takes a tenth of a second to verify, outside any transaction. Should it have
    changed meanwhile, this is false: a log-in with the old one never outlives the change.
    """
    same = (
        (users.c.id == user.id)
        & (users.c.password_hash == user.password_hash)
        & users.c.disabled_at.is_(None)
    )
    written = update(users).where(same).values(values or {"id": users.c.id})
    return connection.execute(written).rowcount == 1


def disable(connection: Connection, user_id: str, now: int) -> None:
    """Refuse the account from `now` on."""
    connection.execute(update(users).where(users.c.id == user_id).values(disabled_at=now))


def enable(connection: Connection, user_id: str) -> None:
    """Accept the account again; its ended families stay ended."""
    connection.execute(update(users).where(users.c.id == user_id).values(disabled_at=None))


def erase(connection: Connection, user_id: str, now: int) -> None:
    """Forget who the account was and free its address.

    The row stays until its families are pruned: they are what the denylist is rebuilt from.
    """
    gone = {
        "email": f"deleted:{user_id}",
        "password_hash": "",
        "disabled_at": now,
        "deleted_at": now,
    }
    connection.execute(update(users).where(users.c.id == user_id).values(gone))
