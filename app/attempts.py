"""Attempts at a password: counted, verified, and forgiven when they were right."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.accounts import models as accounts
from app.accounts.devices import Devices
from app.accounts.models import User
from app.accounts.passwords import Passwords
from app.audit import Client
from app.database import Database
from app.errors import Busy, InvalidRequest
from app.throttle import Throttle


@dataclass(frozen=True)
class Attempts:
    """Verifies passwords, with the parts that takes."""

    database: Database
    passwords: Passwords
    devices: Devices
    throttle: Throttle

    def right(self, key: str, user: User | None, password: str, client: Client) -> bool:
        """Tell whether `password` is that of `user`; None costs the same and is never right.

        `key` is what attempts at the account are counted under, whether it exists or not.

        Raises:
            TooManyAttempts, Busy, InvalidRequest.

        """
        known = self.devices.read(client.device, key)
        buckets = self.throttle.log_in(key, client.ip, known)
        try:
            right = self.passwords.verify(user.password_hash if user else None, password)
        except (Busy, InvalidRequest):
            self.throttle.give_back(buckets)
            raise
        if right:
            self.throttle.forgive(buckets)
        return right

    def rehashed(self, user: User, password: str) -> User:
        """Return `user` with a hash of today's parameters, stored if it had another.

        Raises:
            Busy.

        """
        if not self.passwords.outdated(user.password_hash):
            return user
        hashed = self.passwords.hash(password)
        with self.database.transaction() as connection:
            if accounts.still_enabled(connection, user, password_hash=hashed):
                return replace(user, password_hash=hashed)
            fresh = accounts.find(connection, user.id)
        # Another log-in was first, which is fine, or the password was changed, which is not.
        return fresh if fresh and self.passwords.verify(fresh.password_hash, password) else user
