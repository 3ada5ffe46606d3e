"""Read what happened to one's own account, page after page. Nothing here writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, Connection, Integer, String, bindparam, select, tuple_

from app.accounts.activity import Activity, Event, activity
from app.accounts.activity_retention import KEPT_SECONDS
from app.auth.dependencies import Auth

END_OF_TIME: Final = 2**62

_position: Final = tuple_(activity.c.at, activity.c.id)
# Rows never change their place, so a page begins where the former one ended, whatever was inserted
# meanwhile. A newer release may have written events that this one cannot name.
PAGE: Final = (
    select(activity)
    .where(
        activity.c.user_id == bindparam("user"),
        activity.c.at >= bindparam("since", type_=BigInteger),
        _position < tuple_(bindparam("at", type_=BigInteger), bindparam("id", type_=String)),
        activity.c.event.in_(sorted(Event)),
    )
    .order_by(activity.c.at.desc(), activity.c.id.desc())
    .limit(bindparam("limit", type_=Integer))
)


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """Some rows, the newest first, and the cursor of the next page; None on the last one."""

    rows: list[Activity]
    older: str | None


def activity_page(auth: Auth, user_id: str, limit: int, before: str | None = None) -> ActivityPage:
    """Return the newest `limit` rows of the user, or those before the cursor `before`.

    A cursor is the `older` of another page: the time and the id of its last row.
    """
    at, _, row_id = (before or f"{END_OF_TIME}.").partition(".")
    since = auth.clock.now() - KEPT_SECONDS
    rows = auth.database.read(_rows, user_id, since, int(at), row_id, limit + 1)
    shown = rows[:limit]
    last = shown[-1] if len(rows) > limit else None
    return ActivityPage(shown, f"{last.at}.{last.id}" if last else None)


def _rows(  # noqa: PLR0913, PLR0917 - the parameters of the statement
    connection: Connection, user_id: str, since: int, at: int, row_id: str, limit: int
) -> list[Activity]:
    values = {"user": user_id, "since": since, "at": at, "id": row_id, "limit": limit}
    return [Activity(*row) for row in connection.execute(PAGE, values)]
