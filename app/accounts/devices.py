"""Known browsers: why a stranger cannot lock anyone out of their own account.

Whoever guesses at an account uses up its attempts, and would keep the owner out for as long as
they go on. A browser in which the owner once logged in carries a signed mark; its attempts are
counted apart (the OWASP "device cookie"). The mark is no credential: it opens nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from itsdangerous import BadData, URLSafeSerializer


class Devices:
    """Issues and reads the mark of a known browser."""

    def __init__(self, key: bytes) -> None:
        """Sign with `key`, derived for this purpose alone."""
        self._signer: Final = URLSafeSerializer(
            key, salt="device", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def issue(self, account_key: str) -> str:
        """Return a new mark for one account."""
        return str(self._signer.dumps([_digest(account_key), secrets.token_urlsafe(16)]))

    def read(self, mark: str, account_key: str) -> str:
        """Return what to count this browser's attempts under; empty when it is not known."""
        try:
            owner, nonce = self._signer.loads(mark)
        except (BadData, ValueError, TypeError):
            return ""
        return str(nonce) if owner == _digest(account_key) else ""


def _digest(account_key: str) -> str:
    return hashlib.sha256(account_key.encode()).hexdigest()[:32]
