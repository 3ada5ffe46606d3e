import time
import unicodedata
from types import SimpleNamespace
from typing import Literal

import pytest

from app.accounts import password_policy
from app.accounts.password_policy import MAX_CODE_POINTS, MAX_PASSWORD_BYTES, PasswordPolicy
from app.accounts.passwords import Passwords
from app.errors import InvalidRequest, WeakPassword

EMAIL = "ada.lovelace@example.com"
GOOD = "violet harbour anchors"
POLICY = PasswordPolicy(15)


@pytest.fixture(scope="module")
def cheap() -> Passwords:
    return Passwords(8, 1, 1)


def test_the_right_password_is_right_and_another_is_wrong(cheap: Passwords) -> None:
    hashed = cheap.hash(GOOD)
    assert cheap.verify(hashed, GOOD)
    assert not cheap.verify(hashed, GOOD + "x")


def test_each_hash_has_its_own_salt_and_says_how_it_was_made(cheap: Passwords) -> None:
    first, second = cheap.hash(GOOD), cheap.hash(GOOD)
    assert first != second
    assert first.startswith("$argon2id$v=19$m=8,t=1,p=1$")


@pytest.mark.parametrize("password", [GOOD, "", "x" * MAX_PASSWORD_BYTES])
def test_without_an_account_no_password_is_right(cheap: Passwords, password: str) -> None:
    assert not cheap.verify(None, password)


def test_no_account_costs_what_a_real_one_costs() -> None:
    own = Passwords(8192, 2, 1)
    hashed = own.hash(GOOD)

    def fastest(password_hash: str | None) -> float:
        times = []
        for _ in range(7):
            start = time.thread_time()
            own.verify(password_hash, "wrong")
            times.append(time.thread_time() - start)
        return min(times)

    assert 0.5 < fastest(None) / fastest(hashed) < 2


def test_the_stand_in_hash_has_the_current_parameters() -> None:
    own = Passwords(64, 2, 1)
    assert not own.outdated(own._dummy)  # noqa: SLF001 - never leaves the object


@pytest.mark.parametrize("broken", ["", "x", "$argon2id$", "$2b$12$abc", "plain text"])
def test_a_broken_hash_verifies_nothing(cheap: Passwords, broken: str) -> None:
    assert not cheap.verify(broken, GOOD)


def test_a_hash_of_other_parameters_verifies_and_is_outdated(cheap: Passwords) -> None:
    old = Passwords(16, 1, 1).hash(GOOD)
    assert cheap.verify(old, GOOD)
    assert cheap.outdated(old)
    assert not cheap.outdated(cheap.hash(GOOD))


# -- the text: as typed, all of it ---------------------------------------------------------


def test_composed_and_decomposed_letters_are_one_password(cheap: Passwords) -> None:
    """NFC makes keyboards agree; NFKC would also accept look-alikes."""
    hashed = cheap.hash("gr\u00fc\u00dfe aus der ferne")
    assert cheap.verify(hashed, "gru\u0308\u00dfe aus der ferne")
    assert not cheap.verify(hashed, "gr\u00fcsse aus der ferne")
    assert not cheap.verify(hashed, "\uff47r\u00fc\u00dfe aus der ferne")


@pytest.mark.parametrize("other", [f" {GOOD}", f"{GOOD} ", GOOD.upper(), GOOD.replace(" ", "")])
def test_space_and_case_count(cheap: Passwords, other: str) -> None:
    assert not cheap.verify(cheap.hash(GOOD), other)
    assert cheap.verify(cheap.hash(other), other)


@pytest.mark.parametrize("length", [73, 200, MAX_PASSWORD_BYTES])
def test_nothing_is_cut_off(cheap: Passwords, length: int) -> None:
    start = "a" * (length - 1)
    hashed = cheap.hash(f"{start}b")
    assert cheap.verify(hashed, f"{start}b")
    assert not cheap.verify(hashed, f"{start}c")


def test_what_follows_a_nul_is_part_of_the_password(cheap: Passwords) -> None:
    hashed = cheap.hash("before\0after")
    assert cheap.verify(hashed, "before\0after")
    assert not cheap.verify(hashed, "before\0")


def test_more_than_a_kilobyte_is_refused_before_hashing(cheap: Passwords) -> None:
    hashed = cheap.hash("\u00fc" * 512)
    assert cheap.verify(hashed, "\u00fc" * 512)
    for act in (cheap.hash, lambda text: cheap.verify(hashed, text)):
        with pytest.raises(InvalidRequest, match=r"^invalid_request$") as refused:
            act("\u00fc" * 512 + "x")
        assert refused.value.detail == "A password has at most 1024 bytes."


def test_no_more_than_the_limit_is_ever_normalised(
    cheap: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NFC of 32,000 combining marks holds the interpreter's lock for seconds."""
    seen: list[int] = []

    def watched(form: Literal["NFC"], text: str) -> str:
        seen.append(len(text))
        return unicodedata.normalize(form, text)

    monkeypatch.setattr(password_policy, "unicodedata", SimpleNamespace(normalize=watched))
    marks = "a" + "\u0344" * 15_900 + "\u0316" * 15_900
    with pytest.raises(WeakPassword) as weak:
        POLICY.check(marks, EMAIL)
    assert [code for code, _ in weak.value.reasons] == ["too_long"]
    for act in (cheap.hash, lambda text: cheap.verify(None, text)):
        with pytest.raises(InvalidRequest):
            act(marks)
    assert seen == []
    cheap.verify(None, marks[:200])
    assert seen == [200]
    assert max(seen) <= MAX_CODE_POINTS


def test_text_that_is_no_unicode_is_refused(cheap: Passwords) -> None:
    for act in (cheap.hash, lambda text: POLICY.check(text, EMAIL)):
        with pytest.raises(InvalidRequest) as refused:
            act("a lone \ud800 surrogate")
        assert refused.value.detail == "The password is not valid Unicode text."
    assert cheap.verify(cheap.hash("\U0001f511" * 15), "\U0001f511" * 15)
