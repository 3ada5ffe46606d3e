"""Attempts per account, per address and per family, counted in Redis before the work is done.

Counting is one atomic increment, so parallel guesses cannot slip through between a look and a
count. Each limit is a window that ends by itself: nothing a stranger does locks an account for
good, and a browser the owner has logged in with before is counted apart (`accounts/devices`).

The network is counted first, so that an address that is used up cannot use up accounts as well.
Failures and successes are counted: a success gives its failures back, and stays in the wider
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
from app.infra.buckets import (
    ACCOUNT,
    ALL_OF_ACCOUNT,
    CLEARED,
    GIVEN_BACK,
    KNOWN_DEVICE,
    OF_NETWORK,
    REFRESHES,
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
    """Limits shared by all workers through Redis.

    While Redis is out of reach each worker counts for itself with the same limits: stricter
    than none, and no reason to refuse everybody. Redis is asked again after a second: a log-in
    asks several times, and one that hangs would hold it up for as many timeouts.
    """

    def __init__(self, redis: Redis, prefix: str, clock: Clock) -> None:
        """Count under keys that begin with `prefix`."""
        storage = RedisStorage(
            "redis://", connection_pool=redis.connection_pool, key_prefix=f"{prefix}throttle"
        )
        self._shared: Final = FixedWindowRateLimiter(storage)
        self._local: Final = FixedWindowRateLimiter(MemoryStorage())
        self._clock: Final = clock
        self._backoff: Final = RedisBackoff(clock, logger)

    def network(self, ip: str) -> None:
        """Count an attempt at a password for its network, before the account is read.

        Raises:
            TooManyAttempts: when a limit of the network is used up.

        """
        self._count(of_network(ip))

    def log_in(
        self, account: str, ip: str, known_device: str = "", *, network_counted: bool = False
    ) -> tuple[Bucket, ...]:
        """Count an attempt at a password and return the buckets, for `forgive`.

        A known browser is counted by itself, and with the account's other known browsers alone:
        neither a stranger's guesses at the account nor a neighbour behind the same address can
        lock it out. `network_counted` says that
        `network` has counted the attempt.

        Raises:
            TooManyAttempts: when a limit is used up; also for a right password, and alike
                for accounts that do not exist.

        """
        if known_device:
            failures = Bucket("device", known_device, KNOWN_DEVICE, CLEARED)
            # Of all its known browsers: each log-in elsewhere makes one more.
            everything = Bucket("all_device", account, ALL_OF_ACCOUNT)
            self._count((failures, everything))
            return failures, everything
        failures = Bucket("account", account, ACCOUNT, CLEARED)
        everything = Bucket("all_account", account, ALL_OF_ACCOUNT)
        if not network_counted:
            self.network(ip)
        self._count((failures, everything))
        return *of_network(ip), failures, everything

    def register(self, ip: str) -> None:
        """Count a registration.

        Raises:
            TooManyAttempts: when the limit is used up.

        """
        self._count((Bucket("register", network(ip), REGISTRATIONS),))

    def refresh(self, family_id: str) -> None:
        """Count a refresh; the limit is far above what a person with many tabs needs.

        Raises:
            TooManyAttempts: when the limit is used up.

        """
        self._count((Bucket("refresh", family_id, REFRESHES),))

    def forgive(self, buckets: tuple[Bucket, ...]) -> None:
        """Forget the account's failures and give the network its attempt back: it succeeded."""
        for bucket in buckets:
            if bucket.success == CLEARED:
                self._on_either(_clear, bucket)
            elif bucket.success == GIVEN_BACK:
                self._on_either(_give_back, bucket)

    def give_back(self, buckets: tuple[Bucket, ...]) -> None:
        """Take back from the account an attempt that never reached its password.

        It stays counted for its network, which had the server work for it.
        """
        for bucket in buckets:
            if bucket.kind not in OF_NETWORK:
                self._on_either(_give_back, bucket)

    def _count(self, buckets: tuple[Bucket, ...]) -> None:
        """Count in one bucket after the other, up to the first that is full.

        The buckets after it do not hear of the attempt, and those of the account before it get
        it back: a request that is refused uses up nobody's attempts.
        """
        for number, bucket in enumerate(buckets):
            wait = self._on_either(_hit, bucket)
            if wait is not None:
                self.give_back(buckets[:number])
                raise TooManyAttempts(
                    reason=f"limit_{bucket.kind}",
                    retry_after=max(1, math.ceil(wait - self._clock.now())),
                )

    def _on_either(self, act: Callable[[FixedWindowRateLimiter, Bucket], T], bucket: Bucket) -> T:
        if self._backoff.active():
            return act(self._local, bucket)
        try:
            return act(self._shared, bucket)
        except RedisError as error:
            self._backoff.start()
            kind = type(error).__name__
            self._backoff.warn("redis unreachable, limits are per worker: %s", kind)
            return act(self._local, bucket)


def _hit(limiter: FixedWindowRateLimiter, bucket: Bucket) -> float | None:
    """Count in one window after the other; return when the first full one ends, or None."""
    for item in bucket.limits:
        if not limiter.hit(item, bucket.kind, bucket.key):
            # What the short window refuses is no attempt, and does not fill the long one.
            return limiter.storage.get_expiry(item.key_for(bucket.kind, bucket.key))
    return None


def _clear(limiter: FixedWindowRateLimiter, bucket: Bucket) -> None:
    for item in bucket.limits:
        limiter.clear(item, bucket.kind, bucket.key)


def _give_back(limiter: FixedWindowRateLimiter, bucket: Bucket) -> None:
    for item in bucket.limits:
        key = item.key_for(bucket.kind, bucket.key)
        limiter.storage.incr(key, item.get_expiry(), amount=-1)
