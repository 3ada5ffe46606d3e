"""Since when this process does without Redis, shared by the denylist and the replay cache."""

from __future__ import annotations

import logging
import threading
from typing import Final

from app.infra.clock import Clock
from app.tokens.nonces import Nonces

REDIS_BACKOFF_SECONDS: Final = 1.0
LOG_SECONDS: Final = 60.0

logger: Final = logging.getLogger("latchkey.denylist")


class Outage:
    """Redis is out of reach, or answers and is not believed. Safe to share between threads."""

    def __init__(self, clock: Clock, nonces: Nonces) -> None:
        """Begin in good health; an outage dates the nonces out that were made before it."""
        self.since: int | None = None
        """The newest nonce from before this process stopped relying on Redis; None if it does."""
        self.losses = 0
        """How many commands failed: each may have been an entry that was not written."""
        self._clock: Final = clock
        self._nonces: Final = nonces
        self._rest_until = 0.0
        self._next_log_at = 0.0
        self._lock: Final = threading.Lock()

    def resting(self) -> bool:
        """Tell whether Redis failed a moment ago and is not asked just now."""
        return self._clock.monotonic() < self._rest_until

    def lost(self, error: Exception) -> None:
        """Note that a command failed; Redis rests for a second."""
        with self._lock:
            self.losses += 1
            self._rest_until = self._clock.monotonic() + REDIS_BACKOFF_SECONDS
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
            if losses != self.losses:
                return
            self.since = None
            if self._next_log_at:
                self._next_log_at = 0.0
                logger.warning("redis is back, %d revoked families written again", written)

    def _begin(self, how: str, detail: str) -> None:
        if self.since is None:
            self.since = self._nonces.newest(self._clock.now())
            self._nonces.outdate(self.since)
        now = self._clock.monotonic()
        if now >= self._next_log_at:
            self._next_log_at = now + LOG_SECONDS
            logger.warning("redis %s, asking the database: %s", how, detail)
