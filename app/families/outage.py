"""Since when this process does without Redis, shared by the denylist and the replay cache."""

from __future__ import annotations

import logging
import threading
from typing import Final

from app.infra.clock import Clock
from app.infra.redis import RedisBackoff
from app.tokens.nonces import Nonces

logger: Final = logging.getLogger("latchkey.denylist")


class Outage:
    """Redis is out of reach, or answers and is not believed. Safe to share between threads."""

    def __init__(self, clock: Clock, nonces: Nonces) -> None:
        """Begin in good health; an outage makes the nonces from before it too old."""
        self.since: int | None = None
        """The newest nonce from before this process stopped relying on Redis; None if it does."""
        self.losses = 0
        """How many commands failed: each may have been an entry that was not written."""
        self._clock: Final = clock
        self._nonces: Final = nonces
        self._backoff: Final = RedisBackoff(clock, logger)
        self._lock: Final = threading.Lock()
        self.backing_off: Final = self._backoff.active

    def mark_redis_down(self, error: Exception) -> None:
        """Note that a command failed with `error`; Redis is left alone for a second."""
        with self._lock:
            self.losses += 1
            self._backoff.start()
            self._begin("unreachable", type(error).__name__)

    def distrust(self, reason: str) -> None:
        """Note that Redis answers and is not believed, because it `reason`."""
        with self._lock:
            self._begin("not believed", f"it {reason}")

    def over(self, written: int, losses: int) -> None:
        """Note that Redis is relied on again, after `written` entries were written.

        `losses` is the count from before they were: a command that failed since begins anew.
        """
        with self._lock:
            if losses == self.losses:
                self.since = None
                self._backoff.recovered(
                    "redis is back, %d revoked families written again", written
                )

    def _begin(self, how: str, detail: str) -> None:
        if self.since is None:
            self.since = self._nonces.newest(self._clock.now())
            self._nonces.outdate(self.since)
        self._backoff.warn("redis %s, asking the database: %s", how, detail)
