"""The actions of an operator; the commands of `app.cli` call these.

When Redis cannot be reached for the entries of the denylist, the families are revoked all the
same, but a worker that still trusts Redis accepts their access tokens until its next review
(`denylist_sync`).
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from app.accounts import queries as accounts
from app.accounts.emails import account_key
from app.accounts.models import User
from app.auth.dependencies import Auth
from app.errors import NotFound
from app.families import revocation
from app.families.models import Reason, RevokedFamily


def find_user(auth: Auth, email: str) -> User:
    """Return the account with the address `email`, in any spelling; disabled ones included.

    Raises:
        NotFound: when no account has that address.

    """
    user = auth.database.read(accounts.find_by_email, account_key(email))
    if user is None:
        raise NotFound("There is no account with that e-mail address.")
    return user


def revoke_sessions(auth: Auth, user: User | None) -> tuple[int, bool]:
    """Revoke every family of `user`, or of all users when it is None.

    Returns how many were revoked, and whether Redis has the entries.
    """
    now = auth.clock.now()
    if user:
        revoked = auth.database.write(revocation.revoke_user, user.id, Reason.ADMIN, now)
    else:
        revoked = auth.database.write(revocation.revoke_all, Reason.ADMIN, now)
    return _deny(auth, "sessions_revoked", revoked, user)


def disable(auth: Auth, user: User) -> tuple[int, bool]:
    """Disable an account: it cannot log in or refresh, and its access tokens are refused.

    Returns how many families were revoked, and whether Redis has the entries.
    """
    return _deny(auth, "user_disabled", _change_and_revoke(auth, accounts.disable, user), user)


def enable(auth: Auth, user: User) -> None:
    """Enable a disabled account. Its sessions stay revoked, so its owner has to log in again."""
    auth.database.write(accounts.enable, user.id)
    auth.audit.record("user_enabled", user_id=user.id)


def delete(auth: Auth, user: User) -> tuple[int, bool]:
    """Erase an account and what a product's features store of it; free its address.

    Its families are revoked. All this is one transaction: when a feature's rows cannot be
    deleted, its exception passes through and nothing changes. Returns how many families were
    revoked, and whether Redis has the entries.
    """

    def erase(connection: Connection, user_id: str, now: int) -> None:
        for delete_rows in auth.delete_rows:
            delete_rows(connection, user_id)
        accounts.erase(connection, user_id, now)

    return _deny(auth, "user_deleted", _change_and_revoke(auth, erase, user), user)


def _change_and_revoke(
    auth: Auth, change: Callable[[Connection, str, int], None], user: User
) -> list[RevokedFamily]:
    now = auth.clock.now()

    def change_and_revoke(connection: Connection) -> list[RevokedFamily]:
        change(connection, user.id, now)
        return revocation.revoke_user(connection, user.id, Reason.ADMIN, now)

    return auth.database.transact(change_and_revoke)


def _deny(
    auth: Auth, event: str, revoked: list[RevokedFamily], user: User | None
) -> tuple[int, bool]:
    in_redis = auth.denylist.deny(revoked)
    auth.audit.record(event, user_id=user.id if user else "all", families=len(revoked))
    return len(revoked), in_redis
