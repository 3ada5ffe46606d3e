"""Known browsers: why a stranger cannot lock anyone out of their own account.

Whoever guesses at an account uses up its attempts, and would keep the owner out for as long as
they go on. A browser in which the owner once logged in carries a signed mark; its attempts are
counted apart (the OWASP "device cookie"). The mark is no credential: it opens nothing.

A mark names the account by its id, when it was issued, and when the password was last changed. It
is worthless after 180 days, after a change of password, and for an account that is registered
again under a former address.
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
# Clocks of several hosts may differ by as much.
FUTURE_SECONDS: Final = 60
NONCE_BYTES: Final = 16
MAX_MARK: Final = 512


@dataclass(frozen=True, slots=True)
class Mark:
    """What a mark with a valid signature says; times are seconds, UTC.

    `nonce` is what attempts from this browser are counted under.
    """

    user_id: str
    issued_at: int
    password_changed_at: int
    nonce: str


class KnownBrowsers:
    """Issues and reads the marks of known browsers."""

    def __init__(self, key: bytes) -> None:
        """Sign with `key`, derived for this purpose alone."""
        self._signer: Final = URLSafeSerializer(
            key, salt="known browser", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def renew(self, text: str, user: User, now: int) -> str:
        """Return a new mark for `user`; empty when `text` is one that lasts a good while yet."""
        mark = self.read(text, now)
        if mark and self.known(text, user, now) and now - mark.issued_at < RENEWAL_SECONDS:
            return ""
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        return str(self._signer.dumps([user.id, now, user.password_changed_at, nonce]))

    def read(self, text: str, now: int) -> Mark | None:
        """Return the mark when its signature is valid and it is not too old.

        This does not tell whether the account still is what it was: `known` does.
        """
        if len(text) > MAX_MARK:
            return None
        try:
            mark = Mark(*self._signer.loads(text))
            fresh = -FUTURE_SECONDS <= now - mark.issued_at < LIFE_SECONDS
        except (BadData, ValueError, TypeError):
            return None
        return mark if fresh else None

    def known(self, text: str, user: User | None, now: int) -> str:
        """Return what to count this browser's attempts at `user` under; empty when not known."""
        mark = self.read(text, now)
        if mark is None or user is None:
            return ""
        same = (mark.user_id, mark.password_changed_at) == (user.id, user.password_changed_at)
        return mark.nonce if same else ""
