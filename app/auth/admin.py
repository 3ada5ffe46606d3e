"""What an operator can do: the stories behind the command line.

Each story that ends families returns how many it ended, and whether Redis could be told. When
Redis could not be told, the families are revoked all the same, and the workers read that from the
database.
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
    """Return an account by its address.

    Raises:
        NotFound: when the address has no account.

    """
    user = auth.database.read(accounts.find_by_email, account_key(email))
    if user is None:
        raise NotFound("There is no account with that e-mail address.")
    return user


def revoke_sessions(auth: Auth, user: User | None) -> tuple[int, bool]:
    """Revoke every family of `user`; None stands for all users."""
    now = auth.clock.now()
    if user:
        revoked = auth.database.write(revocation.revoke_user, user.id, Reason.ADMIN, now)
    else:
        revoked = auth.database.write(revocation.revoke_all, Reason.ADMIN, now)
    return _deny(auth, "sessions_revoked", revoked, user)


def disable(auth: Auth, user: User) -> tuple[int, bool]:
    """Disable an account: it cannot log in or refresh, and its access tokens are refused."""
    return _deny(auth, "user_disabled", _shut(auth, accounts.disable, user), user)


def enable(auth: Auth, user: User) -> None:
    """Enable a disabled account; its owner has to log in again."""
    auth.database.write(accounts.enable, user.id)
    auth.audit.record("user_enabled", user_id=user.id)


def delete(auth: Auth, user: User) -> tuple[int, bool]:
    """Erase an account with all that a product stores of it, free its address, end its sessions.

    All of it is one transaction: when a row of a product's cannot be deleted, nothing is.
    """

    def erase(connection: Connection, user_id: str, now: int) -> None:
        for delete_rows in auth.delete_rows:
            delete_rows(connection, user_id)
        accounts.erase(connection, user_id, now)

    return _deny(auth, "user_deleted", _shut(auth, erase, user), user)


def _shut(
    auth: Auth, how: Callable[[Connection, str, int], None], user: User
) -> list[RevokedFamily]:
    now = auth.clock.now()

    def shut(connection: Connection) -> list[RevokedFamily]:
        how(connection, user.id, now)
        return revocation.revoke_user(connection, user.id, Reason.ADMIN, now)

    return auth.database.transact(shut)


def _deny(
    auth: Auth, event: str, revoked: list[RevokedFamily], user: User | None
) -> tuple[int, bool]:
    told = auth.denylist.deny(revoked)
    auth.audit.record(event, user_id=user.id if user else "all", families=len(revoked))
    return len(revoked), told
