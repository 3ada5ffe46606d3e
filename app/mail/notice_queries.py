"""Store a notice unless its reader was told: one INSERT, a constant with bound parameters."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Connection, and_, bindparam, exists, func, insert, select

from app.mail.models import MAX_A_DAY, Mail, mails

_alike: Final = and_(
    mails.c.user_id == bindparam("user_id"),
    mails.c.kind == bindparam("kind"),
    mails.c.password_epoch == bindparam("password_epoch"),
    mails.c.created_at > bindparam("since", type_=BigInteger),
)
_by_the_same_client: Final = and_(
    _alike,
    mails.c.ip == bindparam("ip"),
    mails.c.user_agent == bindparam("user_agent"),
)

INSERT_UNLESS_TOLD: Final = insert(mails).from_select(
    [column.name for column in mails.c],
    select(*(bindparam(column.name, type_=column.type) for column in mails.c)).where(
        ~exists().where(_by_the_same_client),
        select(func.count()).where(_alike).scalar_subquery() < MAX_A_DAY,
    ),
)


def insert_unless_told(connection: Connection, mail: Mail, since: int) -> None:
    """Store a message unless its reader was told since `since` (seconds, UTC).

    They were when there is one of the same kind about the same client, which is its network
    address and its User-Agent, or when there are `MAX_A_DAY` of that kind. Those from before the
    last change of the password do not count.
    """
    values = {column.name: getattr(mail, column.name) for column in mails.c}
    connection.execute(INSERT_UNLESS_TOLD, {**values, "since": since})
