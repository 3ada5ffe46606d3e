"""Deleting what is over: families and erased accounts that nothing needs any more.

Every log-in deletes the dead families of its own user, so that no password, however often it is
used, fills the table: 20 live families remain, 20 that ended in theft, and those that ended within
`REVOKED_KEPT_SECONDS`, which the limit of log-ins bounds. The rest waits for the operator's
`flask prune`.
"""

from __future__ import annotations

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

from app.accounts.models import users
from app.families.models import MAX_THEFTS_SHOWN, THEFT_SHOWN_SECONDS, THEFTS, families
from app.infra.clock import Clock
from app.infra.database import Database

BATCH: Final = 500
ENDED_KEPT_SECONDS: Final = 60  # above any clock leeway: until then a last access token is good
# The longest life of an access token and twice the largest leeway, with as much to spare: so long
# the denylist may be rebuilt from the row, see `Entries.write_since`.
REVOKED_KEPT_SECONDS: Final = 900 + 2 * 30 + 60

_now: Final = bindparam("now", type_=BigInteger)
_no_notice: Final = or_(
    families.c.revoked_reason.is_(None),
    families.c.revoked_reason.not_in(sorted(THEFTS)),
    families.c.revoked_at < _now - THEFT_SHOWN_SECONDS,
)
# Whoever has the password can have as many sessions as they like end in theft.
_newest_thefts: Final = (
    select(families.c.family_id)
    .where(families.c.user_id == bindparam("user"), families.c.revoked_reason.in_(sorted(THEFTS)))
    .order_by(families.c.revoked_at.desc(), families.c.family_id)
    .limit(MAX_THEFTS_SHOWN)
)


def _over(
    ended: ColumnElement[bool], no_notice: ColumnElement[bool] = _no_notice
) -> ColumnElement[bool]:
    return and_(or_(ended, families.c.revoked_at < _now - REVOKED_KEPT_SECONDS), no_notice)


# By columns with an index. A family that is only idle for too long has none, and waits.
OVER: Final = (
    select(families.c.family_id)
    .where(
        _over(families.c.absolute_expires_at < _now - ENDED_KEPT_SECONDS),
        families.c.family_id > bindparam("after"),
    )
    .order_by(families.c.family_id)
    .limit(BATCH)
)
DELETE_OVER: Final = delete(families).where(
    families.c.family_id.in_(bindparam("ids", expanding=True))
)
DELETE_OWN: Final = delete(families).where(
    families.c.user_id == bindparam("user"),
    _over(
        families.c.idle_expires_at < _now - REVOKED_KEPT_SECONDS,
        or_(_no_notice, families.c.family_id.not_in(_newest_thefts)),
    ),
)
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
    """What was deleted, what had to stay, and the columns of other tables that refer to it."""

    families: int
    accounts: int
    kept: int
    referring: tuple[str, ...]


@dataclass(frozen=True)
class Pruning:
    """Deletes families and erased accounts, with the parts it needs."""

    database: Database
    clock: Clock

    def prune(self) -> Pruned:
        """Delete, in batches, all that is over.

        Rows of a product's own table may refer to a family or an account. What they refer to
        stays, and everything else is deleted.
        """
        gone, kept = self._delete(OVER, DELETE_OVER)
        erased, still = self._delete(ERASED, DELETE_ERASED)
        kept += still
        return Pruned(gone, erased, kept, self._referring() if kept else ())

    def prune_own(self, user_id: str) -> None:
        """Delete the families of one user that are over, unless other tables refer to them."""
        try:
            self.database.write(_execute, DELETE_OWN, user=user_id, now=self.clock.now())
        except IntegrityError:
            return  # `prune` deletes the others one by one and names the table

    def _delete(self, over: Select[str], deletion: Delete) -> tuple[int, int]:
        gone, kept, after = 0, 0, ""
        while ids := self.database.read(_ids, over, after, self.clock.now()):
            after = ids[-1]
            try:
                gone += self.database.write(_execute, deletion, ids=ids)
            except IntegrityError:
                singly = [self._deleted(deletion, one) for one in ids]
                gone, kept = gone + singly.count(True), kept + singly.count(False)
        return gone, kept

    def _deleted(self, deletion: Delete, one: str) -> bool:
        try:
            self.database.write(_execute, deletion, ids=[one])
        except IntegrityError:
            return False
        return True

    def _referring(self) -> tuple[str, ...]:
        """Name the columns of other tables whose references forbid a deletion."""
        look = inspect(self.database.engine)
        return tuple(
            f"{table}.{column}"
            for table in sorted(look.get_table_names())
            if table != families.name
            for key in look.get_foreign_keys(table)
            if key["referred_table"] in {families.name, users.name}
            and key["options"].get("ondelete", "NO ACTION") in {"NO ACTION", "RESTRICT"}
            for column in key["constrained_columns"]
        )


def _ids(connection: Connection, over: Select[str], after: str, now: int) -> list[str]:
    return list(connection.scalars(over, {"after": after, "now": now}))


def _execute(connection: Connection, /, deletion: Delete, **values: Any) -> int:  # noqa: ANN401 - a row's
    return connection.execute(deletion, values).rowcount
