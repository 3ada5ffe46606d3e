"""Delete activity that is too old or too much; `app.auth.pruning` calls this.

Rows are kept for `KEPT_SECONDS`, at most 500 of an account. Refusals have a share of their own, so
that somebody who guesses passwords cannot push out what else happened.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
)

from app.accounts.activity import REFUSALS, activity
from app.accounts.models import users
from app.infra.database import Database

KEPT_SECONDS: Final = 90 * 86400
MAX_REFUSALS: Final = 100
MAX_OTHERS: Final = 400
BATCH: Final = 500

_of_user: Final = activity.c.user_id == bindparam("user")
_refused: Final = activity.c.event.in_(REFUSALS)


def _newest(*, refused: bool, limit: int) -> Select[str]:
    return (
        select(activity.c.id)
        .where(_of_user, _refused if refused else ~_refused)
        .order_by(activity.c.at.desc(), activity.c.id.desc())
        .limit(limit)
    )


# Rows of no account were written by workers of a former release, which do not notice a deletion.
PRUNABLE: Final = (
    select(activity.c.id)
    .where(
        or_(
            activity.c.at < bindparam("now", type_=BigInteger) - KEPT_SECONDS,
            and_(
                activity.c.user_id != "",
                activity.c.user_id.not_in(select(users.c.id).where(users.c.deleted_at.is_(None))),
            ),
        ),
        activity.c.id > bindparam("after"),
    )
    .order_by(activity.c.id)
    .limit(BATCH)
)
DELETE_PRUNABLE: Final = delete(activity).where(
    activity.c.id.in_(bindparam("ids", expanding=True))
)
CROWDED: Final = (
    select(activity.c.user_id)
    .where(activity.c.user_id > bindparam("after"))
    .group_by(activity.c.user_id)
    .having(
        or_(
            func.sum(case((_refused, 1), else_=0)) > MAX_REFUSALS,
            func.sum(case((_refused, 0), else_=1)) > MAX_OTHERS,
        )
    )
    .order_by(activity.c.user_id)
    .limit(BATCH)
)
DELETE_SURPLUS: Final = delete(activity).where(
    _of_user,
    activity.c.id.not_in(_newest(refused=True, limit=MAX_REFUSALS)),
    activity.c.id.not_in(_newest(refused=False, limit=MAX_OTHERS)),
)


def trim(database: Database, user_id: str) -> int:
    """Delete the oldest rows of an account that exceed its limits; return how many."""
    return database.write(_delete_surplus, user_id)


def trim_all(database: Database) -> int:
    """Trim every account that exceeds its limits; return how many rows were deleted."""
    deleted, after = 0, ""
    while user_ids := database.read(_crowded, after):
        after = user_ids[-1]
        deleted += sum(trim(database, user_id) for user_id in user_ids)
    return deleted


def _crowded(connection: Connection, after: str) -> list[str]:
    return list(connection.scalars(CROWDED, {"after": after}))


def _delete_surplus(connection: Connection, user_id: str) -> int:
    return connection.execute(DELETE_SURPLUS, {"user": user_id}).rowcount
