"""The actions of an operator; the commands of `app.cli` call these.

When Redis cannot be reached for the entries of the denylist, the families are revoked all the
same, but a worker that still trusts Redis accepts their access tokens until its next review
(`denylist_sync`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app.accounts import activity
from app.accounts import queries as accounts
from app.accounts.activity import Event
from app.accounts.emails import account_key, normalize_email
from app.accounts.models import User
from app.auth.deletion import blocked, erase
from app.auth.dependencies import Auth
from app.auth.happened import NO_CLIENT, Happened
from app.errors import EmailTaken, NotFound
from app.families import revocation
from app.families.issuer import new_id
from app.families.models import Reason, RevokedFamily
from app.infra.audit import Client
from app.infra.references import StillReferred
from app.mail import queries as mails
from app.mail.models import Kind

BATCH: Final = 500
NO_ACCOUNT: Final = "There is no account with that e-mail address."
Change = Callable[[Connection, int], list[RevokedFamily]]


def create(auth: Auth, email: str, password: str) -> User:
    """Open an account. The operator vouches for the address, and nothing is mailed.

    Raises:
        InvalidRequest: when `email` is not an e-mail address, or the password is not valid
            Unicode text.
        WeakPassword: when the password is too short, too easy to guess, or the address.
        EmailTaken: when the address has an account.

    """
    address = normalize_email(email)
    auth.password_login.policy.check(password, address)
    now, hashed = auth.clock.now(), auth.password_login.passwords.hash(password)
    user = User(new_id(), address, hashed, now, now, None, None)
    try:
        auth.database.write(accounts.insert, user)
    except IntegrityError:
        raise EmailTaken from None
    auth.audit.record("user_created", user_id=user.id)
    return user


def find_user(auth: Auth, email: str) -> User:
    """Return the account with the address `email`, in any spelling; disabled ones included.

    Raises:
        NotFound: when no account has that address.

    """
    user = auth.database.read(accounts.find_by_email, account_key(email))
    if user is None:
        raise NotFound(NO_ACCOUNT)
    return user


def revoke_sessions(auth: Auth, user: User | None) -> tuple[int, bool]:
    """Revoke every family of `user`, or of all users when it is None.

    Returns how many were revoked, and whether Redis has the entries.
    """
    if user is None:
        return _revoke_all(auth)

    def revoke(connection: Connection, now: int) -> list[RevokedFamily]:
        revoked = revocation.revoke_user(connection, user.id, Reason.ADMIN, now)
        if revoked:
            _tell(
                connection,
                [Happened(Event.SESSIONS_REVOKED, user.id, revoked=tuple(revoked))],
                now,
            )
        return revoked

    return _commit(auth, Event.SESSIONS_REVOKED, user, revoke)


def _revoke_all(auth: Auth) -> tuple[int, bool]:
    """Revoke the families of all users, then tell them: no number of them delays the first."""
    now = auth.clock.now()
    revoked = auth.database.write(revocation.revoke_all, Reason.ADMIN, now)
    result = _deny(auth, Event.SESSIONS_REVOKED, revoked, "all")
    owner = attrgetter("user_id")
    happened = [
        Happened(Event.SESSIONS_REVOKED, user_id, revoked=tuple(theirs))
        for user_id, theirs in groupby(sorted(revoked, key=owner), owner)
    ]
    for first in range(0, len(happened), BATCH):
        auth.database.transact(_tell_existing, happened[first : first + BATCH], now)
    return result


def reset_token(auth: Auth, user: User) -> str:
    """Return the token of a link for a new password, for a deployment that sends no mail.

    Raises:
        NotFound: when the account is disabled; its password cannot be reset.

    """
    if user.disabled_at is not None:
        raise NotFound("This account is disabled; enable it first.")
    mail = auth.outbox.mail(Kind.RESET, user.email, Client(), user, suppressed=True)
    auth.database.write(mails.insert, mail)
    auth.audit.record("reset_link_made", user_id=user.id)
    return auth.links.token(mail, user, auth.clock.now())


def disable(auth: Auth, user: User) -> tuple[int, bool]:
    """Disable an account: it cannot log in or refresh, and its access tokens are refused.

    Returns how many families were revoked, and whether Redis has the entries.
    """

    def disable_and_revoke(connection: Connection, now: int) -> list[RevokedFamily]:
        if not accounts.disable(connection, user.id, now):
            raise NotFound(NO_ACCOUNT)
        revoked = revocation.revoke_user(connection, user.id, Reason.ADMIN, now)
        _tell(connection, [Happened(Event.USER_DISABLED, user.id, revoked=tuple(revoked))], now)
        return revoked

    return _commit(auth, Event.USER_DISABLED, user, disable_and_revoke)


def enable(auth: Auth, user: User) -> None:
    """Enable a disabled account. Its sessions stay revoked, so its owner has to log in again."""

    def change(connection: Connection, now: int) -> None:
        if not accounts.enable(connection, user.id):
            raise NotFound(NO_ACCOUNT)
        _tell(connection, [Happened(Event.USER_ENABLED, user.id)], now)

    auth.database.transact(change, auth.clock.now())
    auth.audit.record(Event.USER_ENABLED, user_id=user.id)


def delete(auth: Auth, user: User) -> tuple[int, bool]:
    """Erase an account, its activity and what a product's features store of it; free its address.

    Its families are revoked. All this is one transaction: when a feature's rows cannot be
    deleted, its exception passes through and nothing changes. Returns how many families were
    revoked, and whether Redis has the entries.

    Raises:
        NotFound: when the account was deleted meanwhile.
        DeletionBlocked: when a product's table refers to the account or to one of its families.

    """

    def delete_all(connection: Connection, now: int) -> list[RevokedFamily]:
        present = accounts.find_and_lock(connection, user.id)
        if present is None:
            raise NotFound(NO_ACCOUNT)
        return erase(connection, auth, present, NO_CLIENT, now)

    try:
        return _commit(auth, "user_deleted", user, delete_all)
    except StillReferred as referred:
        raise blocked(auth, user.id, referred, NO_CLIENT) from referred


def _tell_existing(connection: Connection, happened: Sequence[Happened], now: int) -> None:
    existing = accounts.hold(connection, [one.user_id for one in happened])
    _tell(connection, [one for one in happened if one.user_id in existing], now)


def _tell(connection: Connection, happened: Sequence[Happened], now: int) -> None:
    activity.insert_rows(connection, [one.row(now) for one in happened])


def _commit(auth: Auth, event: str, user: User, change: Change) -> tuple[int, bool]:
    revoked = auth.database.transact(change, auth.clock.now())
    return _deny(auth, event, revoked, user.id)


def _deny(auth: Auth, event: str, revoked: list[RevokedFamily], user_id: str) -> tuple[int, bool]:
    """Write one line of the audit record, however many families were revoked."""
    in_redis = auth.denylist.deny(revoked)
    auth.audit.record(event, user_id=user_id, families=len(revoked))
    return len(revoked), in_redis
