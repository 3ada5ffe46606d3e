"""Judge secrets: whether they are random and long enough. No report has the value of a secret."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from itertools import pairwise
from typing import Final

SECRET_BYTES: Final = 32

# The example keys of RFC 7515 and RFC 7520, which tutorials copy and attackers try first.
PUBLISHED_KEYS: Final = (
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
)

# Words that people write in place of a secret; random text practically never has one.
WORDS: Final = (
    "secret",
    "password",
    "changeme",
    "example",
    "default",
    "insecure",
    "private",
    "latchkey",
    "production",
    "staging",
    "development",
    "testing",
)
MAX_SAME_CLASS: Final = 0.7


def new_secret() -> str:
    """Return 48 bytes from the operating system's generator, as 64 base64url characters."""
    return secrets.token_urlsafe(48)


def decode_secret(text: str) -> bytes | None:
    """Return the bytes that `text` encodes in hex, base64 or base64url; None when it is none."""
    if re.fullmatch(r"(?:[0-9a-fA-F]{2})+", text):
        return bytes.fromhex(text)
    if not re.fullmatch(r"[A-Za-z0-9+/_-]+={0,2}", text):
        return None
    bare = text.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        return None


def secret_fault(text: str, min_bytes: int = SECRET_BYTES) -> str | None:
    """Return what is wrong with a secret, without quoting it; None when it is acceptable.

    An HS256 key has at least 32 bytes (RFC 7518 section 3.2) and is not a text that a person
    could remember (RFC 8725 section 3.5).
    """
    raw = decode_secret(text)
    if raw is None:
        return "is neither hex nor base64"
    if len(raw) < min_bytes:
        return f"has {len(raw)} bytes after decoding and needs at least {min_bytes}"
    if raw in map(decode_secret, PUBLISHED_KEYS):
        return "is a published example that every attacker tries first"
    differences = {(b - a) % 256 for a, b in pairwise(raw)}
    repeats = text in (text + text)[1:-1]
    if repeats or len(set(raw)) < min_bytes * 5 // 8 or len(differences) < min_bytes // 2:
        return "repeats itself; it is not random"
    plain = raw.isascii() and raw.decode().isprintable()
    if plain or (len(raw) * 2 != len(text) and _made_of_words(text)):
        return "is made of words or plain text; it is not random"
    return None


def _made_of_words(text: str) -> bool:
    """Return whether base64 text looks like words.

    In random base64, a third of all neighbouring characters are of the same class (two small
    letters, two capitals, two digits); in words most are.
    """
    classes = [_character_class(char) for char in text.rstrip("=")]
    same = sum(a == b for a, b in pairwise(classes))
    return same > MAX_SAME_CLASS * len(classes) or any(word in text.lower() for word in WORDS)


def _character_class(char: str) -> str:
    if char.isdigit():
        return "digit"
    return "small" if char.islower() else "capital" if char.isupper() else char
