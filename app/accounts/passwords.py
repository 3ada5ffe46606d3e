"""Passwords: the only importer of argon2.

Hashing is expensive: callers have `hash` and `verify` run by a place of `hash_queue`.
"""

from __future__ import annotations

import base64
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.accounts.password_policy import MAX_PASSWORD_BYTES, normalize_password
from app.errors import InvalidRequest

SALT_BYTES: Final = 16
HASH_BYTES: Final = 32


class Passwords:
    """Hashes and verifies passwords with one set of Argon2id parameters."""

    def __init__(self, memory_kib: int, passes: int, lanes: int) -> None:
        """Take the cost: memory in KiB, passes, and lanes."""
        self._hasher: Final = PasswordHasher(
            passes, memory_kib, lanes, hash_len=HASH_BYTES, salt_len=SALT_BYTES
        )
        self._dummy: Final = _dummy_hash(memory_kib, passes, lanes)

    def hash(self, password: str) -> str:
        """Return the PHC string of `password`.

        Raises:
            InvalidRequest: when it is too long, or not valid Unicode text.

        """
        return self._hasher.hash(_bytes(password))

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Tell whether `password` is right; None stands for no account and costs the same.

        Raises:
            InvalidRequest: when it is too long, or not valid Unicode text.

        """
        raw = _bytes(password)
        try:
            return self._hasher.verify(password_hash or self._dummy, raw) and bool(password_hash)
        except (VerificationError, InvalidHashError):
            return False

    def outdated(self, password_hash: str) -> bool:
        """Tell whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)


def _bytes(password: str) -> bytes:
    raw = normalize_password(password).encode()
    if len(raw) > MAX_PASSWORD_BYTES:
        raise InvalidRequest(f"A password has at most {MAX_PASSWORD_BYTES} bytes.")
    return raw


def _dummy_hash(memory_kib: int, passes: int, lanes: int) -> str:
    """Return a hash of no password; verifying against it costs what a real one does."""
    salt, tag = (
        base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
        for size in (SALT_BYTES, HASH_BYTES)
    )
    return f"$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${tag}"
