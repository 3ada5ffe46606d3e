"""Read and insert families. Each statement is a constant with bound parameters.

`rotation`, `revocation`, `auth_time` and `thefts` have the statements that update a family. All
times are seconds, UTC.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Connection, and_, bindparam, exists, select
from sqlalchemy import insert as insert_into

from app.families.models import Family, RevokedFamily, families, owners

_family: Final = families.c.family_id == bindparam("family")
_user: Final = families.c.user_id == bindparam("user")

ENABLED: Final = exists().where(owners.c.id == families.c.user_id, owners.c.disabled_at.is_(None))
ACTIVE: Final = and_(
    families.c.revoked_at.is_(None),
    families.c.idle_expires_at > bindparam("now", type_=BigInteger),
)
LATEST_USED: Final = (families.c.last_used_at.desc(), families.c.created_at.desc())

INSERT: Final = insert_into(families)
FIND: Final = select(families).where(_family)
IS_ACTIVE: Final = select(families.c.family_id).where(
    _family, families.c.revoked_at.is_(None), ENABLED
)
REVOKED_SINCE: Final = select(families.c.family_id, families.c.last_used_at).where(
    families.c.revoked_at >= bindparam("since"),
    families.c.last_used_at >= bindparam("issued_since"),
)
IDS_OF_USER: Final = select(families.c.family_id).where(_user)
ACTIVE_FAMILIES: Final = select(families).where(_user, ACTIVE).order_by(*LATEST_USED)


def insert(connection: Connection, family: Family) -> None:
    """Store a new family."""
    row = {column.name: getattr(family, column.name) for column in families.c}
    connection.execute(INSERT, row)


def find(connection: Connection, family_id: str) -> Family | None:
    """Return one family, also when it is revoked or expired; None when there is none."""
    row = connection.execute(FIND, {"family": family_id}).one_or_none()
    return Family(*row) if row else None


def is_active(connection: Connection, family_id: str) -> bool:
    """Return whether the family is not revoked and its user is enabled.

    The family's expiry is not checked, because each access token has its own.
    """
    return connection.execute(IS_ACTIVE, {"family": family_id}).first() is not None


def active_families(connection: Connection, user_id: str, now: int) -> list[Family]:
    """Return the user's families that are neither revoked nor expired, the latest used first."""
    rows = connection.execute(ACTIVE_FAMILIES, {"user": user_id, "now": now})
    return [Family(*row) for row in rows]


def ids_of_user(connection: Connection, user_id: str) -> list[str]:
    """Return the ids of all families of the user, also of those that are revoked or expired."""
    return list(connection.scalars(IDS_OF_USER, {"user": user_id}))


def revoked_since(connection: Connection, since: int, issued_since: int) -> list[RevokedFamily]:
    """Return the families that were revoked at `since` or later.

    Those whose newest access token was issued before `issued_since` are left out: it has expired.
    """
    rows = connection.execute(REVOKED_SINCE, {"since": since, "issued_since": issued_since})
    return [RevokedFamily(*row) for row in rows]
