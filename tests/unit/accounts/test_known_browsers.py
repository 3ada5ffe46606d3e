from dataclasses import replace

import pytest

from app.accounts.known_browsers import (
    FUTURE_SECONDS,
    LIFE_SECONDS,
    RENEWAL_SECONDS,
    KnownBrowsers,
)
from app.accounts.models import User
from tests.support.clock import NOW

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
ADA = User("a" * 22, "ada@example.com", "hash", NOW - 100, NOW - 50, None, None)
EVE = User("e" * 22, "eve@example.com", "hash", NOW - 100, NOW - 50, None, None)
DEVICES = KnownBrowsers(KEY)


def test_a_browser_is_known_by_its_mark() -> None:
    mark = DEVICES.renew("", ADA, NOW)
    assert DEVICES.count_key(mark, ADA, NOW)
    assert DEVICES.count_key(mark, ADA, NOW) == DEVICES.count_key(mark, ADA, NOW + 1)


def test_two_browsers_are_told_apart() -> None:
    """Otherwise one could use up the other's attempts."""
    first, second = (DEVICES.renew("", ADA, NOW) for _ in range(2))
    assert DEVICES.count_key(first, ADA, NOW) != DEVICES.count_key(second, ADA, NOW)


def test_a_mark_is_of_one_account() -> None:
    mark = DEVICES.renew("", EVE, NOW)
    assert DEVICES.read(mark, NOW)
    assert DEVICES.count_key(mark, ADA, NOW) == ""
    assert DEVICES.count_key(mark, None, NOW) == ""


@pytest.mark.parametrize(
    "later",
    [replace(ADA, password_changed_at=NOW), replace(ADA, id="b" * 22)],
    ids=["new-password", "new-account-of-the-address"],
)
def test_a_mark_ends_with_the_password_and_the_account(later: User) -> None:
    mark = DEVICES.renew("", ADA, NOW)
    assert DEVICES.count_key(mark, later, NOW) == ""


@pytest.mark.parametrize(
    ("age", "known"),
    [
        (-FUTURE_SECONDS - 1, False),
        (-FUTURE_SECONDS, True),
        (0, True),
        (LIFE_SECONDS - 1, True),
        (LIFE_SECONDS, False),
    ],
)
def test_a_mark_lives_for_180_days(age: int, known: bool) -> None:  # noqa: FBT001 - it is what is tested
    """A thief who copied the mark ignores the cookie's Max-Age."""
    mark = DEVICES.renew("", ADA, NOW)
    assert bool(DEVICES.count_key(mark, ADA, NOW + age)) is known
    assert bool(DEVICES.read(mark, NOW + age)) is known


def test_a_good_mark_is_kept_and_another_is_renewed() -> None:
    mark = DEVICES.renew("", ADA, NOW)
    assert DEVICES.renew(mark, ADA, NOW + RENEWAL_SECONDS - 1) == ""
    assert DEVICES.renew(mark, ADA, NOW + RENEWAL_SECONDS)
    assert DEVICES.renew(mark, EVE, NOW)
    assert DEVICES.renew(mark, replace(ADA, password_changed_at=NOW), NOW)
    assert DEVICES.renew(mark + "x", ADA, NOW)


def test_a_mark_of_another_key_is_not_known() -> None:
    mark = KnownBrowsers(OTHER_KEY).renew("", ADA, NOW)
    assert DEVICES.read(mark, NOW) is None
    assert DEVICES.count_key(mark, ADA, NOW) == ""


@pytest.mark.parametrize(
    "mark",
    ["", ".", "..", "a.b", "\u00fc", "\ud800", "x" * 5000, "bnVsbA.AAAA", "\0"],
    ids=["empty", "dot", "dots", "letters", "umlaut", "surrogate", "long", "null", "nul"],
)
def test_nonsense_is_not_known(mark: str) -> None:
    assert DEVICES.read(mark, NOW) is None


@pytest.mark.parametrize(
    "value",
    [
        *(None, 7, "text", "four", {}, {"a": 1}, [], ["one"], ["a", "b", "c"]),
        *(["a", "b", "c", "d"], ["a", None, 1, "d"], ["a", 1, 1, "d", "e"], [[], [], [], []]),
    ],
)
def test_a_signed_value_of_another_shape_is_not_known(value: object) -> None:
    signed = DEVICES._signer.dumps(value)  # noqa: SLF001 - nobody else can sign so
    assert DEVICES.read(str(signed), NOW) is None


def test_the_mark_on_a_shared_computer_does_not_show_the_address() -> None:
    mark = DEVICES.renew("", ADA, NOW)
    assert "ada" not in mark
    assert "example" not in mark
