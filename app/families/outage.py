"""Whether this process relies on Redis now; `denylist`, `denylist_sync` and `replay_cache` ask.

All three share one object, so that a failure that one of them sees counts for the others.
"""

from __future__ import annotations

import logging
import threading
from typing import Final

from app.infra.clock import Clock
from app.infra.redis import RedisBackoff
from app.tokens.nonces import Nonces

logger: Final = logging.getLogger("latchkey.denylist")


class Outage:
    """An outage lasts while Redis is unreachable or not trusted. Safe to share between threads."""

    def __init__(self, clock: Clock, nonces: Nonces) -> None:
        """Start without an outage. When one begins, `nonces` made until then are outdated."""
        self.since: int | None = None
        """The second of the newest nonce made before the outage; None while there is no outage."""
        self.failures = 0
        """How many commands have failed; each may have been an entry that was not written."""
        self._clock: Final = clock
        self._nonces: Final = nonces
        self._backoff: Final = RedisBackoff(clock, logger)
        self._lock: Final = threading.Lock()
        self.backing_off: Final = self._backoff.active

    def mark_redis_down(self, error: Exception) -> None:
        """Begin the outage because a command failed with `error`; `backing_off` is then true.

        `backing_off` is true for `REDIS_BACKOFF_SECONDS`.
        """
        with self._lock:
            self.failures += 1
            self._backoff.start()
            self._begin("unreachable", type(error).__name__)

    def distrust(self, reason: str) -> None:
        """Begin the outage because Redis is not trusted; `reason` completes "it ..."."""
        with self._lock:
            self._begin("not trusted", f"it {reason}")

    def end(self, written: int, failures: int) -> None:
        """End the outage, after `written` entries were written to Redis.

        `failures` is the count before they were written. When a command has failed since, the
        outage continues.
        """
        with self._lock:
            if failures == self.failures:
                self.since = None
                self._backoff.recovered(
                    "redis is back, %d revoked families written again", written
                )

    def _begin(self, state: str, detail: str) -> None:
        if self.since is None:
            self.since = self._nonces.newest(self._clock.now())
            self._nonces.outdate(self.since)
        self._backoff.warn("redis %s, asking the database: %s", state, detail)
