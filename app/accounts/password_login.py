"""Attempts to log in with a password: counted, verified, and given back on success."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from app.accounts import queries as accounts
from app.accounts.hash_queue import HashQueue, Place
from app.accounts.known_browsers import KnownBrowsers
from app.accounts.models import User
from app.accounts.password_policy import PasswordPolicy
from app.accounts.passwords import Passwords
from app.errors import Busy, InvalidRequest
from app.infra.audit import Client
from app.infra.clock import Clock
from app.infra.database import Database
from app.infra.throttle import Throttle


@dataclass(frozen=True)
class PasswordLogin:
    """Verifies passwords, with the parts that takes."""

    database: Database
    passwords: Passwords
    policy: PasswordPolicy
    queue: HashQueue
    known_browsers: KnownBrowsers
    throttle: Throttle
    clock: Clock

    @contextmanager
    def place(self, client: Client) -> Iterator[Place]:
        """Hold a place in the queue for hashes: the first thing that is done for an attempt.

        The account is not read yet. A valid signature is enough for a known browser's place,
        and `verify` takes that away when the mark is another account's. Without a mark the
        browser is a stranger for certain: its network is counted now, so that one that is used
        up costs no look at the database.

        Raises:
            Busy: when none is free for this client.
            TooManyAttempts: when a limit of the network is used up.

        """
        mark = self.known_browsers.read(client.device, self.clock.now())
        with self.queue.place(client, known=mark is not None) as place:
            if mark is None:
                self.throttle.network(client.ip)
            yield place

    def verify(
        self, key: str, user: User | None, password: str, place: Place, *, in_session: bool = False
    ) -> bool:
        """Tell whether `password` is that of `user`; None costs the same and is never right.

        Attempts are counted under the account's id, so that an account registered again under
        the same address inherits none. `key` stands for an account that does not exist. Who
        asks `in_session` has a live session of `user`, and keeps a known browser's place.

        Raises:
            TooManyAttempts, Busy, InvalidRequest.

        """
        client, counted = place.client, not place.known
        known = self.known_browsers.known(client.device, user, self.clock.now())
        if place.known and not known and not in_session:
            # One account of one's own gives marks to any number of machines.
            place.become_open()
        account, stored = (user.id, user.password_hash) if user else (key, None)
        buckets = self.throttle.log_in(account, client.ip, known, network_counted=counted)
        try:
            right = place.run(self.passwords.verify, stored, password)
        except (Busy, InvalidRequest):
            self.throttle.give_back(buckets)
            raise
        if right:
            self.throttle.forgive(buckets)
        return right

    def upgrade_hash(self, user: User, password: str, place: Place) -> User:
        """Return `user` with a hash of today's parameters, stored if it had another.

        Raises:
            Busy.

        """
        if not self.passwords.outdated(user.password_hash):
            return user
        hashed = place.run(self.passwords.hash, password)
        found = self.database.transact(_rehash, user, hashed)
        if found is None or found.password_hash == hashed:
            return found or user
        # Another log-in was first, which is fine, or the password was changed, which is not.
        return found if place.run(self.passwords.verify, found.password_hash, password) else user


def _rehash(connection: Connection, user: User, hashed: str) -> User | None:
    if accounts.update_if_unchanged(connection, user, password_hash=hashed):
        return replace(user, password_hash=hashed)
    return accounts.find(connection, user.id)
