"""Delete an account, with all that is kept about its owner.

What stays are the lines of the audit record, which name the account by its random id alone, and,
for some minutes, the ids of its sessions, from which the denylist can be rebuilt. The last message
is deleted when it is sent (`app.mail.sender`).
"""

from __future__ import annotations

from sqlalchemy import Connection

from app.accounts import activity
from app.accounts import queries as accounts
from app.accounts.models import User, users
from app.auth.dependencies import Auth
from app.errors import DeletionBlocked, InvalidToken
from app.families import erasure, revocation
from app.families import queries as families_of
from app.families.models import Reason, RevokedFamily, families
from app.infra.audit import Client
from app.infra.references import StillReferred, naming_references
from app.mail import queries as mails
from app.mail.models import Kind


def delete_account(auth: Auth, user_id: str, sid: str, client: Client) -> None:
    """Delete the account of the caller, whose session is `sid`.

    When this returns, every access token of the account is refused in every worker. All rows are
    deleted in one transaction, or none is.

    Raises:
        DeletionBlocked: when a product's table refers to the account or to one of its sessions.
        InvalidToken: when the account was deleted or disabled, or the session ended, meanwhile.

    """

    def delete(connection: Connection, now: int) -> list[RevokedFamily]:
        user = accounts.find_and_lock(connection, user_id)
        if user is None or user.disabled_at is not None:
            raise InvalidToken(reason="account_gone")
        revoked = erase(connection, auth, user, client, now)
        if sid not in {family.family_id for family in revoked}:
            raise InvalidToken(reason="session_ended_meanwhile")
        return revoked

    try:
        revoked = auth.database.transact(delete, auth.clock.now())
    except StillReferred as referred:
        raise blocked(auth, user_id, referred, client) from referred
    auth.denylist.deny(revoked)
    auth.audit.record("account_deleted", client, user_id=user_id, families=len(revoked))
    auth.outbox.wake()


def erase(
    connection: Connection, auth: Auth, user: User, client: Client, now: int
) -> list[RevokedFamily]:
    """Delete an account, whose row the caller has locked; return the sessions that this ended.

    In this order: whoever holds a lock on one of the families may be about to store a message or a
    row of the activity, and who waits for the account's row finds none.

    Raises:
        StillReferred: when a product's table refers to the account or to one of its families.
        Exception: what a feature's `delete_rows` raises.

    """
    for delete_rows in auth.delete_rows:
        delete_rows(connection, user.id)
    ids = families_of.ids_of_user(connection, user.id)
    with naming_references(connection, {users.name: [user.id], families.name: ids}):
        revoked = revocation.revoke_user(connection, user.id, Reason.LOGGED_OUT, now)
        erasure.erase_families(connection, user.id, now)
        mails.delete_of_user(connection, user.id, user.email)
        activity.delete_of_user(connection, user.id)
        accounts.delete(connection, user.id)
    auth.outbox.put(connection, Kind.ACCOUNT_DELETED, user.email, client)
    return revoked


def blocked(auth: Auth, user_id: str, referred: StillReferred, client: Client) -> DeletionBlocked:
    """Record that rows of a product's tables keep an account, and return the refusal."""
    refusal = DeletionBlocked(referred.tables)
    auth.audit.refused("deletion_blocked", client, refusal.reason, user_id=user_id)
    return refusal
