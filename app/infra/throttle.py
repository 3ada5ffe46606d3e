"""Limit log-in attempts, registrations and refreshes; `buckets` has the numbers.

`app.accounts.password_login` and `app.auth` count each attempt here before they do its work.

- Counting is one atomic increment in Redis, so parallel guesses cannot pass between a check and
  a count.
- Each limit is a window that ends by itself, so no attacker locks an account for good. Known
  browsers are counted separately (`app.accounts.known_browsers`).
- The network is counted first. When its limit is used up, its attempts count for no account.
- Failures and successes are counted. A success clears the account's failures, but stays in the
  count of all log-ins, because a right password costs as much to verify as a wrong one.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Final, TypeVar

from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis import Redis, RedisError

from app.errors import TooManyAttempts
from app.infra import counts
from app.infra.buckets import (
    ACCOUNT,
    ALL_OF_ACCOUNT,
    CLEARED,
    EXPORTS,
    KNOWN_BROWSER,
    MAILS,
    NETWORK_KINDS,
    NOTES,
    REFRESHES,
    REFUNDED,
    REGISTRATIONS,
    Bucket,
    of_network,
)
from app.infra.clock import Clock
from app.infra.networks import network
from app.infra.redis import RedisBackoff

T = TypeVar("T")

logger: Final = logging.getLogger("latchkey.throttle")


class Throttle:
    """Counts in Redis, for all workers together. Safe to share between threads.

    While Redis is unreachable, each worker counts in its own memory with the same limits, because
    refusing every log-in would be worse. Redis is tried again after a second: a log-in counts
    several times, and would wait for several timeouts.
    """

    def __init__(self, redis: Redis, prefix: str, clock: Clock) -> None:
        """Count under Redis keys that begin with `prefix`."""
        storage = RedisStorage(
            "redis://", connection_pool=redis.connection_pool, key_prefix=f"{prefix}throttle"
        )
        self._shared: Final = FixedWindowRateLimiter(storage)
        self._local: Final = FixedWindowRateLimiter(MemoryStorage())
        self._clock: Final = clock
        self._backoff: Final = RedisBackoff(clock, logger)

    def network(self, ip: str) -> None:
        """Count a log-in attempt for the network of `ip`, before the account is read.

        Raises:
            TooManyAttempts: when a limit of the network is used up.

        """
        self._count(of_network(ip))

    def log_in(
        self, account: str, ip: str, browser_key: str = "", *, network_counted: bool = False
    ) -> tuple[Bucket, ...]:
        """Count an attempt to verify a password; return the buckets it was counted in.

        The caller passes the buckets to `record_success` or `refund`. `browser_key` is not empty
        for a known browser. Its attempts count only for itself and for the account's known
        browsers together, so that neither guesses from elsewhere nor a neighbour with the same
        address can lock it out. `network_counted` says that `network` was called before.

        Raises:
            TooManyAttempts: when a limit is used up, whether or not the password is right or the
                account exists.

        """
        if browser_key:
            failures = Bucket("device", browser_key, KNOWN_BROWSER, CLEARED)
            # All known browsers together, because each log-in without a mark adds one.
            log_ins = Bucket("all_device", account, ALL_OF_ACCOUNT)
            self._count((failures, log_ins))
            return failures, log_ins
        failures = Bucket("account", account, ACCOUNT, CLEARED)
        log_ins = Bucket("all_account", account, ALL_OF_ACCOUNT)
        if not network_counted:
            self.network(ip)
        self._count((failures, log_ins))
        return *of_network(ip), failures, log_ins

    def register(self, ip: str) -> None:
        """Count a request for an account for the network of `ip`.

        Raises:
            TooManyAttempts: when the network's limit is used up.

        """
        self._count((Bucket("register", network(ip), REGISTRATIONS),))

    def email_change(self, user_id: str) -> None:
        """Count a request of an account to change its address.

        Raises:
            TooManyAttempts: when the account's limit is used up.

        """
        self._count((Bucket("email_change", user_id, MAILS),))

    def mail(self, kind: str, address: str) -> bool:
        """Count a message of `kind` to `address`; return whether it may be sent.

        A limit that is used up raises nothing, because the answer to whoever asked is the same.
        """
        return self._with_fallback(counts.hit, Bucket(f"mail_{kind}", address, MAILS)) is None

    def note(self, kind: str, address: str) -> bool:
        """Count a message that may go to `address` once a day; return whether it may be sent."""
        return self._with_fallback(counts.hit, Bucket(f"note_{kind}", address, NOTES)) is None

    def export(self, user_id: str) -> None:
        """Count an export of an account's data.

        Raises:
            TooManyAttempts: when the account's limit is used up.

        """
        self._count((Bucket("export", user_id, EXPORTS),))

    def refresh(self, family_id: str) -> None:
        """Count a refresh for its family, as `export`; a person's tabs never need so many."""
        self._count((Bucket("refresh", family_id, REFRESHES),))

    def record_success(self, buckets: tuple[Bucket, ...]) -> None:
        """Clear the failures of the account or browser, and uncount the network's attempt."""
        for bucket in buckets:
            if bucket.on_success == CLEARED:
                self._with_fallback(counts.clear, bucket)
            elif bucket.on_success == REFUNDED:
                self._with_fallback(counts.refund, bucket)

    def refund(self, buckets: tuple[Bucket, ...]) -> None:
        """Uncount an attempt, for the account, whose password was not verified in the end.

        It stays counted for its network, because it has cost the server work.
        """
        for bucket in buckets:
            if bucket.kind not in NETWORK_KINDS:
                self._with_fallback(counts.refund, bucket)

    def _count(self, buckets: tuple[Bucket, ...]) -> None:
        """Count in one bucket after the other, up to the first that is full.

        The later buckets are not counted, and the account's earlier ones are refunded, so that a
        refused request uses up no attempt of the account.
        """
        for number, bucket in enumerate(buckets):
            full_until = self._with_fallback(counts.hit, bucket)
            if full_until is not None:
                self.refund(buckets[:number])
                raise TooManyAttempts(
                    reason=f"limit_{bucket.kind}",
                    retry_after=max(1, math.ceil(full_until - self._clock.now())),
                )

    def _with_fallback(
        self, act: Callable[[FixedWindowRateLimiter, Bucket], T], bucket: Bucket
    ) -> T:
        if self._backoff.active():
            return act(self._local, bucket)
        try:
            return act(self._shared, bucket)
        except RedisError as error:
            self._backoff.start()
            name = type(error).__name__
            self._backoff.warn("redis unreachable, limits are per worker: %s", name)
            return act(self._local, bucket)
