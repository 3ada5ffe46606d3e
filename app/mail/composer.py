"""Write the message of a claimed mail, with a link for the present state of its account."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage

from app.accounts import queries as accounts
from app.accounts.models import User
from app.infra.clock import Clock
from app.infra.database import Database
from app.mail.links import LIFETIMES, Links
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
        now = self.clock.now()
        token = self.links.token(mail, user, now) if mail.kind in LIFETIMES else ""
        try:
            return render(mail, compose(mail, self.site, token), self.site, self.sender)
        except ValueError as error:
            raise Refused(f"the message cannot be written ({error})") from None


def _is_still_wanted(mail: Mail, user: User | None) -> bool:
    """Return whether a message is of use to its reader, however long it waited."""
    if mail.kind == Kind.REGISTRATION:
        return mail.spent_at is None
    if mail.kind != Kind.RESET:
        return True
    return (
        user is not None
        and user.disabled_at is None
        and user.password_changed_at == mail.password_epoch
    )
