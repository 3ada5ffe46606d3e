"""What must be known of Redis before it is believed: its connections, and what it says."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from typing import Any, Final

from redis import Redis, ResponseError
from redis.connection import AbstractConnection

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
