"""Open an account: the address first, and the password once its owner has followed a mailed link.

`request_registration` answers the same for every address, in the same time, and makes no row in
`users`. So nobody learns who has an account, nobody occupies an address that is not theirs, and
nobody without a link makes the server hash a password. `finish_registration` opens the account
and begins its first session.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app.accounts import queries as accounts
from app.accounts.activity import Event
from app.accounts.models import User
from app.auth import asked_mail, opened_links
from app.auth.dependencies import Auth
from app.auth.happened import Happened
from app.auth.login import begin_session
from app.errors import InvalidLink, MailOff
from app.families.issuer import PresentedCredentials, TokenPair, new_id
from app.infra.audit import Client
from app.mail.models import Kind, Mail

KINDS: Final = frozenset({Kind.REGISTRATION})


def request_registration(auth: Auth, email: str, client: Client) -> None:
    """Mail a link that opens an account for `email`, or a note that it has one.

    A disabled account is an account too: its address cannot be registered.

    Raises:
        MailOff: when the deployment sends no mail.
        InvalidRequest: when `email` is not an e-mail address.
        TooManyAttempts: when the client's network has registered too often.

    """
    address = asked_mail.address_of(auth, email)
    auth.throttle.register(client.ip)
    user = auth.database.read(accounts.find_by_email, address)
    kind = Kind.ALREADY_REGISTERED if user else Kind.REGISTRATION
    is_due = auth.throttle.mail(kind, address)
    asked_mail.answer(auth, kind, address, client, user, is_due=is_due)
    auth.audit.record("registration_requested", client, user_id=user.id if user else "")


def check_registration(auth: Auth, token: str) -> str:
    """Return the address that the link with this token proves; this does not use it up.

    Raises:
        MailOff: when the deployment sends no mail.
        InvalidLink: when the link cannot open an account now.

    """
    return _read(auth, token).address


def finish_registration(
    auth: Auth, token: str, password: str, client: Client, presented: PresentedCredentials
) -> TokenPair:
    """Open the account that the link is for, and begin its first session, as a log-in does.

    Every other link for the address is used up too. Of several requests with links for one
    address, one succeeds. This browser's former session is revoked.

    Raises:
        MailOff: when the deployment sends no mail.
        InvalidLink: when the link is altered, too old or used up, or the address has an account.
        WeakPassword: when the password is too short, too easy to guess, or the address; the link
            stays usable.
        InvalidRequest: when the password is not valid Unicode text.
        Busy: when the queue for password hashing has no place for the client.
        InvalidProof, UseNonce: when the proof was consumed before, or may have been; the link
            stays usable.

    """
    mail = _read(auth, token)
    hashed = auth.password_login.hash_new(password, mail.address, client)
    if presented.proof:
        auth.consume_proof(presented.proof)
    now = auth.clock.now()
    user = User(new_id(), mail.address, hashed, now, now, None, None)

    def open_account(connection: Connection) -> list[Happened]:
        # First, because the unique index lets one request at a time go on for an address: two
        # that began with their own links would wait for each other's (deadlock).
        try:
            accounts.insert(connection, user)
        except IntegrityError:
            raise InvalidLink from None
        opened_links.spend_with_siblings(connection, mail, now)
        return [Happened(Event.REGISTERED, user.id, client)]

    return begin_session(auth, user, client, presented, open_account, remembered=False)


def _read(auth: Auth, token: str) -> Mail:
    if not auth.outbox.is_open:
        raise MailOff
    mail = auth.database.read(opened_links.read_mail, auth, token, KINDS)
    if auth.database.read(accounts.find_by_email, mail.address):
        raise InvalidLink
    return mail
