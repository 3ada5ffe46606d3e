"""Passwords: the only importer of argon2.

Hashing is expensive: callers have `hash` and `verify` run by a place of `hash_queue`.
"""

from __future__ import annotations

import base64
import secrets
import unicodedata
from collections.abc import Iterator
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import InvalidRequest, WeakPassword

MAX_PASSWORD_BYTES: Final = 1024
# NFC takes time quadratic in the number of combining marks, so nothing longer reaches it.
MAX_CODE_POINTS: Final = MAX_PASSWORD_BYTES
TOO_LONG: Final = ("too_long", f"Use at most {MAX_PASSWORD_BYTES} bytes.")
SALT_BYTES: Final = 16
HASH_BYTES: Final = 32

# Below a million guesses a password falls in seconds even to Argon2id; longer ones than this
# are on no list of common passwords, and the estimator's own limit is near.
MIN_GUESSES: Final = 1_000_000
MAX_ESTIMATED_LENGTH: Final = 64
# The estimator tries every combination of look-alikes (@ for a, ! or | for i): with all of them
# in one password that takes it seconds, and no such password is a common one.
LOOK_ALIKES: Final = frozenset("@({[<&#!/|$+%")
MAX_LOOK_ALIKES: Final = 3
PRODUCT_WORDS: Final = ("latchkey",)


class Passwords:
    """Policy, hashing and verification with one set of Argon2id parameters."""

    def __init__(self, memory_kib: int, passes: int, lanes: int, min_length: int) -> None:
        """Take the Argon2id cost and the shortest length in code points."""
        self.min_length: Final = min_length
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

    def check_new(self, password: str, email: str) -> None:
        """Refuse a new password that is short, common or the user's own address.

        There are no rules of composition and nothing is cut off (NIST SP 800-63B-4 section
        3.1.1.2): length counts, and being on attackers' lists.

        Raises:
            WeakPassword: with every reason.

        """
        if len(password) > MAX_CODE_POINTS:
            raise WeakPassword([TOO_LONG])
        text = _normal(password)
        reasons = list(self._length_faults(text)) or list(_guess_faults(text, email))
        if reasons:
            raise WeakPassword(reasons)

    def _length_faults(self, text: str) -> Iterator[tuple[str, str]]:
        if len(text) < self.min_length:
            yield "too_short", f"Use at least {self.min_length} characters; a few words will do."
        if len(text.encode()) > MAX_PASSWORD_BYTES:
            yield TOO_LONG


def _normal(password: str) -> str:
    if len(password) > MAX_CODE_POINTS:
        raise InvalidRequest(f"A password has at most {MAX_PASSWORD_BYTES} bytes.")
    # NFC and nothing else: two keyboards may compose the same letter differently.
    text = unicodedata.normalize("NFC", password)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidRequest("The password is not valid Unicode text.") from None
    return text


def _bytes(password: str) -> bytes:
    raw = _normal(password).encode()
    if len(raw) > MAX_PASSWORD_BYTES:
        raise InvalidRequest(f"A password has at most {MAX_PASSWORD_BYTES} bytes.")
    return raw


def _guess_faults(text: str, email: str) -> Iterator[tuple[str, str]]:
    own = {email, email.partition("@")[0], *PRODUCT_WORDS}
    if text.casefold() in own:
        yield "own_email", "Do not use your e-mail address as your password."
    elif len(text) <= MAX_ESTIMATED_LENGTH and len(LOOK_ALIKES & set(text)) <= MAX_LOOK_ALIKES:
        from zxcvbn import zxcvbn  # noqa: PLC0415 - word lists that most workers seldom need

        found = zxcvbn(text, user_inputs=sorted(own))
        if found["guesses"] < MIN_GUESSES:
            why = found["feedback"]["warning"] or "This is among the first that attackers guess."
            yield (
                "too_common",
                f"{why.rstrip('.')}. Try four or more words that do not belong together.",
            )


def _dummy_hash(memory_kib: int, passes: int, lanes: int) -> str:
    """Return a hash of no password; verifying against it costs what a real one does."""
    salt, tag = (
        base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
        for size in (SALT_BYTES, HASH_BYTES)
    )
    return f"$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${tag}"
