"""Normalize e-mail addresses, so that every spelling of an address leads to one account."""

from __future__ import annotations

import unicodedata
from typing import Final

from email_validator import EmailNotValidError, validate_email

from app.errors import InvalidRequest

MAX_LENGTH: Final = 254
# In code points: more than any address needs, with spaces and decomposed letters. NFKC and IDNA
# take time quadratic in the length, so a longer text must not reach them.
MAX_TYPED: Final = 320
TOO_LONG: Final = f"An e-mail address has at most {MAX_LENGTH} characters."
NO_ADDRESS: Final = "Enter an e-mail address such as name@example.com."


def normalize_email(text: str) -> str:
    """Return the spelling of an address under which its account is stored.

    The domain is not looked up: whether mail arrives there, only mail shows.

    Raises:
        InvalidRequest: when `text` is not an e-mail address, or has more than `MAX_TYPED` code
            points.

    """
    if len(text) > MAX_TYPED:
        raise InvalidRequest(TOO_LONG, reason="email")
    # NFKC may turn one character into eighteen, so the result is cut again.
    bare = unicodedata.normalize("NFKC", text).strip()[: MAX_TYPED + 1]
    try:
        valid = validate_email(bare, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        raise InvalidRequest(NO_ADDRESS, reason="email") from None
    # `validate_email` has folded the domain by the rules of IDNA, where faß.de is not fass.de.
    folded = f"{valid.local_part.casefold()}@{valid.domain}"
    if len(folded) > MAX_LENGTH or "." not in valid.ascii_domain:
        raise InvalidRequest(NO_ADDRESS, reason="email")
    return folded


def account_key(text: str) -> str:
    """Return the key under which a log-in looks up the address `text` and counts attempts.

    All spellings of an address (case, spaces, Unicode form) have one key, even when `text` is not
    an address: a spelling with a count of its own would give an attacker more guesses. Only the
    first `MAX_TYPED` code points of the trimmed text are used.
    """
    text = text.strip()[:MAX_TYPED]
    try:
        return normalize_email(text)
    except InvalidRequest:
        # No database stores half a surrogate pair, and PostgreSQL no NUL.
        storable = text.encode("utf-8", "replace").decode().replace("\x00", "?")
        return unicodedata.normalize("NFKC", storable).strip().casefold()[:MAX_LENGTH]
