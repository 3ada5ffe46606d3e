"""What must be known of Redis before it is believed: its connections, and its settings."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

from redis import Redis
from redis.connection import AbstractConnection


@dataclass(frozen=True)
class ServerFacts:
    """What a Redis server says of itself; None or empty when it does not say."""

    time: int
    eviction: str
    persistent: bool | None


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
    info = redis.info()
    persistent = bool(info["aof_enabled"]) if "aof_enabled" in info else None
    return ServerFacts(int(seconds), str(info.get("maxmemory_policy", "")), persistent)
