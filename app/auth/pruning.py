"""Delete families and activity that are no longer needed.

`app.auth.login` prunes the user's own families at each log-in, so that nobody fills the table by
logging in over and over: a user has at most 20 active families, 20 that were revoked for theft,
and those that ended within `REVOKED_KEPT_SECONDS`, which the limit on log-ins bounds. One log-in
in `LOG_INS_PER_TRIM` also trims the user's activity. The command `flask prune` deletes all other
rows.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Delete,
    Select,
    and_,
    bindparam,
    delete,
    inspect,
    or_,
    select,
)
from sqlalchemy.exc import IntegrityError

from app.accounts import activity_retention as activity
from app.accounts.models import users
from app.families import erasure
from app.families.models import families
from app.families.thefts import NEWEST_OF_USER, NOT_SHOWN
from app.infra.clock import Clock
from app.infra.database import Database
from app.mail import queries as mails
from app.mail.links import DAY, MAX_LIFETIME

BATCH: Final = 500
LOG_INS_PER_TRIM: Final = 50
# Above any clock leeway: within the leeway, the last access token is still accepted.
ENDED_KEPT_SECONDS: Final = 60
# The longest lifetime of an access token, twice the largest leeway, and a minute to spare. For
# this long the denylist may be rebuilt from the row, see `Entries.write_since`.
REVOKED_KEPT_SECONDS: Final = 900 + 2 * 30 + 60
# Nobody tries for longer than a day to send a message, and its link expires after that.
MAILS_KEPT_SECONDS: Final = MAX_LIFETIME + 2 * DAY

_now: Final = bindparam("now", type_=BigInteger)


def _prunable(
    expired: ColumnElement[bool], not_shown: ColumnElement[bool] = NOT_SHOWN
) -> ColumnElement[bool]:
    return and_(or_(expired, families.c.revoked_at < _now - REVOKED_KEPT_SECONDS), not_shown)


# Only columns with an index are compared. `idle_expires_at` has none, so a family whose idle
# lifetime is over stays until its absolute one is.
PRUNABLE: Final = (
    select(families.c.family_id)
    .where(
        _prunable(families.c.absolute_expires_at < _now - ENDED_KEPT_SECONDS),
        families.c.family_id > bindparam("after"),
    )
    .order_by(families.c.family_id)
    .limit(BATCH)
)
DELETE_PRUNABLE: Final = delete(families).where(
    families.c.family_id.in_(bindparam("ids", expanding=True))
)
DELETE_PRUNABLE_OF_USER: Final = delete(families).where(
    families.c.user_id == bindparam("user"),
    _prunable(
        families.c.idle_expires_at < _now - REVOKED_KEPT_SECONDS,
        or_(NOT_SHOWN, families.c.family_id.not_in(NEWEST_OF_USER)),
    ),
)
# A former release kept the row of a deleted account until its families were pruned.
ERASED: Final = (
    select(users.c.id)
    .where(
        users.c.deleted_at.is_not(None),
        users.c.id.not_in(select(families.c.user_id)),
        users.c.id > bindparam("after"),
    )
    .order_by(users.c.id)
    .limit(BATCH)
)
DELETE_ERASED: Final = delete(users).where(users.c.id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many families, accounts, mails and rows of activity were deleted, or could not be.

    `blocked` counts the rows that rows of other tables refer to. `referring_columns` are the
    columns of those references, as `table.column`; empty when nothing was blocked.
    """

    families: int
    accounts: int
    blocked: int
    referring_columns: tuple[str, ...]
    activity: int = 0
    mails: int = 0


@dataclass(frozen=True)
class Pruning:
    """Deletes families and activity that are no longer needed."""

    database: Database
    clock: Clock

    def prune(self) -> Pruned:
        """Delete all prunable activity and families, in batches, and what stayed of accounts.

        Messages are deleted when their links have expired, and nobody tries to send them any more.
        A row that a product's table refers to is not deleted; all others are.
        """
        deleted_activity = self._delete(activity.PRUNABLE, activity.DELETE_PRUNABLE)[0]
        deleted_activity += activity.trim_all(self.database)
        deleted_families, blocked_families = self._delete(PRUNABLE, DELETE_PRUNABLE)
        deleted_accounts, blocked_accounts = self._delete(ERASED, DELETE_ERASED)
        blocked = blocked_families + blocked_accounts
        columns = self._referring_columns() if blocked else ()
        now = self.clock.now()
        self.database.write(erasure.delete_older, now - REVOKED_KEPT_SECONDS)
        return Pruned(
            families=deleted_families,
            accounts=deleted_accounts,
            blocked=blocked,
            referring_columns=columns,
            activity=deleted_activity,
            mails=self.database.write(mails.delete_older, now - MAILS_KEPT_SECONDS),
        )

    def prune_user(self, user_id: str) -> None:
        """Delete the prunable families of one user, or none when another table refers to one.

        Once in `LOG_INS_PER_TRIM` calls, the user's surplus activity is deleted too.
        """
        if secrets.randbelow(LOG_INS_PER_TRIM) == 0:
            activity.trim(self.database, user_id)
        values = {"user": user_id, "now": self.clock.now()}
        try:
            self.database.write(_execute, DELETE_PRUNABLE_OF_USER, **values)
        except IntegrityError:
            return  # `prune` deletes them one by one and names the referring columns

    def _delete(self, candidates: Select[str], deletion: Delete) -> tuple[int, int]:
        """Return how many rows were deleted, and how many could not be."""
        deleted, blocked, after = 0, 0, ""
        while ids := self.database.read(_ids, candidates, after, self.clock.now()):
            after = ids[-1]
            try:
                deleted += self.database.write(_execute, deletion, ids=ids)
            except IntegrityError:
                results = [self._delete_one(deletion, row_id) for row_id in ids]
                deleted, blocked = deleted + results.count(True), blocked + results.count(False)
        return deleted, blocked

    def _delete_one(self, deletion: Delete, row_id: str) -> bool:
        try:
            self.database.write(_execute, deletion, ids=[row_id])
        except IntegrityError:
            return False
        return True

    def _referring_columns(self) -> tuple[str, ...]:
        """Return the columns of other tables whose foreign keys forbid a deletion."""
        inspector = inspect(self.database.engine)
        return tuple(
            f"{table}.{column}"
            for table in sorted(inspector.get_table_names())
            if table != families.name
            for key in inspector.get_foreign_keys(table)
            if key["referred_table"] in {families.name, users.name}
            and key["options"].get("ondelete", "NO ACTION") in {"NO ACTION", "RESTRICT"}
            for column in key["constrained_columns"]
        )


def _ids(connection: Connection, candidates: Select[str], after: str, now: int) -> list[str]:
    return list(connection.scalars(candidates, {"after": after, "now": now}))


def _execute(connection: Connection, /, deletion: Delete, **values: Any) -> int:  # noqa: ANN401 - values of any column
    return connection.execute(deletion, values).rowcount
