"""Hash and verify passwords with Argon2id (RFC 9106); the only importer of `argon2`.

Both take about 50 ms of a processor and `memory_kib` of memory, so callers run them through
`hash_queue.Place.run`.
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
        """Take the cost of one hash: memory in KiB, passes over it, and parallel lanes."""
        self._hasher: Final = PasswordHasher(
            passes, memory_kib, lanes, hash_len=HASH_BYTES, salt_len=SALT_BYTES
        )
        self._dummy: Final = _dummy_hash(memory_kib, passes, lanes)

    def hash(self, password: str) -> str:
        """Return a new hash of `password` as a PHC string, with a random salt.

        Raises:
            InvalidRequest: when the password has more than `MAX_PASSWORD_BYTES` bytes, or is not
                valid Unicode text.

        """
        return self._hasher.hash(_bytes(password))

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Return whether `password_hash` is a hash of `password`.

        None, for an account that does not exist, takes the same time and returns False, so that
        the time does not show which accounts exist (account enumeration). A malformed hash
        matches no password.

        Raises:
            InvalidRequest: when the password has more than `MAX_PASSWORD_BYTES` bytes, or is not
                valid Unicode text.

        """
        raw = _bytes(password)
        try:
            return self._hasher.verify(password_hash or self._dummy, raw) and bool(password_hash)
        except (VerificationError, InvalidHashError):
            return False

    def outdated(self, password_hash: str) -> bool:
        """Return whether a hash was made with other parameters than those of this object."""
        return self._hasher.check_needs_rehash(password_hash)


def _bytes(password: str) -> bytes:
    raw = normalize_password(password).encode()
    if len(raw) > MAX_PASSWORD_BYTES:
        raise InvalidRequest(f"A password has at most {MAX_PASSWORD_BYTES} bytes.")
    return raw


def _dummy_hash(memory_kib: int, passes: int, lanes: int) -> str:
    """Return a random hash that no password matches; it takes as long to verify as a real one."""
    salt, tag = (
        base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
        for size in (SALT_BYTES, HASH_BYTES)
    )
    return f"$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${tag}"
