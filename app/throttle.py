"""Attempts per account, per address and per family, counted in Redis before the work is done.

Counting is one atomic increment, so parallel guesses cannot slip through between a look and a
count. Each limit is a window that ends by itself: nothing a stranger does locks an account for
good, and a browser the owner has logged in with before is counted apart (`accounts/devices`).
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis import Redis, RedisError

from app.clock import Clock
from app.errors import TooManyAttempts

T = TypeVar("T")

ACCOUNT: Final = tuple(parse_many("5/5minute;20/hour"))
KNOWN_DEVICE: Final = tuple(parse_many("10/5minute;60/hour"))
ADDRESS: Final = tuple(parse_many("30/minute;300/hour"))
REGISTRATIONS: Final = tuple(parse_many("120/minute;1000/hour"))
REFRESHES: Final = tuple(parse_many("1200/minute"))
OUTAGE_LOG_SECONDS: Final = 60.0

logger: Final = logging.getLogger("latchkey.throttle")


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is counted: a kind with its limits, and a name that is hashed before it is stored."""

    kind: str
    name: str
    limits: tuple[RateLimitItem, ...]


class Throttle:
    """Limits shared by all workers through Redis.

    While Redis is out of reach each worker counts for itself with the same limits: stricter
    than none, and no reason to refuse everybody.
    """

    def __init__(self, redis: Redis, prefix: str, clock: Clock) -> None:
        """Count under keys that begin with `prefix`."""
        storage = RedisStorage(
            "redis://", connection_pool=redis.connection_pool, key_prefix=f"{prefix}throttle"
        )
        self._shared: Final = FixedWindowRateLimiter(storage)
        self._local: Final = FixedWindowRateLimiter(MemoryStorage())
        self._clock: Final = clock
        self._quiet_until = 0.0

    def log_in(self, account: str, ip: str, known_device: str = "") -> tuple[Bucket, ...]:
        """Count an attempt at a password and return the buckets, for `forgive`.

        Raises:
            TooManyAttempts: when a limit is used up; also for a right password, and alike
                for accounts that do not exist.

        """
        if known_device:
            whose = Bucket("device", known_device, KNOWN_DEVICE)
        else:
            whose = Bucket("account", account, ACCOUNT)
        buckets = (whose, Bucket("address", _network(ip), ADDRESS))
        self._count(buckets)
        return buckets

    def register(self, ip: str) -> None:
        """Count a registration.

        Raises:
            TooManyAttempts: when the limit is used up.

        """
        self._count((Bucket("register", _network(ip), REGISTRATIONS),))

    def refresh(self, family_id: str) -> None:
        """Count a refresh; the limit is far above what a person with many tabs needs.

        Raises:
            TooManyAttempts: when the limit is used up.

        """
        self._count((Bucket("refresh", family_id, REFRESHES),))

    def forgive(self, buckets: tuple[Bucket, ...]) -> None:
        """Forget the account's failures and give the address its attempt back: it succeeded."""
        whose, address = buckets
        self._on_either(lambda limiter: _clear(limiter, whose))
        self.give_back((address,))

    def give_back(self, buckets: tuple[Bucket, ...]) -> None:
        """Take back an attempt that never reached the password."""
        for bucket in buckets:
            self._on_either(lambda limiter, b=bucket: _give_back(limiter, b))  # type: ignore[misc]

    def _count(self, buckets: tuple[Bucket, ...]) -> None:
        for bucket in buckets:
            wait = self._on_either(lambda limiter, b=bucket: _hit(limiter, b))  # type: ignore[misc]
            if wait is not None:
                raise TooManyAttempts(
                    reason=f"limit_{bucket.kind}",
                    retry_after=max(1, math.ceil(wait - self._clock.now())),
                )

    def _on_either(self, act: Callable[[FixedWindowRateLimiter], T]) -> T:
        try:
            return act(self._shared)
        except RedisError as error:
            if self._clock.monotonic() >= self._quiet_until:
                self._quiet_until = self._clock.monotonic() + OUTAGE_LOG_SECONDS
                logger.warning(
                    "redis unreachable, limits are per worker: %s", type(error).__name__
                )
            return act(self._local)


def _hit(limiter: FixedWindowRateLimiter, bucket: Bucket) -> float | None:
    """Count in one window after the other; return when the first full one ends, or None."""
    key = _digest(bucket)
    for item in bucket.limits:
        if not limiter.hit(item, bucket.kind, key):
            # What the short window refuses is no attempt, and does not fill the long one.
            return limiter.get_window_stats(item, bucket.kind, key).reset_time
    return None


def _clear(limiter: FixedWindowRateLimiter, bucket: Bucket) -> None:
    for item in bucket.limits:
        limiter.clear(item, bucket.kind, _digest(bucket))


def _give_back(limiter: FixedWindowRateLimiter, bucket: Bucket) -> None:
    for item in bucket.limits:
        key = item.key_for(bucket.kind, _digest(bucket))
        limiter.storage.incr(key, item.get_expiry(), amount=-1)


def _digest(bucket: Bucket) -> str:
    return hashlib.sha256(bucket.name.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _network(ip: str) -> str:
    """Return what one visitor cannot leave at will: an IPv4 address, or an IPv6 /64."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
