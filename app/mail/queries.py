"""Read and write the outbox. Each statement is a constant with bound parameters.

All times are seconds, UTC. `claim` is what makes several workers send each message once: it is
one conditional UPDATE, and the row that it returns belongs to the caller until the lease ends.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    String,
    and_,
    bindparam,
    func,
    null,
    or_,
    select,
    update,
)
from sqlalchemy import delete as delete_from
from sqlalchemy import insert as insert_into
from sqlalchemy.sql.dml import ReturningUpdate

from app.accounts.queries import ACCOUNT_EXISTS
from app.mail.models import Kind, Mail, mails

_now: Final = bindparam("now", type_=BigInteger)
_mail: Final = mails.c.id == bindparam("mail")
_is_due: Final = mails.c.next_try_at <= _now
_is_old: Final = and_(_is_due, mails.c.created_at < bindparam("before", type_=BigInteger))


def _claim(condition: ColumnElement[bool]) -> ReturningUpdate[Any]:
    first = (
        select(mails.c.id)
        .where(condition)
        .order_by(mails.c.next_try_at, mails.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)  # on PostgreSQL; SQLite has one writer at a time
        .scalar_subquery()
    )
    return (
        update(mails)
        .where(mails.c.id == first, condition)
        .values(next_try_at=bindparam("lease_ends_at"), tries=mails.c.tries + 1)
        .returning(*mails.c)
    )


INSERT: Final = insert_into(mails).from_select(
    [column.name for column in mails.c],
    select(*(bindparam(column.name, type_=column.type) for column in mails.c)).where(
        or_(bindparam("user_id", type_=String).is_(None), ACCOUNT_EXISTS)
    ),
)
FIND: Final = select(mails).where(_mail)
ANY_DUE: Final = select(mails.c.id).where(_is_due).limit(1)
CLAIM: Final = _claim(_is_due)
CLAIM_OLD: Final = _claim(_is_old)
MARK_SENT: Final = update(mails).where(_mail).values(sent_at=_now, next_try_at=null())
POSTPONE: Final = (
    update(mails).where(_mail).values(next_try_at=bindparam("try_at"), failure=bindparam("reason"))
)
GIVE_UP: Final = (
    update(mails)
    .where(_mail)
    .values(failed_at=_now, next_try_at=null(), failure=bindparam("reason"))
)
GIVE_UP_LAST: Final = GIVE_UP.values(address="", ip="", user_agent="")
WAITING: Final = select(func.count(), func.min(mails.c.created_at)).where(
    mails.c.next_try_at.is_not(None)
)
FAILED: Final = select(func.count()).where(mails.c.failed_at >= bindparam("since"))
UNSENT: Final = (
    select(mails)
    .where(or_(mails.c.next_try_at.is_not(None), mails.c.failed_at.is_not(None)))
    .order_by(mails.c.created_at.desc(), mails.c.id)
    .limit(bindparam("limit"))
)
DELETE_OLD: Final = delete_from(mails).where(mails.c.created_at < bindparam("before"))
DELETE: Final = delete_from(mails).where(_mail)
# An address may also have messages about another account, which belong to that account.
DELETE_OF_USER: Final = delete_from(mails).where(
    or_(
        mails.c.user_id == bindparam("user"),
        and_(mails.c.address == bindparam("address"), mails.c.user_id.is_(None)),
    )
)


def insert(connection: Connection, mail: Mail) -> None:
    """Store a message, unless it is about an account that does not exist any more."""
    connection.execute(INSERT, {column.name: getattr(mail, column.name) for column in mails.c})


def find(connection: Connection, mail_id: str) -> Mail | None:
    """Return the message with that id; None when there is none."""
    row = connection.execute(FIND, {"mail": mail_id}).one_or_none()
    return Mail(*row) if row else None


def any_due(connection: Connection, now: int) -> bool:
    """Return whether a message may be sent now. This takes no lock, so it may be asked often."""
    return connection.execute(ANY_DUE, {"now": now}).first() is not None


def claim(connection: Connection, now: int, lease_ends_at: int) -> Mail | None:
    """Take the message that is due first, so that no other worker sends it before the lease ends.

    None when no message is due.
    """
    values = {"now": now, "lease_ends_at": lease_ends_at}
    row = connection.execute(CLAIM, values).one_or_none()
    return Mail(*row) if row else None


def claim_older(connection: Connection, before: int, now: int) -> Mail | None:
    """Take a message that is due and was written before `before`, to give it up."""
    values = {"now": now, "before": before, "lease_ends_at": now + 1}
    row = connection.execute(CLAIM_OLD, values).one_or_none()
    return Mail(*row) if row else None


def mark_sent(connection: Connection, mail: Mail, now: int) -> None:
    """Note that the mail server has accepted the message.

    The message that an account was deleted is deleted itself, because it has the address.
    """
    if mail.kind == Kind.ACCOUNT_DELETED:
        connection.execute(DELETE, {"mail": mail.id})
    else:
        connection.execute(MARK_SENT, {"mail": mail.id, "now": now})


def postpone(connection: Connection, mail_id: str, try_at: int, reason: str) -> None:
    """Let the message be tried again at `try_at`."""
    connection.execute(POSTPONE, {"mail": mail_id, "try_at": try_at, "reason": reason})


def give_up(connection: Connection, mail: Mail, now: int, reason: str) -> None:
    """Note that the message will not be sent, and why.

    Of the message that an account was deleted, nothing about the person stays.
    """
    statement = GIVE_UP_LAST if mail.kind == Kind.ACCOUNT_DELETED else GIVE_UP
    connection.execute(statement, {"mail": mail.id, "now": now, "reason": reason})


def waiting(connection: Connection) -> tuple[int, int | None]:
    """Return how many messages wait to be sent, and when the oldest of them was written."""
    count, oldest = connection.execute(WAITING).one()
    return count, oldest


def failed_since(connection: Connection, since: int) -> int:
    """Return how many messages were given up at `since` or later."""
    return int(connection.execute(FAILED, {"since": since}).scalar_one())


def unsent(connection: Connection, limit: int) -> list[Mail]:
    """Return the messages that wait or were given up, the newest first, at most `limit`."""
    return [Mail(*row) for row in connection.execute(UNSENT, {"limit": limit})]


def delete_older(connection: Connection, before: int) -> int:
    """Delete the messages that were written before `before`; return how many."""
    return connection.execute(DELETE_OLD, {"before": before}).rowcount


def delete_of_user(connection: Connection, user_id: str, address: str) -> None:
    """Delete the messages about an account, and those to its address that are about none."""
    connection.execute(DELETE_OF_USER, {"user": user_id, "address": address})
