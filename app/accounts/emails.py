"""E-mail addresses: one spelling per account."""

from __future__ import annotations

import unicodedata
from typing import Final

from email_validator import EmailNotValidError, validate_email

MAX_LENGTH: Final = 254
# More than any address needs, spaces and decomposed letters included; NFKC and IDNA take time
# quadratic in the length, so nothing longer reaches them.
MAX_TYPED: Final = 320


def normalize_email(text: str) -> str:
    """Return the one spelling of an address under which its account is kept.

    No mail is sent, so whether the domain could receive any is not asked.

    Raises:
        ValueError: when `text` is not an e-mail address or has more than `MAX_TYPED` code points;
            the message is fit to show.

    """
    if len(text) > MAX_TYPED:
        raise ValueError(f"An e-mail address has at most {MAX_LENGTH} characters.")
    # NFKC makes up to eighteen characters of one; the checks that follow see no more than these.
    bare = unicodedata.normalize("NFKC", text).strip()[: MAX_TYPED + 1]
    try:
        valid = validate_email(bare, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        raise ValueError("Enter an e-mail address such as name@example.com.") from None
    # The domain was folded by the rules of IDNA: there, faß.de is not fass.de.
    folded = f"{valid.local_part.casefold()}@{valid.domain}"
    if len(folded) > MAX_LENGTH or "." not in valid.ascii_domain:
        raise ValueError("Enter an e-mail address such as name@example.com.")
    return folded


def account_key(text: str) -> str:
    """Return what log-in attempts on an address are counted and looked up under.

    Variants of case, space and Unicode form are one account, also for addresses that are
    none: a spelling that is counted apart would be a free guess. Only the first `MAX_TYPED` code
    points of the trimmed text count.
    """
    text = text.strip()[:MAX_TYPED]
    try:
        return normalize_email(text)
    except ValueError:
        # No database takes half a surrogate pair, and PostgreSQL no NUL.
        whole = text.encode("utf-8", "replace").decode().replace("\x00", "?")
        return unicodedata.normalize("NFKC", whole).strip().casefold()[:MAX_LENGTH]
