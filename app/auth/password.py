"""Change the password, which ends every session of the account."""

from __future__ import annotations

from sqlalchemy import Connection

from app.accounts import queries as accounts
from app.accounts.activity import Event
from app.accounts.models import User
from app.auth.dependencies import Auth
from app.auth.happened import Happened
from app.auth.profile import account
from app.errors import InvalidToken, WrongPassword
from app.families import queries as families
from app.families import revocation
from app.families.issuer import TokenPair
from app.families.models import Family, Reason
from app.infra.audit import Client
from app.mail.models import Kind


def change_password(  # noqa: PLR0913, PLR0917 - the fields of the form, and its request
    auth: Auth, sid: str, current: str, new: str, client: Client, jkt: str | None = None
) -> TokenPair:
    """Set a new password, revoke every family of the user and begin a new one for this browser.

    The new family is bound to the key with the thumbprint `jkt`, or else to the key of the family
    `sid`, if it has one. The caller has not proved that it holds the key `jkt`; with the
    thumbprint of another's key, it only makes its own new family unusable.

    Raises:
        WrongPassword: when `current` is not the account's password.
        WeakPassword: when `new` is too short, too easy to guess, or the user's address.
        InvalidRequest: when a password is too long or not valid Unicode text.
        TooManyAttempts: when a limit of the account is used up.
        Busy: when the queue for password hashing has no place for the client.
        InvalidToken: when the session or the account ended, or the password changed, meanwhile.

    """
    user, family = account(auth, sid)
    hashed = _hash_of_new(auth, user, sid, current, new, client)
    now = auth.clock.now()
    changed = user.with_password(hashed, now)
    successor = auth.issuer.new_family(
        user.id, client, now, remembered=family.remembered, jkt=jkt or family.jkt
    )

    def change(connection: Connection) -> list[Happened]:
        happened = _replace_all(connection, user, changed, sid, successor, client)
        auth.outbox.put(connection, Kind.PASSWORD_CHANGED, user.email, client, changed)
        return happened

    auth.commit(change)
    auth.outbox.wake()
    mark = auth.password_login.known_browsers.renew(client.device, changed, now)
    return auth.issuer.issue(successor, user.email, mark)


def _hash_of_new(auth: Auth, user: User, sid: str, current: str, new: str, client: Client) -> str:  # noqa: PLR0913, PLR0917 - the parameters of `change_password`
    passwords = auth.password_login.passwords
    # The caller has an active session, so it may use the places for known browsers.
    with auth.password_login.queue.place(client, known=True) as place:
        if auth.password_login.verify(user.email, user, current, place, in_session=True):
            auth.password_login.policy.check(new, user.email)
            return place.run(passwords.hash, new)
    auth.count_refusal(Happened(Event.PASSWORD_CHANGE_REFUSED, user.id, client, sid))
    raise WrongPassword


def _replace_all(  # noqa: PLR0913, PLR0917 - what changes, and the request
    connection: Connection, user: User, changed: User, sid: str, successor: Family, client: Client
) -> list[Happened]:
    """Write the new password and replace all families by `successor`, in one transaction.

    At no moment does a family from before the change live together with the new password.
    """
    if not accounts.update_if_unchanged(
        connection,
        user,
        password_hash=changed.password_hash,
        password_changed_at=changed.password_changed_at,
    ):
        raise InvalidToken(reason="account_changed")
    revoked = revocation.revoke_user(
        connection, user.id, Reason.PASSWORD_CHANGED, successor.created_at
    )
    if sid not in {family.family_id for family in revoked}:
        raise InvalidToken(reason="session_ended_meanwhile")
    families.insert(connection, successor)
    event, new_sid = Event.PASSWORD_CHANGED, successor.family_id
    return [Happened(event, user.id, client, new_sid, revoked=tuple(revoked))]
