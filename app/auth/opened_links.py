"""Find the message and the account that a mailed link belongs to, and use the link up."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from app.accounts import queries as accounts
from app.accounts.models import User
from app.auth.dependencies import Auth
from app.errors import InvalidLink
from app.mail import queries as mails
from app.mail.links import parse
from app.mail.models import Kind, Mail


def read(connection: Connection, auth: Auth, token: str, kinds: Collection[Kind]) -> User:
    """Return the enabled account that the link with `token` is for; this does not use it up.

    Raises:
        InvalidLink: when the token is altered, too old or used up, is of another kind than
            `kinds`, or the account is disabled or changed in what the link depends on.

    """
    return _find(connection, auth, token, kinds)[1]


def spend(connection: Connection, auth: Auth, token: str, kinds: Collection[Kind]) -> User:
    """Use the link up and return its account, whose row is locked until the transaction ends.

    Call it in the transaction of the act: of several requests with one link, one succeeds.

    Raises:
        InvalidLink: as `read`.

    """
    mail, user = _find(connection, auth, token, kinds, lock=True)
    if not mails.spend(connection, mail.id, auth.clock.now()):
        raise InvalidLink
    return user


def _find(
    connection: Connection, auth: Auth, token: str, kinds: Collection[Kind], *, lock: bool = False
) -> tuple[Mail, User]:
    link = parse(token)
    mail = mails.find(connection, link.mail_id) if link else None
    if link is None or mail is None or mail.kind not in kinds or mail.user_id is None:
        raise InvalidLink
    find = accounts.find_and_lock if lock else accounts.find
    user = find(connection, mail.user_id)
    if user is None or user.disabled_at is not None:
        raise InvalidLink
    if not auth.links.is_valid(link, mail, user, auth.clock.now()):
        raise InvalidLink
    return mail, user
