"""Redis: its connections, what a server says of itself, and what to do while it is away."""

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

REDIS_BACKOFF_SECONDS: Final = 1.0
LOG_SECONDS: Final = 60.0
NO_EVICTION: Final = "noeviction"
PRIMARY: Final = "master"


@dataclass(frozen=True)
class ServerFacts:
    """What a Redis server says of itself; None or empty when it does not say.

    `identity` changes whenever the server's memory may: with its process, with its place in a
    replication (a promotion, a copy taken from another server), and with every evicted key.
    """

    time: int
    eviction: str
    persistent: bool | None
    role: str
    identity: str

    @property
    def distrust(self) -> str:
        """Why the denylist does not rely on this server, and what to do; empty when it does.

        The policy decides and not `maxmemory`, which can be set at any moment. What a server
        does not say counts against it: an entry that was evicted lets a revoked token in.
        """
        if not (self.eviction and self.role and self.identity):
            return "does not say whether it evicts, and who it is; allow the command INFO"
        if self.eviction != NO_EVICTION:
            return f"evicts keys ({self.eviction}); set maxmemory-policy to noeviction"
        if self.role != PRIMARY:
            return f"is no primary ({self.role}); name the primary in REDIS_URL"
        return ""


class RedisBackoff:
    """Leaves Redis alone for a second after a failure, and logs at most one warning a minute.

    Without the pause, each request would wait for a server that hangs. Safe to share between
    threads: at worst two of them log the same failure.
    """

    def __init__(self, clock: Clock, logger: logging.Logger) -> None:
        """Measure time by `clock` and log to `logger`."""
        self._clock: Final = clock
        self._logger: Final = logger
        self._until = 0.0
        self._next_log_at = 0.0

    def active(self) -> bool:
        """Tell whether Redis failed a moment ago and must not be asked now."""
        return self._clock.monotonic() < self._until

    def start(self) -> None:
        """Leave Redis alone from now on, for `REDIS_BACKOFF_SECONDS`."""
        self._until = self._clock.monotonic() + REDIS_BACKOFF_SECONDS

    def warn(self, message: str, *values: object) -> None:
        """Log a warning, unless this has logged one within the last `LOG_SECONDS`."""
        now = self._clock.monotonic()
        if now >= self._next_log_at:
            self._next_log_at = now + LOG_SECONDS
            self._logger.warning(message, *values)

    def recovered(self, message: str, *values: object) -> None:
        """Log that what was warned of is over, if it was; the next warning is logged at once."""
        if self._next_log_at:
            self._next_log_at = 0.0
            self._logger.warning(message, *values)


class ConnectionCount:
    """Counts the connections a Redis client opens; pass it as its `redis_connect_func`."""

    def __init__(self) -> None:
        """Start at none."""
        self.opened = 0
        self._numbers: Final = itertools.count(1)

    def __call__(self, connection: AbstractConnection) -> None:
        """Greet the server as redis-py would, then count."""
        connection.on_connect()  # type: ignore[no-untyped-call]
        self.opened = next(self._numbers)


@dataclass(frozen=True)
class RedisLink:
    """The ways to Redis: the shared client, its count of connections, and a connection apart.

    `connect` opens a client whose one connection goes where new connections go, and that never
    repeats a command on another one.
    """

    redis: Redis
    opened: ConnectionCount
    connect: Callable[[], Redis]


def server_facts(redis: Redis) -> ServerFacts:
    """Ask Redis for what decides whether it may be relied on.

    Raises:
        redis.RedisError: when it does not answer.

    """
    seconds, _ = redis.time()
    try:
        info: dict[str, Any] = redis.info()
    except ResponseError:  # forbidden by an ACL, or a proxy that does not know it
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
