"""Check a new password, and normalize any password before it is hashed."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator
from typing import Final

from app.accounts.breached_passwords import BreachedPasswords
from app.accounts.guessing import early_guess
from app.errors import InvalidRequest, WeakPassword

MAX_PASSWORD_BYTES: Final = 1024
# NFC takes time quadratic in the number of combining marks, so a longer text must not reach it.
MAX_CODE_POINTS: Final = MAX_PASSWORD_BYTES
TOO_LONG: Final = ("too_long", f"Use at most {MAX_PASSWORD_BYTES} bytes.")

BREACHED: Final = (
    "breached",
    "This password is known from a breach elsewhere. Choose one that you use on no other site.",
)


class PasswordPolicy:
    """The rules for new passwords."""

    def __init__(
        self,
        min_length: int,
        breached: BreachedPasswords | None = None,
        product_words: Collection[str] = (),
    ) -> None:
        """Take the minimum length in code points, and the passwords known from breaches.

        `product_words` are what an attacker tries here before anywhere else: the names of the
        product and of its host (ASVS 6.1.2).
        """
        self.min_length: Final = min_length
        self._breached: Final = breached
        self._product_words: Final = frozenset(word.casefold() for word in product_words)

    def check(self, password: str, email: str) -> None:
        """Accept or refuse a new password for the account with the address `email`.

        Only the length counts, and whether an attacker knows the password or guesses it early.
        There are no rules about kinds of characters, and no password is truncated (NIST SP
        800-63B-4 section 3.1.1.2).

        Raises:
            WeakPassword: when the password is too short, too long, easy to guess, the address, or
                known from a breach; `reasons` says which.
            InvalidRequest: when the password is not valid Unicode text.

        """
        if len(password) > MAX_CODE_POINTS:
            raise WeakPassword([TOO_LONG])
        text = normalize_password(password)
        reasons = list(self._length_faults(text)) or list(self._guess_faults(text, email))
        if not reasons and self.is_breached(text):
            reasons = [BREACHED]
        if reasons:
            raise WeakPassword(reasons)

    def is_breached(self, password: str) -> bool:
        """Return whether a valid password is known from a breach; False without a filter."""
        return self._breached is not None and self._breached.has(normalize_password(password))

    def _length_faults(self, text: str) -> Iterator[tuple[str, str]]:
        if len(text) < self.min_length:
            yield "too_short", f"Use at least {self.min_length} characters; a few words will do."
        if len(text.encode()) > MAX_PASSWORD_BYTES:
            yield TOO_LONG

    def _guess_faults(self, text: str, email: str) -> Iterator[tuple[str, str]]:
        own = {email, email.partition("@")[0]}
        if text.casefold() in own:
            yield "own_email", "Do not use your e-mail address as your password."
        elif warning := early_guess(text, own | self._product_words):
            yield (
                "too_common",
                f"{warning.rstrip('.')}. Try four or more words that do not belong together.",
            )


def normalize_password(password: str) -> str:
    """Return the password in the Unicode form NFC, in which it is hashed and compared.

    Two keyboards may enter the same letter as different code points. Nothing else is changed.

    Raises:
        InvalidRequest: when the password has more than `MAX_CODE_POINTS` code points, or is not
            valid Unicode text (half a surrogate pair).

    """
    if len(password) > MAX_CODE_POINTS:
        raise InvalidRequest(f"A password has at most {MAX_PASSWORD_BYTES} bytes.")
    text = unicodedata.normalize("NFC", password)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidRequest("The password is not valid Unicode text.") from None
    return text
