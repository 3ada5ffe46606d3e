"""Use up the links of messages. Each statement is a constant with bound parameters.

A link that is used up opens nothing, and one whose message still waits is not sent.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Connection, bindparam, func, update
from sqlalchemy.sql.dml import Update

from app.mail.models import Kind, mails


def _spend(*conditions: ColumnElement[bool]) -> Update:
    unspent = mails.c.spent_at.is_(None)
    return update(mails).where(*conditions, unspent).values(spent_at=bindparam("now"))


_of_user: Final = mails.c.user_id == bindparam("user")
_of_kind: Final = mails.c.kind == bindparam("of_kind")

SPEND: Final = _spend(mails.c.id == bindparam("mail"))
SPEND_ALL: Final = _spend(mails.c.address == bindparam("to"), _of_kind)
SPEND_OTHERS: Final = _spend(_of_user, _of_kind, mails.c.address != bindparam("but_to"))
SPEND_LATER: Final = _spend(
    _of_user, func.coalesce(mails.c.email_epoch, 0) > bindparam("epoch", type_=BigInteger)
)


def spend(connection: Connection, mail_id: str, now: int) -> bool:
    """Use up the link of a message; return False when it was used before."""
    return _run(connection, SPEND, now, mail=mail_id) == 1


def spend_all(connection: Connection, kind: str, address: str, now: int) -> None:
    """Use up every link of that kind that was mailed to `address`, or still waits to be."""
    _run(connection, SPEND_ALL, now, to=address, of_kind=kind)


def spend_others(connection: Connection, user_id: str, kind: Kind, but_to: str, now: int) -> None:
    """Use up the account's links of that kind, except those to the address `but_to`."""
    _run(connection, SPEND_OTHERS, now, user=user_id, of_kind=kind, but_to=but_to)


def spend_later(connection: Connection, user_id: str, email_epoch: int, now: int) -> None:
    """Use up the account's links that were written after a later change of its address.

    Whoever undoes that change calls this: those links went to an address that is not the owner's.
    """
    _run(connection, SPEND_LATER, now, user=user_id, epoch=email_epoch)


def _run(connection: Connection, statement: Update, now: int, **values: Any) -> int:  # noqa: ANN401 - of any column
    return connection.execute(statement, {"now": now, **values}).rowcount
