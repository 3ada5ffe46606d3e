"""The clock of the tests."""

from typing import Final

from app.infra.clock import Clock

NOW: Final = 1_800_000_000


class SettableClock(Clock):
    """A clock that tests move: it stands still at `start`, or goes on with the machine's."""

    def __init__(self, start: int | None = None) -> None:
        self.start, self.ahead, self.waited = start, 0, 0.0

    def now(self) -> int:
        return (super().now() if self.start is None else self.start) + self.ahead

    def monotonic(self) -> float:
        return (super().monotonic() if self.start is None else 1000.0) + self.waited

    def forward(self, seconds: int) -> None:
        self.ahead += seconds
        self.waited += seconds
