"""How early an attacker guesses a password; the only importer of `zxcvbn`.

A list of common passwords and the word lists of zxcvbn are loaded when a process first needs them.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from pathlib import Path
from typing import Final

# An attacker who has the hash makes a million guesses in less than a day, despite Argon2id.
MIN_GUESSES: Final = 1_000_000
# In characters. No list of common passwords has longer ones, and zxcvbn takes at most 72.
MAX_ESTIMATED_LENGTH: Final = 64
# zxcvbn tries every combination of look-alikes (@ for a, ! or | for i). With all of them in one
# password that takes seconds, and no such password is common.
LOOK_ALIKES: Final = frozenset("@({[<&#!/|$+%")
MAX_LOOK_ALIKES: Final = 3
FIRST_GUESS: Final = "This is one of the first passwords that attackers guess."

COMMON_PASSWORDS: Final = Path(__file__).with_name("data") / "common_passwords.txt"
_DICTIONARY: Final = "latchkey_common_passwords"
_lock: Final = threading.Lock()


def early_guess(text: str, personal: Collection[str]) -> str | None:
    """Return why an attacker guesses `text` early, as a sentence; None when no attacker does.

    Every password of the list is refused, in capital or small letters. The list is also one of
    zxcvbn's dictionaries, so that a listed password with a capital letter, a look-alike or a digit
    more counts as few guesses more. `personal` are words about the user and the product.
    """
    # zxcvbn keeps its dictionaries, those of this call too, in a variable of its module.
    with _lock:
        if text.casefold() in _common_passwords():
            return FIRST_GUESS
        if len(text) > MAX_ESTIMATED_LENGTH or len(LOOK_ALIKES & set(text)) > MAX_LOOK_ALIKES:
            return None
        return _estimate(text, personal)


def _common_passwords() -> dict[str, int]:
    """Return the rank of each password of the list, in small letters; 1 is the most frequent."""
    from zxcvbn import matching  # noqa: PLC0415 - large word lists, loaded on first use

    if _DICTIONARY not in matching.RANKED_DICTIONARIES:
        _, _, passwords = COMMON_PASSWORDS.read_text(encoding="ascii").partition("\n\n")
        folded = dict.fromkeys(passwords.casefold().splitlines())
        matching.add_frequency_lists({_DICTIONARY: list(folded)})
    return matching.RANKED_DICTIONARIES[_DICTIONARY]


def _estimate(text: str, personal: Collection[str]) -> str | None:
    from zxcvbn import zxcvbn  # noqa: PLC0415 - as above

    estimate = zxcvbn(text, user_inputs=sorted(personal))
    if estimate["guesses"] >= MIN_GUESSES:
        return None
    return estimate["feedback"]["warning"] or FIRST_GUESS
