"""Read and write accounts. Each statement is a constant with bound parameters."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, bindparam, null, select, update
from sqlalchemy import insert as insert_into

from app.accounts.models import User, users

_user: Final = users.c.id == bindparam("user")

BY_EMAIL: Final = select(users).where(users.c.email == bindparam("email"))
BY_ID: Final = select(users).where(_user)
INSERT: Final = insert_into(users)
# Its SET clause has the columns that it is executed with.
UPDATE_IF_UNCHANGED: Final = update(users).where(
    _user, users.c.password_hash == bindparam("known_hash"), users.c.disabled_at.is_(None)
)
DISABLE: Final = update(users).where(_user).values(disabled_at=bindparam("now"))
ENABLE: Final = update(users).where(_user).values(disabled_at=null())
ERASE: Final = (
    update(users)
    .where(_user)
    .values(
        email=bindparam("placeholder"),
        password_hash="",
        disabled_at=bindparam("now"),
        deleted_at=bindparam("now"),
    )
)


def find_by_email(connection: Connection, email: str) -> User | None:
    """Return the account of a normalized address, disabled ones included."""
    row = connection.execute(BY_EMAIL, {"email": email}).one_or_none()
    return User(*row) if row else None


def find(connection: Connection, user_id: str) -> User | None:
    """Return the account of that id, disabled ones included."""
    row = connection.execute(BY_ID, {"user": user_id}).one_or_none()
    return User(*row) if row else None


def insert(connection: Connection, user: User) -> None:
    """Add an account.

    Raises:
        sqlalchemy.exc.IntegrityError: when the address is taken; the unique index decides a
            race, not a look beforehand.

    """
    connection.execute(INSERT, {column.name: getattr(user, column.name) for column in users.c})


def update_if_unchanged(connection: Connection, /, user: User, **values: str | int) -> bool:
    """Lock the account and write `values` if it is as `user` says: enabled, same password.

    A password takes a tenth of a second to verify, outside any transaction. If it changed
    meanwhile, this returns False: a log-in with the old password never outlives the change.
    """
    written = values or {"id": user.id}
    known = {"user": user.id, "known_hash": user.password_hash}
    return connection.execute(UPDATE_IF_UNCHANGED, {**written, **known}).rowcount == 1


def disable(connection: Connection, user_id: str, now: int) -> None:
    """Disable the account from `now` on."""
    connection.execute(DISABLE, {"user": user_id, "now": now})


def enable(connection: Connection, user_id: str) -> None:
    """Enable the account again; its revoked families stay revoked."""
    connection.execute(ENABLE, {"user": user_id})


def erase(connection: Connection, user_id: str, now: int) -> None:
    """Delete the personal data of the account and free its address.

    The row stays until its families are pruned: the denylist is rebuilt from them.
    """
    values = {"user": user_id, "now": now, "placeholder": f"deleted:{user_id}"}
    connection.execute(ERASE, values)
