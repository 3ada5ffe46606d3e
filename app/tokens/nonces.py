"""Make and check the server's nonces for proofs (RFC 9449 section 8), valid for four minutes.

A nonce is the second in which it was made and an HMAC of that second. Every worker can check it
without storage, and nobody without the key can make one. `dpop` refuses a proof without a valid
nonce; `app.web.headers` sends the newest one in each response.

The second in the nonce also protects against replay when Redis has lost its data, and with it the
ids of the used proofs: every proof whose nonce was made before the loss is then refused as
outdated, because it may have been used.
"""

from __future__ import annotations

import base64
import hmac
from functools import lru_cache
from typing import Final

SECOND_BYTES: Final = 8
TAG_BYTES: Final = 16
NONCE_LENGTH: Final = (SECOND_BYTES + TAG_BYTES) * 4 // 3
MAX_CACHED_NONCES: Final = 512
REPEAT_SECONDS: Final = 5  # the longest time in which a client repeats a request with a new nonce
MAX_LEEWAY: Final = 30
NONCE_SECONDS: Final = 240  # how long a nonce is valid after the second that it names
# How long after its first use a proof could still be accepted, and so how long its id is kept: a
# nonce may name a second in the future, at most 3 * MAX_LEEWAY + 1 ahead of the clock.
PROOF_KEPT_SECONDS: Final = NONCE_SECONDS + 3 * MAX_LEEWAY + 1


class Nonces:
    """Makes nonces and checks them. Safe to share between threads. All times are seconds, UTC.

    A loss is the moment at which Redis lost the ids of used proofs. It outdates every nonce that
    was made before it and up to `margin` seconds after it: the clock that made the nonce may be
    ahead, and another worker may notice the loss a moment later. As soon as a process knows of a
    loss, it makes only nonces that are newer than that, so one repeat by the client is enough.
    """

    def __init__(self, key: bytes, leeway: int) -> None:
        """Make nonces with `key`, which is derived for this purpose alone.

        `leeway` is by how many seconds the clocks of two hosts may differ.
        """
        self._key: Final = key
        self._leeway: Final = leeway
        self._margin: Final = max(leeway, REPEAT_SECONDS)
        # A loss is dated at most `leeway` ahead of the clock of its host, which may itself be
        # `leeway` ahead of this one; the first nonce after a loss is newer than its margin.
        self._max_ahead: Final = 2 * leeway + self._margin + 1
        self._min_second = 0
        self._nonce_of: Final = lru_cache(maxsize=MAX_CACHED_NONCES)(self._make)

    def current(self, now: int) -> str:
        """Return a nonce that no loss known to this process outdates."""
        return self._nonce_of(self.newest(now))

    def newest(self, now: int) -> int:
        """Return the second that `current` names: `now`, or shortly after a loss a later one.

        It is at most as far ahead as every worker accepts, even when the clock was set back.
        """
        return max(now, min(self._min_second, now + self._max_ahead))

    def loss_time(self, now: int) -> int:
        """Return the time to record for a loss that is noticed at `now`.

        It is late enough to outdate every nonce made so far, including those that an earlier loss
        moved into the future, and at most `leeway` after `now`.
        """
        return max(now, min(self.newest(now) - self._margin, now + self._leeway))

    def made_at(self, nonce: object, now: int) -> int | None:
        """Return the second in which `nonce` was made.

        None when it is not a nonce of this key, is older than `NONCE_SECONDS`, or is further in
        the future than a nonce can be.
        """
        if type(nonce) is not str or len(nonce) != NONCE_LENGTH:
            return None
        try:
            second = int.from_bytes(base64.urlsafe_b64decode(nonce)[:SECOND_BYTES])
        except ValueError:
            return None
        # Before the HMAC, so that invented seconds cost no hash and evict nothing from the cache.
        if not now - NONCE_SECONDS < second <= now + self._max_ahead:
            return None
        return second if hmac.compare_digest(nonce, self._nonce_of(second)) else None

    def outdate(self, lost_at: int) -> None:
        """Make only nonces that a loss at `lost_at` does not outdate from now on."""
        self._min_second = max(self._min_second, lost_at + self._margin + 1)

    def is_outdated(self, made_at: int, lost_at: int) -> bool:
        """Return whether a loss at `lost_at` outdates a nonce that was made at `made_at`.

        A proof with such a nonce may have been used before the loss, so the caller refuses it.
        """
        return made_at <= lost_at + self._margin

    def _make(self, second: int) -> str:
        raw = second.to_bytes(SECOND_BYTES)
        tag = hmac.digest(self._key, raw, "sha256")[:TAG_BYTES]
        return base64.urlsafe_b64encode(raw + tag).decode()
