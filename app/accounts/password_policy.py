"""Which passwords a person may choose, and in which form any password is compared."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from app.errors import InvalidRequest, WeakPassword

MAX_PASSWORD_BYTES: Final = 1024
# NFC takes time quadratic in the number of combining marks, so nothing longer reaches it.
MAX_CODE_POINTS: Final = MAX_PASSWORD_BYTES
TOO_LONG: Final = ("too_long", f"Use at most {MAX_PASSWORD_BYTES} bytes.")

# A password that is guessed within a million tries falls in seconds, even to Argon2id. Longer
# passwords than this are on no list of common ones, and the estimator's own limit is near.
MIN_GUESSES: Final = 1_000_000
MAX_ESTIMATED_LENGTH: Final = 64
# The estimator tries every combination of look-alikes (@ for a, ! or | for i). With all of them
# in one password that takes seconds, and no such password is a common one.
LOOK_ALIKES: Final = frozenset("@({[<&#!/|$+%")
MAX_LOOK_ALIKES: Final = 3
PRODUCT_WORDS: Final = ("latchkey",)


class PasswordPolicy:
    """The rules for new passwords."""

    def __init__(self, min_length: int) -> None:
        """Take the shortest length, in code points."""
        self.min_length: Final = min_length

    def check(self, password: str, email: str) -> None:
        """Refuse a new password that is short, common or the user's own address.

        There are no rules of composition and nothing is cut off (NIST SP 800-63B-4 section
        3.1.1.2): the length counts, and that attackers' lists do not have the password.

        Raises:
            WeakPassword: when a rule is broken; it carries every reason.
            InvalidRequest: when the password is not valid Unicode text.

        """
        if len(password) > MAX_CODE_POINTS:
            raise WeakPassword([TOO_LONG])
        text = normalize_password(password)
        reasons = list(self._length_faults(text)) or list(_guess_faults(text, email))
        if reasons:
            raise WeakPassword(reasons)

    def _length_faults(self, text: str) -> Iterator[tuple[str, str]]:
        if len(text) < self.min_length:
            yield "too_short", f"Use at least {self.min_length} characters; a few words will do."
        if len(text.encode()) > MAX_PASSWORD_BYTES:
            yield TOO_LONG


def normalize_password(password: str) -> str:
    """Return the one form in which a password is compared.

    Two keyboards may compose the same letter differently, so the form is NFC; nothing else
    changes.

    Raises:
        InvalidRequest: when the password is too long, or not valid Unicode text.

    """
    if len(password) > MAX_CODE_POINTS:
        raise InvalidRequest(f"A password has at most {MAX_PASSWORD_BYTES} bytes.")
    text = unicodedata.normalize("NFC", password)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidRequest("The password is not valid Unicode text.") from None
    return text


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
