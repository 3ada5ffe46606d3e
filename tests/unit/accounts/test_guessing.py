"""Which passwords an attacker guesses early, and which not."""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from zxcvbn import matching

from app.accounts.guessing import COMMON_PASSWORDS
from app.accounts.password_policy import PasswordPolicy
from app.errors import WeakPassword
from config import ROOT

EMAIL = "ada.lovelace@example.com"
LISTED = COMMON_PASSWORDS.read_text(encoding="ascii").partition("\n\n")[2].splitlines()
WORDS = (ROOT / "static" / "words.txt").read_text(encoding="ascii").splitlines()
# Estimating all of them would take minutes.
SOME = [password.lower() for password in LISTED[::200]]


def refused(passwords: list[str]) -> int:
    """Count the passwords that are refused as too common."""
    policy, count = PasswordPolicy(15), 0
    for password in passwords:
        try:
            policy.check(password, EMAIL)
        except WeakPassword as weak:
            count += [code for code, _ in weak.reasons] == ["too_common"]
    return count


def test_every_common_password_is_refused() -> None:
    """All 9,747 of at least 15 characters, as published (ASVS 6.2.4)."""
    assert len(LISTED) == 9_747
    assert min(map(len, LISTED)) == 15
    assert refused(LISTED) == 9_747


def test_no_generated_passphrase_is_refused() -> None:
    """None of 1,000, drawn as the pages draw them: five of 2,048 words, which are 55 bits."""
    assert len(set(WORDS)) == 2_048
    phrases = [" ".join(secrets.choice(WORDS) for _ in range(5)) for _ in range(1_000)]
    assert refused(phrases) == 0


@pytest.mark.parametrize(
    "decorate",
    [str.upper, str.capitalize, "{}1".format, "1{}".format, "{}!".format, lambda it: it[::-1]],
    ids=["capitals", "one capital", "digit after", "digit before", "sign after", "backwards"],
)
def test_a_decorated_common_password_is_refused(decorate: Callable[[str], str]) -> None:
    """An attacker who has the list also tries these changes."""
    assert refused([decorate(password) for password in SOME]) == len(SOME)


def test_two_passwords_at_once_are_estimated_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """All threads share the variable in which zxcvbn keeps the words about the user."""
    addresses = [f"{name}-{name[::-1]}@example.com" for name in ("quvzix", "wyhobk", "jexfup")]
    policy, match = PasswordPolicy(8), matching.omnimatch

    def match_later(*given: Any) -> Any:  # noqa: ANN401 - zxcvbn's own
        time.sleep(0.01)
        return match(*given)

    def judge(address: str) -> list[str]:
        with pytest.raises(WeakPassword) as weak:
            policy.check(address.partition("@")[0] + "1", address)
        return [code for code, _ in weak.value.reasons]

    monkeypatch.setattr(matching, "omnimatch", match_later)
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(judge, addresses)) == [["too_common"]] * 3
