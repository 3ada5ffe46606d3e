"""Redis: connections, the properties of the server, and the pause after a failure.

`app.families` and `throttle` use this; `flask doctor` reports the properties.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis, ResponseError
from redis.connection import AbstractConnection

from app.infra.clock import Clock
from app.infra.outage_log import OutageLog

REDIS_BACKOFF_SECONDS: Final = 1.0
NO_EVICTION: Final = "noeviction"
PRIMARY: Final = "master"


@dataclass(frozen=True)
class ServerFacts:
    """Properties that a Redis server reports; None or empty when it does not report one.

    `time` is the server's clock in seconds, UTC; `eviction` its `maxmemory-policy`. `identity` is
    another value after any event that may lose keys: a restart, a promotion, a full copy from
    another server, an evicted key.
    """

    time: int
    eviction: str
    persistent: bool | None
    role: str
    identity: str

    @property
    def distrust(self) -> str:
        """Why the denylist must not trust this server, and how to change that; else empty.

        An evicted denylist entry would let a revoked token in. Only the policy is checked and not
        `maxmemory`, which can be set at any time. A property that is not reported counts as bad.
        """
        if not (self.eviction and self.role and self.identity):
            return "does not report its eviction policy and identity; allow the command INFO"
        if self.eviction != NO_EVICTION:
            return f"evicts keys ({self.eviction}); set maxmemory-policy to noeviction"
        if self.role != PRIMARY:
            return f"is not a primary ({self.role}); name the primary in REDIS_URL"
        return ""


class RedisBackoff(OutageLog):
    """Pauses the use of Redis for a second after a failure; logs at most one warning a minute.

    Without the pause, each request would wait for a server that does not answer. Safe to share
    between threads.
    """

    def __init__(self, clock: Clock, logger: logging.Logger) -> None:
        """Measure time by `clock` and log to `logger`."""
        super().__init__(clock, logger)
        self._until = 0.0

    def active(self) -> bool:
        """Return whether Redis failed within the last `REDIS_BACKOFF_SECONDS`."""
        return self._clock.monotonic() < self._until

    def start(self) -> None:
        """Begin a pause of `REDIS_BACKOFF_SECONDS`."""
        self._until = self._clock.monotonic() + REDIS_BACKOFF_SECONDS


class ConnectionCount:
    """Counts the connections that a Redis client opens; pass it as its `redis_connect_func`."""

    def __init__(self) -> None:
        """Start at zero."""
        self.opened = 0
        self._numbers: Final = itertools.count(1)

    def __call__(self, connection: AbstractConnection) -> None:
        """Do what redis-py does on a new connection, then count it."""
        connection.on_connect()  # type: ignore[no-untyped-call]
        self.opened = next(self._numbers)


@dataclass(frozen=True)
class RedisLink:
    """Access to Redis: the shared client, the count of its connections, and a separate client.

    `connect` returns a client with one new connection. It reaches the server that new connections
    reach now, and it never repeats a command on another connection.
    """

    redis: Redis
    opened: ConnectionCount
    connect: Callable[[], Redis]


def server_facts(redis: Redis) -> ServerFacts:
    """Ask the server for the properties that decide whether the denylist trusts it.

    Raises:
        redis.RedisError: when the server does not answer.

    """
    seconds, _ = redis.time()
    try:
        info: dict[str, Any] = redis.info()
    except ResponseError:  # an ACL forbids INFO, or a proxy does not support it
        info = {}
    persistent = bool(info["aof_enabled"]) if "aof_enabled" in info else None
    return ServerFacts(
        time=int(seconds),
        eviction=str(info.get("maxmemory_policy", "")),
        persistent=persistent,
        role=str(info.get("role", "")),
        identity=_identity(info),
    )


def _identity(info: dict[str, Any]) -> str:
    parts = [str(info.get(name, "")) for name in ("run_id", "master_replid", "evicted_keys")]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16] if all(parts) else ""
