"""Marks of known browsers, so that an attacker cannot lock an owner out of the account.

The limit on attempts at an account would let an attacker lock its owner out by guessing all the
time. A browser in which the owner has logged in therefore gets a signed mark in a cookie, and its
attempts are counted separately (OWASP calls this a device cookie). The mark is not a credential:
it only selects the count. `password_login` reads marks, and each log-in renews them.

A mark has the account's id, the time of issue and the time of the last password change. It is
invalid after 180 days, after the next password change, and for a new account with the same
address.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from itsdangerous import BadData, URLSafeSerializer

from app.accounts.models import User

LIFE_SECONDS: Final = 180 * 86400
RENEWAL_SECONDS: Final = 30 * 86400
FUTURE_SECONDS: Final = 60  # how far the clock of the host that issued a mark may be ahead
NONCE_BYTES: Final = 16
MAX_MARK: Final = 512


@dataclass(frozen=True, slots=True)
class Mark:
    """The content of a mark with a valid signature; times are seconds, UTC.

    `nonce` is the key under which this browser's attempts are counted.
    """

    user_id: str
    issued_at: int
    password_changed_at: int
    nonce: str


class KnownBrowsers:
    """Issues and reads the marks of known browsers."""

    def __init__(self, key: bytes) -> None:
        """Sign marks with `key`, which is derived for this purpose alone."""
        self._signer: Final = URLSafeSerializer(
            key, salt="known browser", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def renew(self, text: str, user: User, now: int) -> str:
        """Return a new mark for `user`, whose password was verified at `now` (seconds, UTC).

        Empty when `text`, the browser's mark, is valid and younger than `RENEWAL_SECONDS`.
        """
        mark = self.read(text, now)
        if mark and self.count_key(text, user, now) and now - mark.issued_at < RENEWAL_SECONDS:
            return ""
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        return str(self._signer.dumps([user.id, now, user.password_changed_at, nonce]))

    def read(self, text: str, now: int) -> Mark | None:
        """Return the mark in `text`; None when its signature or its age is not valid.

        This does not check that the mark is of a certain account: `count_key` does.
        """
        if len(text) > MAX_MARK:
            return None
        try:
            mark = Mark(*self._signer.loads(text))
            fresh = -FUTURE_SECONDS <= now - mark.issued_at < LIFE_SECONDS
        except (BadData, ValueError, TypeError):
            return None
        return mark if fresh else None

    def count_key(self, text: str, user: User | None, now: int) -> str:
        """Return the key for this browser's attempts at `user`.

        Empty when `text` is not a valid mark of the user's account and present password.
        """
        mark = self.read(text, now)
        if mark is None or user is None:
            return ""
        same = (mark.user_id, mark.password_changed_at) == (user.id, user.password_changed_at)
        return mark.nonce if same else ""
