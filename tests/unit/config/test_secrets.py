import base64
import secrets
from collections.abc import Callable

import pytest

from app.settings.secret_strength import PUBLISHED_KEYS, secret_fault
from config import Settings, decode_secret, new_secret
from tests.unit.config.reports import GOOD, faults, names

MIXED = bytes(range(7, 251, 5)) + b"\xff\x03\x9a\x41"


WEAK_SECRETS = {
    "a-word": "hunter2",
    "spaces": "correct horse battery staple correct horse",
    "not-base64": "p\u00e4ssw\u00f6rd" * 8,
    "31-bytes-hex": MIXED[:31].hex(),
    "31-bytes-base64": base64.b64encode(MIXED[:31]).decode(),
    "31-bytes-base64url": base64.urlsafe_b64encode(MIXED[:31]).rstrip(b"=").decode(),
    "zeros": "0" * 64,
    "one-byte": base64.b64encode(b"\xa7" * 48).decode(),
    "one-letter": "A" * 64,
    "two-bytes": base64.b64encode(b"\xa7\x13" * 24).decode(),
    "half-twice": secrets.token_hex(16) * 2,
    "counting": bytes(range(48)).hex(),
    "counting-by-three": bytes(range(0, 144, 3)).hex(),
    "hex-digits-in-order": "0123456789abcdef" * 4,
    "alphabet": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ab",
    "words": "correcthorsebatterystaplecorrecthorsebatterystaple",
    "words-with-dashes": "this-is-a-very-long-secret-for-production-use-only",
    "placeholder": "change-me-change-me-change-me-change-me-change-me-now",
    "your-secret": "your-256-bit-secret-your-256-bit-secret-your-256",
    "super-secret": "super-secret-jwt-signing-key-that-nobody-will-guess",
    "text-in-base64": base64.b64encode(b"a sentence that somebody encoded as base64").decode(),
    "text-in-hex": b"a sentence that somebody encoded as hex digits".hex(),
    "rfc-7515": PUBLISHED_KEYS[0],
    "rfc-7520": PUBLISHED_KEYS[1],
    "rfc-7515-padded": PUBLISHED_KEYS[0] + "==",
    "rfc-7515-standard-alphabet": PUBLISHED_KEYS[0].replace("-", "+").replace("_", "/"),
    "rfc-7515-in-hex": (decode_secret(PUBLISHED_KEYS[0]) or b"").hex(),
    "three-equals-signs": new_secret() + "===",
    "impossible-length": new_secret() + "A",
}


@pytest.mark.parametrize("name", ["JWT_SECRET", "JWT_SECRET_PREVIOUS"])
@pytest.mark.parametrize("given", WEAK_SECRETS.values(), ids=WEAK_SECRETS.keys())
def test_a_weak_secret_is_refused_and_not_repeated(name: str, given: str) -> None:
    report = faults(**{name: given})
    assert names(report) == [name]
    assert "flask --app wsgi secrets new" in report
    assert given not in report


@pytest.mark.parametrize(
    "make",
    [
        new_secret,
        lambda: secrets.token_hex(32),
        lambda: secrets.token_hex(32).upper(),
        lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
        lambda: base64.b64encode(secrets.token_bytes(48)).decode(),
        lambda: secrets.token_urlsafe(32),
        lambda: secrets.token_urlsafe(64),
    ],
    ids=["own", "hex", "upper-hex", "base64-32", "base64-48", "base64url-32", "base64url-64"],
)
def test_a_random_secret_is_taken(make: Callable[[], str]) -> None:
    for _ in range(100):
        assert secret_fault(make()) is None


def test_the_form_key_needs_sixteen_bytes() -> None:
    """It signs form tokens only."""
    assert faults(SECRET_KEY=secrets.token_hex(16)) == ""
    for weak in (secrets.token_hex(15), "dev", "00" * 16):
        assert names(faults(SECRET_KEY=weak)) == ["SECRET_KEY"]


def test_the_two_secrets_must_differ() -> None:
    """Also when they are spelled differently; otherwise one leak would be two."""
    raw = secrets.token_bytes(48)
    spelt = {"JWT_SECRET": raw.hex(), "SECRET_KEY": base64.b64encode(raw).decode()}
    report = faults(**spelt)
    assert names(report) == ["SECRET_KEY"]
    assert "equals JWT_SECRET" in report


def test_former_secrets_are_separated_by_commas() -> None:
    first, second = new_secret(), new_secret()
    settings = Settings.from_env(GOOD | {"JWT_SECRET_PREVIOUS": f" {first} ,, {second},"})
    assert settings.jwt_secret_previous == (decode_secret(first), decode_secret(second))


def test_the_current_secret_may_not_be_a_former_one() -> None:
    report = faults(JWT_SECRET_PREVIOUS=f"{new_secret()},{GOOD['JWT_SECRET']}")
    assert names(report) == ["JWT_SECRET_PREVIOUS"]
    assert "holds JWT_SECRET itself" in report


def test_decoding_knows_hex_base64_and_base64url() -> None:
    raw = b"\xfb\xef\xbe\x01" * 2
    spellings = [raw.hex(), base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()]
    assert {decode_secret(text) for text in spellings} == {raw}
    assert decode_secret("++--") == decode_secret("----")
    for text in ("", " ", "a b", "\u00fc", "x" * 5, "=", "ab=cd"):
        assert decode_secret(text) is None


def test_settings_do_not_print_secrets() -> None:
    previous = new_secret()
    settings = Settings.from_env(GOOD | {"JWT_SECRET_PREVIOUS": previous})
    shown = repr(settings)
    for secret in (settings.jwt_secret, *settings.jwt_secret_previous):
        assert repr(secret) not in shown
    assert settings.secret_key not in shown
    assert not any(word in shown for word in ("db-pass", "redis-pass", GOOD["JWT_SECRET"]))
