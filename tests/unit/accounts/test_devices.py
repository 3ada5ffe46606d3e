from __future__ import annotations

import pytest

from app.accounts.devices import Devices

KEY, OTHER_KEY = b"k" * 32, b"o" * 32


def test_a_browser_is_known_by_its_mark() -> None:
    """The owner's browser is recognised, and always as the same one."""
    devices = Devices(KEY)
    mark = devices.issue("ada@example.com")
    assert devices.read(mark, "ada@example.com")
    assert devices.read(mark, "ada@example.com") == devices.read(mark, "ada@example.com")


def test_two_browsers_are_told_apart() -> None:
    """Each has its own name to be counted under, so one cannot use up the other's attempts."""
    devices = Devices(KEY)
    first, second = (devices.issue("ada@example.com") for _ in range(2))
    assert devices.read(first, "ada@example.com") != devices.read(second, "ada@example.com")


def test_a_mark_is_of_one_account() -> None:
    """With a mark of an account of one's own, no other account's attempts are counted apart."""
    mark = Devices(KEY).issue("eve@example.com")
    assert Devices(KEY).read(mark, "ada@example.com") == ""


def test_a_mark_of_another_key_is_not_known() -> None:
    """Nobody makes a mark without the key."""
    mark = Devices(OTHER_KEY).issue("ada@example.com")
    assert Devices(KEY).read(mark, "ada@example.com") == ""


@pytest.mark.parametrize(
    "mark",
    ["", ".", "..", "a.b", "\u00fc", "\ud800", "x" * 5000, "bnVsbA.AAAA", "\0"],
    ids=["empty", "dot", "dots", "letters", "umlaut", "surrogate", "long", "null", "nul"],
)
def test_nonsense_is_not_known(mark: str) -> None:
    """Whatever a cookie holds, the answer is that this browser is a stranger."""
    assert Devices(KEY).read(mark, "ada@example.com") == ""


@pytest.mark.parametrize("value", [None, 7, "text", [], ["one"], ["a", "b", "c"], {}, {"a": 1}])
def test_a_signed_value_of_another_shape_is_not_known(value: object) -> None:
    """Also under our own signature only a pair is a mark."""
    with_our_digest = Devices(KEY)._signer.dumps(value)  # noqa: SLF001 - nobody else can sign so
    assert Devices(KEY).read(str(with_our_digest), "ada@example.com") == ""


def test_a_mark_does_not_show_the_address() -> None:
    """The cookie of a shared computer tells nobody whose account it was."""
    mark = Devices(KEY).issue("ada@example.com")
    assert "ada" not in mark
    assert "example" not in mark
