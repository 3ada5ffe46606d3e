"""What an operator can do: the use cases behind the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, true

from app.accounts import models as accounts
from app.accounts.addresses import account_key
from app.accounts.models import User
from app.audit import Audit
from app.clock import Clock
from app.database import Database
from app.errors import NotFound
from app.families import rotation
from app.families.denylist import Denylist
from app.families.models import Ended, Family
from app.pruning import Pruned, Pruning


@dataclass(frozen=True)
class Admin:
    """The operator's use cases, with the parts they need.

    Each that ends families returns how many, and whether Redis could be told; when it could
    not, the families are revoked all the same and the workers find out by themselves.
    """

    database: Database
    denylist: Denylist
    audit: Audit
    clock: Clock
    pruning: Pruning

    def user(self, email: str) -> User:
        """Return an account by its address.

        Raises:
            NotFound.

        """
        user = self.database.read(accounts.find_by_email, account_key(email))
        if user is None:
            raise NotFound("There is no account with that e-mail address.")
        return user

    def sessions(self, user: User) -> list[Family]:
        """Return the user's live families."""
        return self.database.read(rotation.live_of, user.id, self.clock.now())

    def revoke_sessions(self, user: User | None) -> tuple[int, bool]:
        """Revoke every family of `user`, or of everybody."""
        which = rotation.of_user(user.id) if user else true()
        ended = self.database.write(rotation.revoke, which, rotation.ADMIN, self.clock.now())
        return self._ended("sessions_revoked", ended, user)

    def disable(self, user: User) -> tuple[int, bool]:
        """Shut an account: no log-in, no refresh, and its access tokens die at once."""
        ended = self._shut(accounts.disable, user)
        return self._ended("user_disabled", ended, user)

    def enable(self, user: User) -> None:
        """Open a disabled account again; its owner logs in anew."""
        self.database.write(accounts.enable, user.id)
        self.audit.record("user_enabled", user_id=user.id)

    def delete(self, user: User) -> tuple[int, bool]:
        """Erase an account, free its address and end its sessions at once."""
        ended = self._shut(accounts.erase, user)
        return self._ended("user_deleted", ended, user)

    def prune(self) -> Pruned:
        """Delete families and erased accounts that nothing needs any more."""
        return self.pruning.prune()

    def _shut(self, how: Callable[[Connection, str, int], None], user: User) -> list[Ended]:
        now = self.clock.now()

        def shut(connection: Connection) -> list[Ended]:
            how(connection, user.id, now)
            return rotation.revoke(connection, rotation.of_user(user.id), rotation.ADMIN, now)

        return self.database.transact(shut)

    def _ended(self, event: str, ended: list[Ended], user: User | None) -> tuple[int, bool]:
        told = self.denylist.deny(ended)
        self.audit.record(event, user_id=user.id if user else "all", families=len(ended))
        return len(ended), told
