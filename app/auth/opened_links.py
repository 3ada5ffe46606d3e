"""Find the message, and the account, that a mailed link belongs to, and use the link up."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from app.accounts import queries as accounts
from app.accounts.models import User
from app.auth.dependencies import Auth
from app.errors import InvalidLink
from app.families import revocation
from app.families.models import Reason, RevokedFamily
from app.mail import link_queries
from app.mail import queries as mails
from app.mail.links import Link, parse
from app.mail.models import Kind, Mail


def read(connection: Connection, auth: Auth, token: str, kinds: Collection[Kind]) -> User:
    """Return the enabled account that the link with `token` is for; this does not use it up.

    Raises:
        InvalidLink: when the token is altered, too old or used up, is of another kind than
            `kinds`, or the account is disabled or changed in what the link depends on.

    """
    return _find(connection, auth, token, kinds)[1]


def read_address(connection: Connection, auth: Auth, token: str, kinds: Collection[Kind]) -> str:
    """Return the address to which the link was mailed; this does not use it up.

    Raises:
        InvalidLink: as `read`.

    """
    return _find(connection, auth, token, kinds)[0].address


def read_mail(connection: Connection, auth: Auth, token: str, kinds: Collection[Kind]) -> Mail:
    """Return the message about no account that the link with `token` is in.

    Raises:
        InvalidLink: when the token is altered, too old or used up, or of another kind than
            `kinds`.

    """
    link, mail = _parse(connection, token, kinds)
    if not auth.links.is_valid(link, mail, None, auth.clock.now()):
        raise InvalidLink
    return mail


def spend_with_siblings(connection: Connection, mail: Mail, now: int) -> None:
    """Use up the link of `mail`, and every other of its kind for its address.

    The caller lets one transaction at a time come here for an address.

    Raises:
        InvalidLink: when the link was used up since it was read.

    """
    if not link_queries.spend(connection, mail.id, now):
        raise InvalidLink
    link_queries.spend_all(connection, mail.kind, mail.address, now)


def replace_password(
    connection: Connection, auth: Auth, token: str, kinds: Collection[Kind], password_hash: str
) -> tuple[User, list[RevokedFamily]]:
    """Use the link up, replace the password of its account, and revoke every family.

    Returns the account with the new password, and the families. This is one transaction, which
    locks the account's row: of several requests with one link, one succeeds.

    Raises:
        InvalidLink: as `read`.

    """
    _, user = spend(connection, auth, token, kinds)
    now = auth.clock.now()
    changed = user.with_password(password_hash, now)
    return changed, write_password(connection, changed, now)


def spend(
    connection: Connection, auth: Auth, token: str, kinds: Collection[Kind]
) -> tuple[Mail, User]:
    """Use the link up; return its message, and its account, whose row is locked from now on.

    Of several requests with one link, one succeeds.

    Raises:
        InvalidLink: as `read`.

    """
    mail, user = _find(connection, auth, token, kinds, lock=True)
    if not link_queries.spend(connection, mail.id, auth.clock.now()):
        raise InvalidLink
    return mail, user


def write_password(connection: Connection, changed: User, now: int) -> list[RevokedFamily]:
    """Store the password of `changed`, whose row is locked, and revoke all of its families."""
    accounts.write_password(connection, changed)
    return revocation.revoke_user(connection, changed.id, Reason.PASSWORD_CHANGED, now)


def _find(
    connection: Connection, auth: Auth, token: str, kinds: Collection[Kind], *, lock: bool = False
) -> tuple[Mail, User]:
    link, mail = _parse(connection, token, kinds)
    find = accounts.find_and_lock if lock else accounts.find
    user = find(connection, mail.user_id) if mail.user_id else None
    if user is None or user.disabled_at is not None:
        raise InvalidLink
    if not auth.links.is_valid(link, mail, user, auth.clock.now()):
        raise InvalidLink
    return mail, user


def _parse(connection: Connection, token: str, kinds: Collection[Kind]) -> tuple[Link, Mail]:
    link = parse(token)
    mail = mails.find(connection, link.mail_id) if link else None
    if link is None or mail is None or mail.kind not in kinds:
        raise InvalidLink
    return link, mail
