"""How many messages of a kind one address gets."""

import pytest

from app.infra.throttle import Throttle

ADA = "ada@example.com"
EVE = "eve@example.com"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Only one: nothing here asks the database."""
    return sqlite_url


def test_an_address_gets_three_messages_of_a_kind_an_hour(throttle: Throttle) -> None:
    assert [throttle.mail("reset", ADA) for _ in range(5)] == [True] * 3 + [False] * 2
    assert throttle.mail("reset", EVE)
    assert throttle.mail("registration", ADA)


def test_an_address_gets_one_note_of_a_kind_a_day(throttle: Throttle) -> None:
    assert [throttle.note("reset", ADA) for _ in range(3)] == [True, False, False]
    assert throttle.note("reset", EVE)
    assert throttle.note("registration", ADA)


def test_notes_and_other_messages_are_counted_apart(throttle: Throttle) -> None:
    assert throttle.note("reset", ADA)
    assert [throttle.mail("reset", ADA) for _ in range(4)] == [True] * 3 + [False]
