"""Change the address of an account, once the owner of the new mailbox has followed a mailed link.

`request_email_change` does the same for every address and does not look whether it has an account:
only the message there says so, which is written when it is sent (`app.mail.composer`). So neither
the answer, nor its time, nor what is stored of the caller shows which addresses have accounts. The
present address is told of the request and of the change, each time with a link that undoes what a
thief did (`secure`).

The sessions of the account go on. Whoever changes the address has given the password moments
before, and the access tokens and refresh tokens name no address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app.accounts import queries as accounts
from app.accounts.activity import Event
from app.accounts.models import User
from app.auth import asked_mail, opened_links
from app.auth.dependencies import Auth
from app.auth.happened import Happened
from app.auth.profile import account
from app.errors import EmailTaken, InvalidToken
from app.infra.audit import Client
from app.mail import link_queries
from app.mail.models import Kind

KINDS: Final = frozenset({Kind.NEW_EMAIL})


@dataclass(frozen=True, slots=True)
class _Request:
    """Somebody in the session `sid` asks for `address`; a message there `is_due`, or is not."""

    address: str
    is_due: bool
    sid: str
    client: Client


def request_email_change(auth: Auth, sid: str, email: str, client: Client) -> None:
    """Mail a link to the address `email` that makes it the address of the session's account.

    When `email` has an account, the message is a note about that instead. Links to other
    addresses, from requests before, die: one of them may have been mistyped, and is somebody
    else's.

    Raises:
        MailOff: when the deployment sends no mail.
        InvalidRequest: when `email` is not an e-mail address.
        EmailTaken: when it is the account's own already. Of another account's nothing is said.
        TooManyAttempts: when the limit of the account or of the client's network is used up.
        InvalidToken: when the session or the account ended, or the password changed, meanwhile.

    """
    address = asked_mail.address_of(auth, email)
    user, _ = account(auth, sid)
    if address == user.email:
        raise EmailTaken("This is the address of your account already.")
    auth.throttle.network(client.ip)
    auth.throttle.email_change(user.id)
    is_due = auth.throttle.mail(Kind.NEW_EMAIL, address)
    auth.commit(_request, auth, user, _Request(address, is_due, sid, client))
    auth.outbox.wake()


def _request(connection: Connection, auth: Auth, user: User, request: _Request) -> list[Happened]:
    if not accounts.update_if_unchanged(connection, user):
        raise InvalidToken(reason="account_changed")
    kind, address, client = Kind.NEW_EMAIL, request.address, request.client
    link_queries.spend_others(connection, user.id, kind, address, auth.clock.now())
    suppressed = not request.is_due
    auth.outbox.put(connection, kind, address, client, user, suppressed=suppressed)
    auth.outbox.put(connection, Kind.EMAIL_CHANGE_REQUESTED, user.email, client, user)
    return [Happened(Event.EMAIL_CHANGE_REQUESTED, user.id, client, request.sid)]


def check_email_change(auth: Auth, token: str) -> str:
    """Return the address that the link with this token proves; this does not use it up.

    Raises:
        InvalidLink: when the link cannot change an address now.

    """
    return auth.database.read(opened_links.read_address, auth, token, KINDS)


def confirm_email_change(auth: Auth, token: str, client: Client) -> None:
    """Make the address to which the link was mailed the address of its account.

    Every other pending change of the account dies, because its link depends on the address. The
    way back to this address begins with a request, which kills it for good. Of several requests
    with one link, one succeeds, and of several accounts that ask for one address, one gets it.

    Raises:
        InvalidLink: when the link is altered, too old or used up, or the account was disabled or
            its password or address changed since the message was sent.
        EmailTaken: when the address got an account meanwhile. Whoever has the link reads the
            mailbox, and so may know that. The link stays usable.

    """

    def change(connection: Connection) -> list[Happened]:
        mail, user = opened_links.spend(connection, auth, token, KINDS)
        try:
            accounts.write_email(connection, user.with_email(mail.address, auth.clock.now()))
        except IntegrityError:
            raise EmailTaken from None
        auth.outbox.put(connection, Kind.EMAIL_CHANGED, user.email, client, user)
        return [Happened(Event.EMAIL_CHANGED, user.id, client)]

    auth.commit(change)
    auth.outbox.wake()
