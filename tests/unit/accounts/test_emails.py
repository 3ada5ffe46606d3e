import unicodedata
from types import SimpleNamespace
from typing import Literal

import pytest
from email_validator import validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from app.accounts import emails
from app.accounts.emails import (
    MAX_LENGTH,
    MAX_TYPED,
    NO_ADDRESS,
    TOO_LONG,
    account_key,
    normalize_email,
)
from app.errors import InvalidRequest

SAME = {
    "as-it-is": "ada@example.com",
    "spaces-around": "  ada@example.com\t\n",
    "upper-case": "ADA@EXAMPLE.COM",
    "mixed-case": "Ada@Example.Com",
    "full-width": "\uff21da@example.com",
    "full-width-at": "ada\uff20example.com",
    "mathematical": "\U0001d41a\U0001d41d\U0001d41a@example.com",
    "no-break-space-before": "\xa0ada@example.com",
    "ideographic-space-before": "\u3000ada@example.com",
}
NONE = {
    "empty": "",
    "blank": " ",
    "no-at": "ada.example.com",
    "two-ats": "ada@b@example.com",
    "no-local-part": "@example.com",
    "no-domain": "ada@",
    "no-dot": "ada@localhost",
    "space-inside": "ada lovelace@example.com",
    "line-break": "ada@example.com\r\nBcc: all@example.com",
    "line-break-in-local-part": "ada\n@example.com",
    "nul": "ada\0@example.com",
    "display-name": "Ada <ada@example.com>",
    "quoted": '"a b"@example.com',
    "address-literal": "ada@[192.0.2.1]",
    "two-dots": "ada..b@example.com",
    "leading-dot": ".ada@example.com",
    "lone-surrogate": "\ud800@example.com",
    "comma": "ada@example.com,eve@example.com",
    "too-long": f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 20}.com",
}


@pytest.mark.parametrize("text", SAME.values(), ids=SAME.keys())
def test_variants_of_an_address_are_one_account(text: str) -> None:
    assert normalize_email(text) == account_key(text) == "ada@example.com"


def test_different_addresses_are_different_accounts() -> None:
    others = ["ada@example.org", "a.da@example.com", "ada+x@example.com", "\u0430da@example.com"]
    assert len({normalize_email(text) for text in ["ada@example.com", *others]}) == 5


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("j\u00fcrgen@example.com", "ju\u0308rgen@example.com"),
        ("ada@b\u00fccher.example", "ada@xn--bcher-kva.example"),
    ],
    ids=["decomposed", "punycode"],
)
def test_two_encodings_of_an_umlaut_are_one_account(one: str, other: str) -> None:
    assert normalize_email(one) == normalize_email(other)


@pytest.mark.parametrize("text", NONE.values(), ids=NONE.keys())
def test_what_is_no_address_is_refused_in_a_sentence_that_does_not_repeat_it(text: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        normalize_email(text)
    assert refused.value.detail == NO_ADDRESS


@pytest.mark.parametrize("text", NONE.values(), ids=NONE.keys())
def test_what_is_no_address_is_counted_all_the_same(text: str) -> None:
    """Otherwise guessing with it would cost no attempts."""
    assert account_key(text) == account_key(f" {text.upper()} ")
    assert len(account_key(text)) <= MAX_LENGTH


def test_a_letter_that_grows_when_folded_stays_within_the_limit() -> None:
    """Folding can make three letters out of one."""
    with pytest.raises(InvalidRequest) as refused:
        normalize_email("\u0390" * 110 + "@example.com")
    assert refused.value.detail == NO_ADDRESS
    assert len(normalize_email("\u0390" * 30 + "@example.com")) == 3 * 30 + len("@example.com")


@pytest.mark.parametrize(
    "text",
    [
        "a" + "\u0344" * 15_900 + "\u0316" * 15_900,
        "\ufdfa" * 32_000,
        "ada@" + "\u00e9" * 30_000 + ".com",
        "\ud800" * 30_000,
    ],
    ids=["marks", "growing", "domain", "surrogates"],
)
def test_no_step_sees_more_than_the_limit(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """NFKC and IDNA are quadratic: 64 kB would hold the interpreter's lock for seconds."""
    seen: list[int] = []

    def normalize(form: Literal["NFKC"], given: str) -> str:
        seen.append(len(given))
        return unicodedata.normalize(form, given)

    def validate(given: str, *, check_deliverability: bool, globally_deliverable: bool) -> object:
        seen.append(len(given))
        return validate_email(
            given,
            check_deliverability=check_deliverability,
            globally_deliverable=globally_deliverable,
        )

    monkeypatch.setattr(emails, "unicodedata", SimpleNamespace(normalize=normalize))
    monkeypatch.setattr(emails, "validate_email", validate)
    for cut in (text, text[:MAX_TYPED]):
        with pytest.raises(InvalidRequest) as refused:
            normalize_email(cut)
        assert refused.value.detail in {TOO_LONG, NO_ADDRESS}
        assert len(account_key(cut)) <= MAX_LENGTH
    assert seen
    assert max(seen) <= MAX_TYPED + 1


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.text(max_size=20), st.sampled_from(["@example.com", "@b\u00fccher.example", ""]))
def test_the_key_of_a_key_is_itself(name: str, domain: str) -> None:
    key = account_key(name + domain)
    assert account_key(key) == key
