import hashlib
import hmac
from typing import TypedDict

import pytest

from app.tokens.keys import KEY_BYTES, derive, key_ring

SECRET = hashlib.sha256(b"one").digest()
FORMER = hashlib.sha256(b"two").digest()


class Words(TypedDict, total=False):
    """What a key is derived for."""

    env: str
    issuer: str
    purpose: str


HERE: Words = {"env": "production", "issuer": "https://a.example", "purpose": "access token"}


def test_the_same_words_derive_the_same_key() -> None:
    assert derive(SECRET, **HERE) == derive(SECRET, **HERE)
    assert len(derive(SECRET, **HERE)) == KEY_BYTES == 32


def test_a_key_is_the_same_in_every_release() -> None:
    """HKDF as in RFC 5869: another derivation would end every session."""
    words = (b"latchkey", b"production", b"https://a.example", b"access token")
    info = b"".join(bytes([0, len(word)]) + word for word in words)
    pseudorandom = hmac.digest(bytes(32), SECRET, "sha256")
    assert derive(SECRET, **HERE) == hmac.digest(pseudorandom, info + b"\x01", "sha256")


@pytest.mark.parametrize(
    "other",
    [
        {"env": "staging"},
        {"issuer": "https://b.example"},
        {"purpose": "refresh token"},
        {"purpose": "device"},
    ],
    ids=["env", "issuer", "other-token", "device"],
)
def test_another_environment_issuer_or_purpose_is_another_key(other: Words) -> None:
    """A secret that is copied to another environment signs nothing that is accepted there."""
    assert derive(SECRET, **HERE) != derive(SECRET, **HERE | other)
    mine, theirs = (key_ring(SECRET, (), **words) for words in (HERE, HERE | other))
    assert not set(mine.by_kid) & set(theirs.by_kid)
    assert not set(mine.by_kid.values()) & set(theirs.by_kid.values())


def test_another_secret_is_another_key() -> None:
    assert derive(SECRET, **HERE) != derive(FORMER, **HERE)


def test_words_cannot_be_shifted_into_each_other() -> None:
    """The derivation contains the length of each word."""
    one = derive(SECRET, env="ab", issuer="c", purpose="p")
    other = derive(SECRET, env="a", issuer="bc", purpose="p")
    assert one != other


def test_no_key_is_the_secret_or_shorter_than_the_hash() -> None:
    """HS256 needs 256 bits (RFC 7518 section 3.2)."""
    ring = key_ring(SECRET, (FORMER,), **HERE)
    for key in ring.by_kid.values():
        assert key not in {SECRET, FORMER}
        assert len(key) >= 32


def test_the_current_secret_signs_and_former_ones_verify() -> None:
    ring, before = key_ring(SECRET, (FORMER,), **HERE), key_ring(FORMER, (), **HERE)
    assert ring.signing_key == key_ring(SECRET, (), **HERE).signing_key
    assert ring.by_kid[before.signing_kid] == before.signing_key
    assert ring.signing_kid != before.signing_kid
    assert len(ring.by_kid) == 2


def test_a_kid_says_nothing_about_its_key() -> None:
    ring = key_ring(SECRET, (), **HERE)
    assert len(ring.signing_kid) == 12
    assert ring.signing_kid.replace("-", "").replace("_", "").isalnum()
    of_kid = derive(SECRET, **HERE | {"purpose": "access token kid"}, length=9)
    assert ring.signing_key[:9] != of_kid


def test_a_ring_does_not_print_its_keys() -> None:
    ring = key_ring(SECRET, (), **HERE)
    assert repr(ring.signing_key) not in repr(ring)
    assert repr(ring) == f"KeyRing(signing_kid={ring.signing_kid!r})"
