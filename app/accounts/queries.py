"""Read and write accounts. Each statement is a constant with bound parameters.

All times are seconds, UTC. `app.auth` calls these through `Database.read` and its siblings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, null, select, update
from sqlalchemy import delete as delete_from
from sqlalchemy import insert as insert_into

from app.accounts.models import User, users

_user: Final = users.c.id == bindparam("user")

BY_EMAIL: Final = select(users).where(users.c.email == bindparam("email"))
BY_ID: Final = select(users).where(_user)
LOCK: Final = BY_ID.with_for_update()  # on PostgreSQL; a transaction of SQLite locks all rows
INSERT: Final = insert_into(users)
# SQLAlchemy adds a SET clause with the columns that the statement is executed with.
UPDATE_IF_UNCHANGED: Final = update(users).where(
    _user, users.c.password_hash == bindparam("known_hash"), users.c.disabled_at.is_(None)
)
WRITE_PASSWORD: Final = (
    update(users)
    .where(_user)
    .values(password_hash=bindparam("hashed"), password_changed_at=bindparam("changed_at"))
)
WRITE_EMAIL: Final = (
    update(users)
    .where(_user)
    .values(email=bindparam("new_email"), email_changed_at=bindparam("changed_at"))
)
DISABLE: Final = update(users).where(_user).values(disabled_at=bindparam("now"))
ENABLE: Final = update(users).where(_user).values(disabled_at=null())
DELETE: Final = delete_from(users).where(_user)
HOLD: Final = (
    select(users.c.id)
    .where(users.c.id.in_(bindparam("users", expanding=True)))
    .with_for_update(read=True, key_share=True)
)
# A condition of statements that store something about the account `user_id`. A deletion waits for
# the lock, and then deletes what was stored; after the deletion nothing is stored. A foreign key
# locks in the same way, but would make an error of it.
ACCOUNT_EXISTS: Final = (
    select(users.c.id)
    .where(users.c.id == bindparam("user_id"))
    .with_for_update(read=True, key_share=True)
    .exists()
)


def find_by_email(connection: Connection, email: str) -> User | None:
    """Return the account with that normalized address, even when it is disabled."""
    row = connection.execute(BY_EMAIL, {"email": email}).one_or_none()
    return User(*row) if row else None


def find(connection: Connection, user_id: str) -> User | None:
    """Return the account with that id, even when it is disabled."""
    row = connection.execute(BY_ID, {"user": user_id}).one_or_none()
    return User(*row) if row else None


def find_and_lock(connection: Connection, user_id: str) -> User | None:
    """Return the account with that id; no other transaction changes it before this one ends."""
    row = connection.execute(LOCK, {"user": user_id}).one_or_none()
    return User(*row) if row else None


def insert(connection: Connection, user: User) -> None:
    """Store a new account.

    Raises:
        sqlalchemy.exc.IntegrityError: when another account has the address. The unique index
            decides, so two registrations at the same time cannot both succeed.

    """
    connection.execute(INSERT, {column.name: getattr(user, column.name) for column in users.c})


def update_if_unchanged(connection: Connection, /, user: User, **values: str | int) -> bool:
    """Write `values` if the account is still enabled and has the password hash of `user`.

    Returns whether it is. Without `values` this only checks, and locks the row until the
    transaction ends. Verifying a password takes long and happens outside a transaction; a log-in
    calls this afterwards, so that one with the old password fails when the password was changed
    meanwhile.
    """
    columns = values or {"id": user.id}  # an UPDATE needs one column; this changes nothing
    known = {"user": user.id, "known_hash": user.password_hash}
    return connection.execute(UPDATE_IF_UNCHANGED, {**columns, **known}).rowcount == 1


def write_password(connection: Connection, user: User) -> None:
    """Store the password of `user` and when it changed; the caller has locked the row."""
    values = {"hashed": user.password_hash, "changed_at": user.password_changed_at}
    connection.execute(WRITE_PASSWORD, {"user": user.id, **values})


def write_email(connection: Connection, user: User) -> None:
    """Store the address of `user` and when it changed; the caller has locked the row.

    Raises:
        sqlalchemy.exc.IntegrityError: when another account has the address, as for `insert`.

    """
    values = {"new_email": user.email, "changed_at": user.email_changed_at}
    connection.execute(WRITE_EMAIL, {"user": user.id, **values})


def disable(connection: Connection, user_id: str, now: int) -> bool:
    """Disable the account; return whether there is one. The caller revokes its families."""
    return connection.execute(DISABLE, {"user": user_id, "now": now}).rowcount == 1


def enable(connection: Connection, user_id: str) -> bool:
    """Enable the account again; return whether there is one. Its revoked families stay revoked."""
    return connection.execute(ENABLE, {"user": user_id}).rowcount == 1


def delete(connection: Connection, user_id: str) -> None:
    """Delete the account; the caller has deleted its families.

    Raises:
        sqlalchemy.exc.IntegrityError: when a product's table refers to it.

    """
    connection.execute(DELETE, {"user": user_id})


def hold(connection: Connection, user_ids: Sequence[str]) -> set[str]:
    """Return which of these accounts exist; none is deleted before the transaction ends."""
    return set(connection.scalars(HOLD, {"users": user_ids}))
