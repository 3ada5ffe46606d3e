"""Attempts at the throttle, by the dozen."""

from collections.abc import Callable

from app.errors import TooManyAttempts
from app.infra.throttle import Throttle

ADA, EVE = "ada@example.com", "eve@example.com"
HERE, THERE = "192.0.2.1", "198.51.100.7"


def allowed(attempt: Callable[[], object], tries: int = 2000) -> int:
    """Count how often something may be done before it is refused."""
    for done in range(tries):
        try:
            attempt()
        except TooManyAttempts:
            return done
    return tries


def from_many_places(throttle: Throttle, account: str, device: str = "") -> Callable[[], object]:
    places = (f"10.1.{number // 250}.{number % 250}" for number in range(60_000))
    return lambda: throttle.log_in(account, next(places), device)


def on_many_accounts(throttle: Throttle, ip: str) -> Callable[[], object]:
    accounts = (f"user{number}@example.com" for number in range(60_000))
    return lambda: throttle.log_in(next(accounts), ip)
