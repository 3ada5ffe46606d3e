"""The server's nonces for proofs (RFC 9449 section 8): stateless, good for two to four minutes.

A nonce is an HMAC over the number of a time slot, so every worker knows it without asking, and
nobody else can tell the next one.
"""

from __future__ import annotations

import base64
import hmac
from functools import lru_cache
from typing import Final

SLOT_SECONDS: Final = 120
NONCE_BYTES: Final = 16
# How long a proof can be valid at all, and so has to be remembered: two slots.
PROOF_SECONDS: Final = 2 * SLOT_SECONDS


class Nonces:
    """Names the current nonce and those still accepted."""

    def __init__(self, key: bytes) -> None:
        """Derive all nonces from `key`, which serves this purpose alone."""
        self._key: Final = key
        self._of_slot: Final = lru_cache(maxsize=4)(self._make)

    def current(self, now: int) -> str:
        """Return the newest nonce."""
        return self._of_slot(now // SLOT_SECONDS)

    def accepted(self, now: int) -> tuple[str, str]:
        """Return the nonces a proof may carry: of this slot and of the one before."""
        slot = now // SLOT_SECONDS
        return self._of_slot(slot), self._of_slot(slot - 1)

    def _make(self, slot: int) -> str:
        tag = hmac.digest(self._key, slot.to_bytes(8, "big"), "sha256")[:NONCE_BYTES]
        return base64.urlsafe_b64encode(tag).rstrip(b"=").decode()
