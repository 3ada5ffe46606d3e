"""The marker: the Redis key that says whose memory this is, and since when it is whole.

Its value is `server.second.random`: the server it was made on, when, and 128 random bits, so that
no two losses of memory leave the same value. Whoever finds it missing, or made on another server,
replaces it. All others then see a value under which they have not written the list.
"""

from __future__ import annotations

import re
import secrets
from typing import Final, cast

from redis import Redis

from app.infra.clock import Clock
from app.tokens.nonces import Nonces

RANDOM_BYTES: Final = 16
REPLACE: Final = """
if (redis.call("get", KEYS[1]) or "") == ARGV[1] then redis.call("set", KEYS[1], ARGV[2]) end
return redis.call("get", KEYS[1])
"""

_VALUE: Final = re.compile(rb"([0-9a-f]+)\.([0-9]{1,12})\.[A-Za-z0-9_-]+")


class Marker:
    """Reads, makes and replaces the marker."""

    def __init__(self, name: str, leeway: int, clock: Clock, nonces: Nonces) -> None:
        """Keep it under the key `name`; clocks may differ by `leeway` seconds."""
        self.name: Final = name
        self._nonces: Final = nonces
        self.leeway: Final = leeway
        self._clock: Final = clock

    def of_server(self, redis: Redis, identity: str) -> tuple[bytes | None, bytes]:
        """Return the value that was there, and the one that is there now for this server.

        A value is replaced when it was made on another server, or by a clock that is far ahead:
        that one would date out every nonce until then.

        Raises:
            redis.RedisError: when it cannot be read, or cannot be written.

        """
        now = self._clock.now()
        found = cast("bytes | None", redis.get(self.name))
        if found and self._fits(found, identity, now):
            return found, found
        made = f"{identity}.{self._nonces.loss_time(now)}.{secrets.token_urlsafe(RANDOM_BYTES)}"
        return found, cast("bytes", redis.eval(REPLACE, 1, self.name, found or "", made))

    def created(self, value: bytes | None) -> int:
        """Return when the memory that a value stands for began, in seconds, UTC.

        No value, or none of ours, is a loss that was noticed just now. No loss is in the future.
        """
        now = self._clock.now()
        match = _VALUE.fullmatch(value) if value else None
        return min(int(match[2]), now + self.leeway) if match else self._nonces.loss_time(now)

    def _fits(self, value: bytes, identity: str, now: int) -> bool:
        match = _VALUE.fullmatch(value)
        if match is None:
            return False
        return match[1] == identity.encode() and int(match[2]) <= now + self.leeway
