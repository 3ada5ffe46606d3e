"""Delete the families of an account that is deleted; `app.auth.deletion` calls this.

The denylist may have to be rebuilt while an access token of such a family could still be valid.
For that long, the table `erased_families` keeps the family's id, which is random, and two times.
All times are seconds, UTC.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Connection, bindparam, delete, insert, select

from app.families.models import RevokedFamily, erased_families, families

_of_user: Final = families.c.user_id == bindparam("user")

KEEP: Final = insert(erased_families).from_select(
    ["family_id", "last_used_at", "erased_at"],
    select(
        families.c.family_id, families.c.last_used_at, bindparam("now", type_=BigInteger)
    ).where(_of_user),
)
DELETE: Final = delete(families).where(_of_user)
ERASED_SINCE: Final = select(erased_families.c.family_id, erased_families.c.last_used_at).where(
    erased_families.c.erased_at >= bindparam("since"),
    erased_families.c.last_used_at >= bindparam("issued_since"),
)
DELETE_OLD: Final = delete(erased_families).where(
    erased_families.c.erased_at < bindparam("before")
)


def erase_families(connection: Connection, user_id: str, now: int) -> None:
    """Delete all families of an account, which the caller has revoked in this transaction.

    Raises:
        sqlalchemy.exc.IntegrityError: when a product's table refers to one of them.

    """
    connection.execute(KEEP, {"user": user_id, "now": now})
    connection.execute(DELETE, {"user": user_id})


def erased_since(connection: Connection, since: int, issued_since: int) -> list[RevokedFamily]:
    """Return the families that were erased at `since` or later.

    Those whose newest access token was issued before `issued_since` are left out: it has expired.
    """
    rows = connection.execute(ERASED_SINCE, {"since": since, "issued_since": issued_since})
    return [RevokedFamily(*row) for row in rows]


def delete_older(connection: Connection, before: int) -> int:
    """Forget the families that were erased before `before`; return how many."""
    return connection.execute(DELETE_OLD, {"before": before}).rowcount
