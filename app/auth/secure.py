"""Take an account back from a thief, with the link of a notice.

It needs no log-in, because the thief may have changed the password. The account gets back the
address to which the notice was mailed, because the thief may have changed that too.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app.accounts import queries as accounts
from app.accounts.activity import Event
from app.accounts.models import User
from app.auth import opened_links
from app.auth.dependencies import Auth
from app.auth.happened import Happened
from app.errors import EmailTaken
from app.infra.audit import Client
from app.mail import link_queries
from app.mail.links import SECURING
from app.mail.models import Kind, Mail

# The hash of no password. Nobody can log in until a new one is chosen.
NO_PASSWORD: Final = ""
UNDO: Final = frozenset({Kind.EMAIL_CHANGED})
TAKEN: Final = (
    "The address that this link gives back has an account of its own now, so nothing was changed. "
    "Delete that account or change its address, then use the link again."
)


def check_secure(auth: Auth, token: str) -> str:
    """Return the address of the account that the link with this token secures; change nothing.

    It is the address to which the link was mailed, not the present one, which is nobody else's
    business.

    Raises:
        InvalidLink: when the link is altered, too old or used up, or the account is disabled.

    """
    return auth.database.read(opened_links.read_address, auth, token, SECURING)


def secure(auth: Auth, token: str, client: Client) -> None:
    """End every session, refuse the present password, and mail a link to choose a new one.

    An address that was changed after the notice is changed back to the one it was mailed to. When
    this returns, every access token of the account is refused in every worker.

    Raises:
        InvalidLink: when the link is altered, too old or used up, or the account is disabled.
        EmailTaken: when that address has another account now. The link stays usable.

    """
    _take_back(auth, token, SECURING, Event.ACCOUNT_SECURED, client)


def check_undo(auth: Auth, token: str) -> str:
    """Return the address that the link with this token gives back; this changes nothing.

    Raises:
        InvalidLink: when the link is altered, too old or used up, or the account is disabled.

    """
    return auth.database.read(opened_links.read_address, auth, token, UNDO)


def undo_email_change(auth: Auth, token: str, client: Client) -> None:
    """Give the account its former address back, and do all that `secure` does.

    Raises:
        InvalidLink, EmailTaken: as `secure`.

    """
    _take_back(auth, token, UNDO, Event.EMAIL_CHANGE_UNDONE, client)


def _take_back(
    auth: Auth, token: str, kinds: Collection[Kind], event: Event, client: Client
) -> None:
    def change(connection: Connection) -> list[Happened]:
        mail, user = opened_links.spend(connection, auth, token, kinds)
        now = auth.clock.now()
        changed = _restore_address(connection, auth, mail, user, client)
        changed = changed.with_password(NO_PASSWORD, now)
        revoked = opened_links.write_password(connection, changed, now)
        auth.outbox.put(connection, Kind.RESET, changed.email, client, changed)
        return [Happened(event, user.id, client, revoked=tuple(revoked))]

    auth.commit(change)
    auth.outbox.wake()


def _restore_address(
    connection: Connection, auth: Auth, mail: Mail, user: User, client: Client
) -> User:
    """Give the account the address that it had when `mail` was written; tell the present one.

    Links that were written after a later change went to another mailbox, perhaps the thief's, who
    could take the account back with them. Links from before stay: of two people who fight for an
    account, the one who had it first wins.
    """
    epoch, now = mail.email_epoch or 0, auth.clock.now()
    link_queries.spend_later(connection, user.id, epoch, now)
    if user.email == mail.address:
        return user
    restored = user.with_email(mail.address, now)
    try:
        accounts.write_email(connection, restored)
    except IntegrityError:
        raise EmailTaken(TAKEN) from None
    auth.outbox.put(connection, Kind.EMAIL_CHANGE_UNDONE, user.email, client, user)
    return restored
