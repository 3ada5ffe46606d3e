"""What happened to each account, for its owner: the table, its rows and its statements.

`app.auth` inserts a row where it writes the line of the audit record. `activity_retention` deletes
what is too old or too much. All times are seconds, UTC.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    delete,
    insert,
    or_,
    select,
)

# The clause ON CONFLICT of this INSERT is the same in SQLite.
from sqlalchemy.dialects.postgresql import insert as upsert

from app.accounts.queries import ACCOUNT_EXISTS
from app.infra.audit import MAX_USER_AGENT_LENGTH
from app.infra.database import metadata

HOUR: Final = 3600
STRANGERS: Final = 256
ID_BYTES: Final = 16


class Event(StrEnum):
    """What happened, in the words of the audit record (docs/operations.md).

    `REFRESH_REFUSED` is here only for theft, which ended the session.
    """

    REGISTERED = "registered"
    LOGGED_IN = "logged_in"
    LOG_IN_REFUSED = "log_in_refused"
    LOGGED_OUT = "logged_out"
    LOGGED_OUT_EVERYWHERE = "logged_out_everywhere"
    SESSION_ENDED = "session_ended"
    SESSION_REPLACED = "session_replaced"
    SESSIONS_REVOKED = "sessions_revoked"
    REFRESH_REFUSED = "refresh_refused"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - an event, not a password
    PASSWORD_CHANGE_REFUSED = "password_change_refused"  # noqa: S105 - likewise
    REAUTHENTICATION_REFUSED = "reauthentication_refused"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - likewise
    ACCOUNT_SECURED = "account_secured"
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    EMAIL_CHANGED = "email_changed"
    EMAIL_CHANGE_UNDONE = "email_change_undone"
    THEFT_DISMISSED = "theft_dismissed"
    DATA_EXPORTED = "data_exported"
    USER_DISABLED = "user_disabled"
    USER_ENABLED = "user_enabled"


# These are counted by the hour.
REFUSALS: Final = (
    Event.LOG_IN_REFUSED,
    Event.PASSWORD_CHANGE_REFUSED,
    Event.REAUTHENTICATION_REFUSED,
)

# `user_id` is no foreign key, because refused log-ins of strangers are counted here too.
activity: Final = Table(
    "activity",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", String(32), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("event", String(32), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("sid", String(32), nullable=False),
    Column("ip", String(45), nullable=False),
    Column("user_agent", String(MAX_USER_AGENT_LENGTH), nullable=False),
    Column("session_user_agent", String(MAX_USER_AGENT_LENGTH), nullable=False),
    Column("count", Integer, nullable=False),
    Index("ix_activity_user_id_at", "user_id", "at"),
)


@dataclass(frozen=True, slots=True)
class Activity:
    """One row; a text is empty when it is not known or does not apply.

    - `sid` is the session that it is about, and `session_user_agent` the browser of that session
      where another one may have ended it.
    - `ip` and `user_agent` are those of the request that caused it.
    - `count` is how many refusals the row stands for, or how many sessions ended; else 0.
    - `at` never changes, so that nobody who reads page after page misses a row. For refusals it is
      the time of the first, and the address and the browser are those of the last.
    """

    id: str
    user_id: str
    at: int
    event: str
    reason: str = ""
    sid: str = ""
    ip: str = ""
    user_agent: str = ""
    session_user_agent: str = ""
    count: int = 0


_upsert: Final = upsert(activity).from_select(
    [column.name for column in activity.c],
    select(*(bindparam(column.name, type_=column.type) for column in activity.c)).where(
        or_(bindparam("user_id", type_=String) == "", ACCOUNT_EXISTS)
    ),
)

INSERT: Final = insert(activity)
COUNT_REFUSAL: Final = _upsert.on_conflict_do_update(
    index_elements=[activity.c.id],
    set_={
        "count": activity.c["count"] + 1,
        "sid": _upsert.excluded.sid,
        "ip": _upsert.excluded.ip,
        "user_agent": _upsert.excluded.user_agent,
    },
)
DELETE_OF_USER: Final = delete(activity).where(activity.c.user_id == bindparam("user"))


def insert_rows(connection: Connection, rows: Sequence[Activity]) -> None:
    """Store new rows, in the transaction of what they report.

    That transaction has locked the account or the session that each row is about, so that no
    deletion of the account can miss the row.
    """
    if rows:
        connection.execute(INSERT, [asdict(row) for row in rows])


def count_refusal(connection: Connection, row: Activity, email_key: str) -> None:
    """Count a refusal: a row of its event, account and hour is stored, or counts one more.

    A row without an account, for a log-in at the address `email_key`, is stored as one of
    `STRANGERS` rows that nobody reads and that name nobody. So it takes as long as any other, and
    no number of addresses fills the table.
    """
    if row.user_id:
        counted = replace(row, id=_id_of(row.event, row.user_id, row.at // HOUR), count=1)
    else:
        number = zlib.crc32(email_key.encode("utf-8", "surrogatepass")) % STRANGERS
        counted = Activity(_id_of(row.event, "", number), "", row.at, row.event, count=1)
    connection.execute(COUNT_REFUSAL, asdict(counted))


def _id_of(event: str, user_id: str, number: int) -> str:
    """Return an id that looks like any other and is the same for the same arguments."""
    digest = hashlib.sha256(f"{event} {user_id} {number}".encode()).digest()
    return base64.urlsafe_b64encode(digest[:ID_BYTES]).decode().rstrip("=")


def delete_of_user(connection: Connection, user_id: str) -> None:
    """Delete all rows of an account, in the transaction that deletes it."""
    connection.execute(DELETE_OF_USER, {"user": user_id})
