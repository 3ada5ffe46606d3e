"""Verify a password within the limits on attempts; `app.auth` calls this.

An attempt takes a place in the hash queue, is counted against the limits, and is verified. When
the password is right, its counts are cleared or reduced again (`app.infra.throttle`).

An attempt at an unknown account is verified too, so that the time does not show which accounts
exist; it is counted under the address (`account_key`). An attempt at an account is counted under
the account's id, so that a new account with the address of an erased one starts at zero.
"""

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
    """Verifies passwords, and replaces hashes that were made with old parameters."""

    database: Database
    passwords: Passwords
    policy: PasswordPolicy
    queue: HashQueue
    known_browsers: KnownBrowsers
    throttle: Throttle
    clock: Clock

    @contextmanager
    def place(self, client: Client) -> Iterator[Place]:
        """Hold a place in the hash queue inside the `with` block, before the account is read.

        A mark with a valid signature gives a place for known browsers; `verify` exchanges it when
        the mark is of another account. A browser without a mark is certainly not known, so its
        network is counted at once: a network whose limit is used up causes no database query.

        Raises:
            Busy: when no place is free for this client.
            TooManyAttempts: when the client has no mark and a limit of its network is used up.

        """
        mark = self.known_browsers.read(client.device, self.clock.now())
        with self.queue.place(client, known=mark is not None) as place:
            if mark is None:
                self.throttle.network(client.ip)
            yield place

    def verify(
        self, key: str, user: User | None, password: str, place: Place, *, in_session: bool = False
    ) -> bool:
        """Return whether `password` is the password of `user`.

        The attempt is counted under the user's id or, when `user` is None, under `key`.
        `in_session` means that the request has an active session of `user`, which keeps its place
        for known browsers without a mark.

        Raises:
            TooManyAttempts: when a limit of the account, the browser or the network is used up.
            Busy: when no open place is free, or the turn did not come in time. Not counted.
            InvalidRequest: when `password` is too long or not valid Unicode text. Not counted.

        """
        client, counted = place.client, not place.known
        browser_key = self.known_browsers.count_key(client.device, user, self.clock.now())
        if place.known and not browser_key and not in_session:
            # Anybody can get marks of an account of their own on any number of machines.
            place.become_open()
        account, stored = (user.id, user.password_hash) if user else (key, None)
        buckets = self.throttle.log_in(account, client.ip, browser_key, network_counted=counted)
        try:
            verified = place.run(self.passwords.verify, stored, password)
        except (Busy, InvalidRequest):
            self.throttle.refund(buckets)
            raise
        if verified:
            self.throttle.record_success(buckets)
        return verified

    def hash_new(self, password: str, email: str, client: Client) -> str:
        """Return the hash of a new password for the account with the address `email`.

        Whoever calls this has verified a mailed link: a stranger causes no work.

        Raises:
            WeakPassword: when the password is too short, too long, easy to guess, the address, or
                known from a breach.
            InvalidRequest: when `password` is not valid Unicode text.
            Busy: when the queue has no place for the client, or its turn did not come in time.

        """
        with self.queue.place(client) as place:
            self.policy.check(password, email)
            return place.run(self.passwords.hash, password)

    def upgrade_hash(self, user: User, password: str, place: Place) -> User:
        """Replace a hash of other than today's parameters; return `user` as it is stored then.

        When the password was changed since `user` was read, `user` is returned unchanged, and
        `update_if_unchanged` will refuse the log-in.

        Raises:
            Busy: when the turn for hashing did not come in time.

        """
        if not self.passwords.outdated(user.password_hash):
            return user
        hashed = place.run(self.passwords.hash, password)
        stored = self.database.transact(_store_hash, user, hashed)
        if stored is None or stored.password_hash == hashed:
            return stored or user
        # Either another log-in has upgraded the hash already, or the password was changed.
        verified = place.run(self.passwords.verify, stored.password_hash, password)
        return stored if verified else user


def _store_hash(connection: Connection, user: User, hashed: str) -> User | None:
    if accounts.update_if_unchanged(connection, user, password_hash=hashed):
        return replace(user, password_hash=hashed)
    return accounts.find(connection, user.id)
