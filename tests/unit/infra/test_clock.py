import time

import pytest

from app.infra.clock import Clock, rfc3339


def test_now_is_the_machines_time_in_whole_seconds() -> None:
    """The NumericDate of a token is an integer here."""
    before = int(time.time())
    now = Clock().now()
    assert type(now) is int
    assert before <= now <= int(time.time())


def test_monotonic_never_runs_backwards() -> None:
    clock = Clock()
    assert clock.monotonic() <= clock.monotonic()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_800_000_000, "2027-01-15T08:00:00Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (2**31, "2038-01-19T03:14:08Z"),
    ],
)
def test_rfc3339_is_utc_with_a_z(seconds: int, text: str) -> None:
    assert rfc3339(seconds) == text
