"""What an operator can do: the use cases behind the command line."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, true

from app.accounts import models as accounts
from app.accounts.addresses import account_key
from app.accounts.models import User
from app.audit import Audit
from app.clock import Clock
from app.database import Database
from app.errors import NotFound
from app.families import rotation
from app.families.denylist import Denylist
from app.families.models import Ended, Family, families


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

    def user(self, email: str) -> User:
        """Return an account by its address.

        Raises:
            NotFound.

        """
        with self.database.autocommit() as connection:
            user = accounts.find_by_email(connection, account_key(email))
        if user is None:
            raise NotFound("There is no account with that e-mail address.")
        return user

    def sessions(self, user: User) -> list[Family]:
        """Return the user's live families."""
        with self.database.autocommit() as connection:
            return rotation.live_of(connection, user.id, self.clock.now())

    def revoke_sessions(self, user: User | None) -> tuple[int, bool]:
        """Revoke every family of `user`, or of everybody."""
        which = rotation.of_user(user.id) if user else true()
        with self.database.autocommit() as connection:
            ended = rotation.revoke(connection, which, rotation.ADMIN, self.clock.now())
        return self._ended("sessions_revoked", ended, user)

    def disable(self, user: User) -> tuple[int, bool]:
        """Shut an account: no log-in, no refresh, and its access tokens die at once."""
        now = self.clock.now()
        with self.database.transaction() as connection:
            accounts.disable(connection, user.id, now)
            ended = rotation.revoke(connection, rotation.of_user(user.id), rotation.ADMIN, now)
        return self._ended("user_disabled", ended, user)

    def enable(self, user: User) -> None:
        """Open a disabled account again; its owner logs in anew."""
        with self.database.transaction() as connection:
            accounts.enable(connection, user.id)
        self.audit.record("user_enabled", user_id=user.id)

    def delete(self, user: User) -> tuple[int, bool]:
        """Erase an account, free its address and end its sessions at once."""
        now = self.clock.now()
        with self.database.transaction() as connection:
            accounts.erase(connection, user.id, now)
            ended = rotation.revoke(connection, rotation.of_user(user.id), rotation.ADMIN, now)
        return self._ended("user_deleted", ended, user)

    def prune(self) -> tuple[int, int]:
        """Delete families past their absolute life, in batches; return families and accounts."""
        pruned = 0
        while batch := self._prune_batch():
            pruned += batch
        with self.database.transaction() as connection:
            erased = accounts.prune_erased(connection, select(families.c.user_id))
        return pruned, erased

    def _prune_batch(self) -> int:
        with self.database.transaction() as connection:
            return rotation.prune(connection, self.clock.now())

    def _ended(self, event: str, ended: list[Ended], user: User | None) -> tuple[int, bool]:
        told = self.denylist.deny(ended)
        self.audit.record(event, user_id=user.id if user else "all", families=len(ended))
        return len(ended), told
