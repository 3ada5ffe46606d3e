"""Clocks that tests move."""

from __future__ import annotations

from app.infra.clock import Clock

NOW = 1_800_000_000


class SetClock(Clock):
    """A clock that stands still until a test moves it."""

    def __init__(self, time: int = NOW) -> None:
        self.time = time
        self.waited = 1000.0

    def now(self) -> int:
        """Return the time of the day it is set to."""
        return self.time

    def monotonic(self) -> float:
        """Return the seconds that passed in this process."""
        return self.waited

    def forward(self, seconds: int) -> None:
        """Let time pass, by both measures."""
        self.time += seconds
        self.waited += seconds


class SettableClock(Clock):
    """A clock that tests move; the machine's own otherwise."""

    def __init__(self) -> None:
        self.ahead = 0

    def now(self) -> int:
        """Return the machine's time and what was added to it."""
        return super().now() + self.ahead

    def forward(self, seconds: int) -> None:
        """Let time pass."""
        self.ahead += seconds
