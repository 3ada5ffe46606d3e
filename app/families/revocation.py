"""Revoke families; the stories of `app.auth` call this. All times are seconds, UTC.

Each function is one UPDATE and returns the families that it revoked. The caller commits and then
passes them to `Denylist.deny`. A family that was revoked before is not returned, so each
revocation is denied and recorded exactly once.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, select, true, update
from sqlalchemy.sql.dml import ReturningUpdate

from app.families.models import Family, Reason, RevokedFamily, families
from app.families.queries import ACTIVE, LATEST_USED

MAX_FAMILIES: Final = 20


def _revoke(condition: ColumnElement[bool]) -> ReturningUpdate[Any]:
    return (
        update(families)
        .where(condition, families.c.revoked_at.is_(None))
        .values(
            revoked_at=bindparam("now"),
            revoked_reason=bindparam("reason"),
            revoked_ip=bindparam("from_ip"),
        )
        .returning(
            families.c.family_id,
            families.c.last_used_at,
            families.c.user_id,
            families.c.user_agent,
        )
    )


_family: Final = families.c.family_id == bindparam("family")
_user: Final = families.c.user_id == bindparam("user")
_others: Final = and_(_user, ACTIVE, families.c.family_id != bindparam("family"))
_latest: Final = (
    select(families.c.family_id).where(_others).order_by(*LATEST_USED).limit(MAX_FAMILIES - 1)
)

REVOKE_FAMILY: Final = _revoke(_family)
REVOKE_FAMILY_OF_USER: Final = _revoke(and_(_family, _user))
REVOKE_USER: Final = _revoke(_user)
REVOKE_ALL: Final = _revoke(true())
REVOKE_EXCESS: Final = _revoke(and_(_others, families.c.family_id.not_in(_latest)))


def revoke_family(
    connection: Connection, family_id: str, reason: Reason, now: int, ip: str = ""
) -> list[RevokedFamily]:
    """Revoke one family; `ip` is the address of the request that caused it, for the owner."""
    return _run(connection, REVOKE_FAMILY, reason, now, ip, family=family_id)


def revoke_family_of_user(
    connection: Connection, user_id: str, family_id: str, reason: Reason, now: int
) -> list[RevokedFamily]:
    """Revoke one family if it belongs to the user, otherwise none."""
    return _run(connection, REVOKE_FAMILY_OF_USER, reason, now, family=family_id, user=user_id)


def revoke_user(
    connection: Connection, user_id: str, reason: Reason, now: int
) -> list[RevokedFamily]:
    """Revoke every family of a user."""
    return _run(connection, REVOKE_USER, reason, now, user=user_id)


def revoke_all(connection: Connection, reason: Reason, now: int) -> list[RevokedFamily]:
    """Revoke every family of every user."""
    return _run(connection, REVOKE_ALL, reason, now)


def revoke_excess(connection: Connection, newest: Family, now: int) -> list[RevokedFamily]:
    """Revoke the user's families that exceed the limit of `MAX_FAMILIES` active ones.

    `newest` and the others that were used last stay.
    """
    user, family = newest.user_id, newest.family_id
    return _run(connection, REVOKE_EXCESS, Reason.REPLACED, now, user=user, family=family)


def _run(
    connection: Connection,
    statement: ReturningUpdate[Any],
    reason: Reason,
    now: int,
    ip: str = "",
    **ids: str,
) -> list[RevokedFamily]:
    values = {"reason": reason, "now": now, "from_ip": ip or None, **ids}
    return [RevokedFamily(*row) for row in connection.execute(statement, values)]
