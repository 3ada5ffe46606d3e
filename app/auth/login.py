"""Exchange a password for a new session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from app.accounts import queries as accounts
from app.accounts.activity import Event
from app.accounts.emails import MAX_TYPED, TOO_LONG, account_key
from app.accounts.hash_queue import Place
from app.accounts.models import User
from app.auth.dependencies import Auth
from app.auth.happened import Happened, each_ended
from app.errors import InvalidCredentials, InvalidRequest
from app.families import queries as families
from app.families import revocation
from app.families.issuer import PresentedCredentials, TokenPair
from app.families.models import Family, Reason, RevokedFamily
from app.infra.audit import Client
from app.mail.models import Kind


def log_in(  # noqa: PLR0913 - the fields of the form, and its request
    auth: Auth,
    email: str,
    password: str,
    client: Client,
    presented: PresentedCredentials,
    *,
    remember: bool,
) -> TokenPair:
    """Exchange a password for a new family; this browser's former family is revoked.

    With a proof, the new family is bound to its key. An unknown address, a wrong password and a
    disabled account get the same refusal after one hash computation, so that nobody learns which
    addresses have accounts (account enumeration). Whether the password is known from a breach is
    looked up only when it was right, and neither logged nor stored.

    Raises:
        InvalidRequest: when `email` has more than `MAX_TYPED` code points.
        InvalidCredentials: when address and password are not those of an enabled account.
        TooManyAttempts: when a limit of the account or of the client's network is used up.
        Busy: when the queue for password hashing has no place for the client.
        InvalidProof, UseNonce: when the proof was consumed before, or may have been.

    """
    if len(email) > MAX_TYPED:
        raise InvalidRequest(TOO_LONG)
    with auth.password_login.place(client) as place:
        key = account_key(email)
        found = auth.database.read(accounts.find_by_email, key)
        user = _verified(auth, key, found, password, place)
        if user and presented.proof:
            auth.consume_proof(presented.proof)
        if user:
            user = auth.password_login.upgrade_hash(user, password, place)
    if user is None:
        # Without the place, so that a database that is slow to write keeps nobody from hashing.
        refused = Happened(Event.LOG_IN_REFUSED, found.id if found else "", client)
        auth.count_refusal(refused, email_key=key)
        raise InvalidCredentials
    prepare = partial(_lock_and_tell, auth=auth, user=user, client=client)
    pair = begin_session(auth, user, client, presented, prepare, remembered=remember)
    return replace(pair, password_breached=auth.password_login.policy.is_breached(password))


def _verified(
    auth: Auth, key: str, found: User | None, password: str, place: Place
) -> User | None:
    """Return the account if it is enabled and has that password."""
    user = found if found and found.disabled_at is None else None
    return user if auth.password_login.verify(key, user, password, place) else None


def _lock_and_tell(
    connection: Connection, auth: Auth, user: User, client: Client
) -> list[Happened]:
    """Lock the account, and tell its owner by mail of a browser without the account's mark.

    A change of the password makes every mark invalid, so each of the other browsers is told of
    once more: a thief's, which may have the new password too, is among them.

    Raises:
        InvalidCredentials: when, since `user` was read, the account was disabled or its password
            changed.

    """
    if not accounts.update_if_unchanged(connection, user):
        raise InvalidCredentials(reason="account_changed")
    browsers = auth.password_login.known_browsers
    if not browsers.count_key(client.device, user, auth.clock.now()):
        auth.outbox.put_once_a_day(connection, Kind.NEW_BROWSER, client, user)
    return []


def begin_session(  # noqa: PLR0913 - what makes a session, and its request
    auth: Auth,
    user: User,
    client: Client,
    presented: PresentedCredentials,
    prepare: Callable[[Connection], list[Happened]],
    *,
    remembered: bool,
) -> TokenPair:
    """Begin a family for `user` and issue its first token pair.

    `prepare` is called first in the transaction. It locks or creates the account's row, and
    returns what happened; when it raises, no session begins and the exception passes through.
    """
    now, former = auth.clock.now(), auth.issuer.family_id_of(presented.cookie)
    family = auth.issuer.new_family(user.id, client, now, remembered=remembered, jkt=presented.jkt)

    def begin(connection: Connection) -> list[Happened]:
        happened = prepare(connection)
        families.insert(connection, family)
        replaced = replace_former(connection, family, former, now)
        logged_in = Happened(Event.LOGGED_IN, user.id, client, family.family_id)
        return [*happened, *each_ended(Event.SESSION_REPLACED, replaced, client), logged_in]

    auth.pruning.prune_user(user.id)
    auth.commit(begin)
    mark = auth.password_login.known_browsers.renew(client.device, user, now)
    return auth.issuer.issue(family, user.email, mark)


def replace_former(
    connection: Connection, family: Family, former: str | None, now: int
) -> list[RevokedFamily]:
    """Revoke this browser's former family, then the families that exceed the user's limit.

    In this order, because otherwise another browser's session might be revoked to make room.
    """
    replaced = revocation.revoke_family(connection, former, Reason.REPLACED, now) if former else []
    return replaced + revocation.revoke_excess(connection, family, now)
