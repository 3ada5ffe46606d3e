"""Read and dismiss the notices of theft: families that were revoked because of it.

A notice is shown to the owner for `THEFT_SHOWN_SECONDS`, until it is dismissed or the password
changes, which ends what the thief holds. `app.auth.pruning` deletes the families that are not
shown. All times are seconds, UTC.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Connection, and_, bindparam, or_, select, update

from app.families.models import (
    MAX_THEFTS_SHOWN,
    THEFT_SHOWN_SECONDS,
    THEFTS,
    Family,
    families,
    owners,
)

_shown: Final = and_(
    families.c.user_id == bindparam("user"),
    families.c.revoked_at >= bindparam("since", type_=BigInteger),
    families.c.revoked_at
    >= select(owners.c.password_changed_at)
    .where(owners.c.id == bindparam("user"))
    .scalar_subquery(),
    families.c.revoked_reason.in_(sorted(THEFTS)),
    families.c.dismissed_at.is_(None),
)

# Not, or no longer, shown because of its age or its owner.
NOT_SHOWN: Final = or_(
    families.c.revoked_reason.is_(None),
    families.c.revoked_reason.not_in(sorted(THEFTS)),
    families.c.revoked_at < bindparam("now", type_=BigInteger) - THEFT_SHOWN_SECONDS,
    families.c.dismissed_at.is_not(None),
)
# A limit, because a person with the password can cause any number of thefts.
NEWEST_OF_USER: Final = (
    select(families.c.family_id)
    .where(
        families.c.user_id == bindparam("user"),
        families.c.revoked_reason.in_(sorted(THEFTS)),
        families.c.dismissed_at.is_(None),
    )
    .order_by(families.c.revoked_at.desc(), families.c.family_id)
    .limit(MAX_THEFTS_SHOWN)
)
STOLEN_FAMILIES: Final = (
    select(families)
    .where(_shown)
    .order_by(families.c.revoked_at.desc(), families.c.family_id)
    .limit(MAX_THEFTS_SHOWN)
)
DISMISS: Final = (
    update(families)
    .where(families.c.family_id == bindparam("family"), _shown)
    .values(dismissed_at=bindparam("now"))
)


def stolen_families(connection: Connection, user_id: str, since: int) -> list[Family]:
    """Return the user's families that were revoked for theft at `since` or later and are shown.

    The latest come first, at most `MAX_THEFTS_SHOWN` of them.
    """
    rows = connection.execute(STOLEN_FAMILIES, {"user": user_id, "since": since})
    return [Family(*row) for row in rows]


def dismiss(connection: Connection, user_id: str, family_id: str, since: int, now: int) -> bool:
    """Show a theft no longer; return whether it was one of the user's that was shown."""
    values = {"user": user_id, "family": family_id, "since": since, "now": now}
    return connection.execute(DISMISS, values).rowcount == 1
