"""Write the message of a claimed mail, with a link for the present state of its account."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage

from app.accounts import queries as accounts
from app.accounts.models import User
from app.infra.clock import Clock
from app.infra.database import Database
from app.mail.email_messages import email_taken
from app.mail.links import BEFORE_A_CHANGE, LIFETIMES, Links
from app.mail.messages import MESSAGES
from app.mail.models import Kind, Mail
from app.mail.rendering import render
from app.mail.transports import Deferred, Refused
from app.mail.wording import Site


@dataclass(frozen=True)
class Composer:
    """Writes the messages of one deployment, from the address `sender`."""

    database: Database
    links: Links
    site: Site
    sender: str
    clock: Clock

    def compose(self, mail: Mail) -> EmailMessage:
        """Return the message.

        Raises:
            Refused: when the message is of no use any more, or nobody could send to its address.
            Deferred: when this release does not know its kind; a newer one, whose worker stored
                it during an update, does.

        """
        compose = MESSAGES.get(mail.kind)
        if compose is None:
            raise Deferred(f"this release does not know the kind {mail.kind!r}")
        user = self.database.read(accounts.find, mail.user_id) if mail.user_id else None
        if not _is_still_wanted(mail, user):
            raise Refused("the account has changed since")
        token = self.links.token(mail, user, self.clock.now()) if mail.kind in LIFETIMES else ""
        if mail.kind == Kind.NEW_EMAIL and self.database.read(
            accounts.find_by_email, mail.address
        ):
            compose, token = email_taken, ""
        try:
            return render(mail, compose(mail, self.site, token), self.site, self.sender)
        except ValueError as error:
            raise Refused(f"the message cannot be written ({error})") from None


def _is_still_wanted(mail: Mail, user: User | None) -> bool:
    """Return whether a message is of use to its reader, however long it waited.

    A link is made for the account as it is when the message is sent. So one that depends on the
    password and the address may be sent only while these are what they were.
    """
    if mail.kind == Kind.REGISTRATION:
        return mail.spent_at is None
    if mail.kind not in BEFORE_A_CHANGE:
        return True
    if user is None or user.disabled_at is not None or mail.spent_at is not None:
        return False
    epochs = user.password_changed_at, user.email_changed_at
    return epochs == (mail.password_epoch, mail.email_epoch or 0)
