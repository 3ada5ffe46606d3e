"""Log-in attempts by the dozen."""

from flask import Flask
from werkzeug.test import TestResponse

from tests.support.app import services
from tests.support.client import EMAIL, Client, problem


def guess(app: Flask, email: str = EMAIL, times: int = 1, ip: str = "192.0.2.1") -> TestResponse:
    """Guess at an account from somewhere, in a browser that is not known; return the last."""
    for _ in range(times - 1):
        guess(app, email, ip=ip)
    return Client(app, email, "wrong wrong wrong", ip=ip).log_in()


def use_up(app: Flask, ip: str, times: int = 30) -> None:
    """Count that many guesses of an address, each at another account."""
    throttle = services(app).auth.throttle
    for number in range(times):
        throttle.log_in(f"{ip}-{number}@example.com", ip)


def throttled(answer: TestResponse) -> int:
    """Check that an answer is 429 and return when to come back."""
    problem(answer, 429, "too_many_attempts")
    assert "Set-Cookie" not in answer.headers
    seconds = int(answer.headers["Retry-After"])
    assert 0 < seconds <= 3600
    return seconds
