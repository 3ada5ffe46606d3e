"""The marker: one Redis key whose value changes whenever Redis may have lost data.

Its value is `server.second.random`: the identity of the Redis server, the time of the last loss,
and 128 random bits, so that no two losses have the same value. A process that finds no marker, or
one of another server, writes a new one. Every other process then reads a value under which it has
not written the denylist, and writes the list again (`denylist_sync`).
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Trusted:
    """The state of Redis under which a process has written the list (`denylist_sync`).

    `epoch` is the number of connections opened and of commands failed at that time, which
    `written_at` names on the monotonic clock. `lost_at` is when Redis last lost data before
    that, in seconds, UTC.
    """

    marker: bytes
    epoch: tuple[int, int]
    lost_at: int
    written_at: float


class Marker:
    """Reads and replaces the marker."""

    def __init__(self, name: str, leeway: int, clock: Clock, nonces: Nonces) -> None:
        """Keep the marker under the key `name`.

        `leeway` is by how many seconds the clocks of two hosts may differ.
        """
        self.name: Final = name
        self._nonces: Final = nonces
        self.leeway: Final = leeway
        self._clock: Final = clock

    def replace_if_stale(self, redis: Redis, identity: str) -> tuple[bytes | None, bytes]:
        """Replace a value that is not of the server `identity`; return the old and present value.

        The two are the same when nothing had to be replaced. A value with a time more than the
        leeway in the future is replaced too: it would outdate every nonce until that time.

        Raises:
            redis.RedisError: when the marker cannot be read or written.

        """
        now = self._clock.now()
        old = cast("bytes | None", redis.get(self.name))
        if old and self._is_current(old, identity, now):
            return old, old
        new = f"{identity}.{self._nonces.loss_time(now)}.{secrets.token_urlsafe(RANDOM_BYTES)}"
        # Several processes may do this at once: the script replaces only the value read above.
        return old, cast("bytes", redis.eval(REPLACE, 1, self.name, old or "", new))

    def lost_at(self, value: bytes | None) -> int:
        """Return the time of the last loss that the marker's `value` names, in seconds, UTC.

        A missing or malformed value means a loss that is noticed now. The result is at most the
        leeway in the future.
        """
        now = self._clock.now()
        match = _VALUE.fullmatch(value) if value else None
        return min(int(match[2]), now + self.leeway) if match else self._nonces.loss_time(now)

    def _is_current(self, value: bytes, identity: str, now: int) -> bool:
        match = _VALUE.fullmatch(value)
        if match is None:
            return False
        return match[1] == identity.encode() and int(match[2]) <= now + self.leeway
