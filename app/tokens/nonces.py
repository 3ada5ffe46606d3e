"""The server's nonces for proofs (RFC 9449 section 8): stateless, good for four minutes.

A nonce carries the second in which it was made and an HMAC over that second: every worker can
check it without asking, and nobody else can make one. The second is what lets a worker refuse a
proof whose use was forgotten: when Redis lost its memory, every nonce from before that moment
is out of date.
"""

from __future__ import annotations

import base64
import hmac
from functools import lru_cache
from typing import Final

SECOND_BYTES: Final = 8
TAG_BYTES: Final = 16
NONCE_LENGTH: Final = (SECOND_BYTES + TAG_BYTES) * 4 // 3
REMEMBERED_NONCES: Final = 512
REPEAT_SECONDS: Final = 5
MAX_LEEWAY: Final = 30
# How long a nonce is good, counted from the second that it carries.
PROOF_SECONDS: Final = 240
# How long a proof may be accepted after its first use: a nonce may be ahead of a clock by twice
# the leeway, the margin and a second, see `Nonces`.
REMEMBERED_SECONDS: Final = PROOF_SECONDS + 3 * MAX_LEEWAY + 1


class Nonces:
    """Makes nonces and says when one was made. Safe to share between threads.

    `leeway` is by how many seconds the clocks of two machines may differ. A loss of memory dates
    every nonce out that was made up to `margin` seconds after it, because a clock may be ahead;
    from the moment a process knows of the loss it makes none that old. The margin is also what
    makes one repeat enough when another worker notices an outage a moment later.
    """

    def __init__(self, key: bytes, leeway: int) -> None:
        """Derive all nonces from `key`, which serves this purpose alone."""
        self._key: Final = key
        self._leeway: Final = leeway
        self._margin: Final = max(leeway, REPEAT_SECONDS)
        self._ahead: Final = 2 * leeway + self._margin + 1
        self._floor = 0
        self._of_second: Final = lru_cache(maxsize=REMEMBERED_NONCES)(self._make)

    def current(self, now: int) -> str:
        """Return a nonce that no known loss of memory dates out."""
        return self._of_second(self.newest(now))

    def newest(self, now: int) -> int:
        """Return the second that the newest nonce carries: now, or soon after a loss later."""
        # A clock that was set back must not make nonces that nobody accepts.
        return max(now, min(self._floor, now + self._ahead))

    def loss(self, now: int) -> int:
        """Return the second to which a loss that is noticed `now` is dated.

        It dates out what was made so far, also what an earlier loss set ahead.
        """
        return max(now, min(self.newest(now) - self._margin, now + self._leeway))

    def made_at(self, nonce: object, now: int) -> int | None:
        """Return the second that a nonce of ours carries; None when it is no good at `now`."""
        if type(nonce) is not str or len(nonce) != NONCE_LENGTH:
            return None
        try:
            second = int.from_bytes(base64.urlsafe_b64decode(nonce)[:SECOND_BYTES])
        except ValueError:
            return None
        # Before the HMAC: what is out of the window costs no hash and no place in the cache.
        if not now - PROOF_SECONDS < second <= now + self._ahead:
            return None
        return second if hmac.compare_digest(nonce, self._of_second(second)) else None

    def outdate(self, lost_at: int) -> None:
        """Make no nonce any more that a loss of memory at `lost_at` (seconds, UTC) dates out."""
        self._floor = max(self._floor, lost_at + self._margin + 1)

    def is_outdated(self, made_at: int, lost_at: int) -> bool:
        """Tell whether the use of a proof with this nonce may have been forgotten."""
        return made_at <= lost_at + self._margin

    def _make(self, second: int) -> str:
        raw = second.to_bytes(SECOND_BYTES, "big")
        tag = hmac.digest(self._key, raw, "sha256")[:TAG_BYTES]
        return base64.urlsafe_b64encode(raw + tag).decode()
