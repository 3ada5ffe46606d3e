"""Log the outage of a server without filling the log; `redis` and `app.mail` use this."""

from __future__ import annotations

import logging
from typing import Final

from app.infra.clock import Clock

LOG_SECONDS: Final = 60.0


class OutageLog:
    """Logs at most one warning a minute, and the end of the outage.

    Safe to share between threads; at worst two of them log the same failure.
    """

    def __init__(self, clock: Clock, logger: logging.Logger) -> None:
        """Measure time by `clock` and log to `logger`."""
        self._clock: Final = clock
        self._logger: Final = logger
        self._next_log_at = 0.0

    def warn(self, message: str, *values: object) -> None:
        """Log a warning, unless one was logged within the last `LOG_SECONDS`."""
        now = self._clock.monotonic()
        if now >= self._next_log_at:
            self._next_log_at = now + LOG_SECONDS
            self._logger.warning(message, *values)

    def recovered(self, message: str, *values: object) -> None:
        """Log the end of an outage if `warn` has logged it; the next `warn` logs again at once."""
        if self._next_log_at:
            self._next_log_at = 0.0
            self._logger.warning(message, *values)
