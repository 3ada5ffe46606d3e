"""The clock. No other module reads the time of day, so that tests can set it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """The machine's clock."""

    def now(self) -> int:
        """Return whole seconds since 1970, UTC: the NumericDate of RFC 7519."""
        return int(time.time())

    monotonic = staticmethod(time.monotonic)
    """Returns seconds of a clock that is never set back, to measure durations."""


def rfc3339(seconds: int) -> str:
    """Return a UTC time as RFC 3339 text, such as 2026-11-23T08:27:00Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
