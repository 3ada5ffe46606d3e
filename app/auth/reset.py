"""Choose a new password with a mailed link, when the former one is forgotten.

`request_reset` answers the same for every address, in the same time: it reads one row, counts in
the same limits and stores one message. `finish_reset` ends everything that the former holder of
the account has, and logs nobody in, so that a link that was read on another device begins no
session there.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from app.accounts import queries as accounts
from app.accounts.activity import Event
from app.auth import asked_mail, opened_links
from app.auth.dependencies import Auth
from app.auth.happened import Happened
from app.infra.audit import Client
from app.mail.models import Kind

KINDS: Final = frozenset({Kind.RESET})


def request_reset(auth: Auth, email: str, client: Client) -> None:
    """Mail a link for a new password to `email`, or a note that it has no account.

    Raises:
        MailOff: when the deployment sends no mail.
        InvalidRequest: when `email` is not an e-mail address.
        TooManyAttempts: when a limit of the client's network is used up.

    """
    address = asked_mail.address_of(auth, email)
    auth.throttle.network(client.ip)
    # Both are counted for every address, so that the number of commands to Redis tells nothing.
    has_room, first_today = (
        auth.throttle.mail("reset", address),
        auth.throttle.note("reset", address),
    )
    user = auth.database.read(accounts.find_by_email, address)
    enabled = user if user and user.disabled_at is None else None
    kind, is_due = (Kind.RESET, has_room) if enabled else (Kind.NO_ACCOUNT, first_today)
    asked_mail.answer(auth, kind, address, client, enabled, is_due=has_room and is_due)
    auth.audit.record("reset_requested", client, user_id=enabled.id if enabled else "")


def check_reset(auth: Auth, token: str) -> str:
    """Return the address of the account whose password the link sets; this does not use it up.

    Raises:
        InvalidLink: when the link cannot set a password now.

    """
    return auth.database.read(opened_links.read, auth, token, KINDS).email


def finish_reset(auth: Auth, token: str, password: str, client: Client) -> None:
    """Set the password of the account that the link is for, and end all of its sessions.

    When this returns, every family of the account is revoked and every access token of it is
    refused in every worker. Of several requests with one link, one succeeds.

    Raises:
        InvalidLink: when the link is altered, too old or used up, or the account was disabled or
            its password or address changed since the message was sent.
        WeakPassword: when the password is too short, too easy to guess, or the address; the link
            stays usable.
        InvalidRequest: when the password is not valid Unicode text.
        Busy: when the queue for password hashing has no place for the client.

    """
    user = auth.database.read(opened_links.read, auth, token, KINDS)
    hashed = auth.password_login.hash_new(password, user.email, client)

    def change(connection: Connection) -> list[Happened]:
        user, revoked = opened_links.replace_password(connection, auth, token, KINDS, hashed)
        auth.outbox.put(connection, Kind.PASSWORD_RESET, user.email, client, user)
        return [Happened(Event.PASSWORD_RESET, user.id, client, revoked=tuple(revoked))]

    auth.commit(change)
    auth.outbox.wake()
