"""Each proof once: its number is remembered for as long as it could be valid.

Usually in Redis, in the same round trip as the denylist. While Redis is out of reach each
process remembers for itself, within bounds: a proof replayed to another worker then passes, but
only with a token that is itself valid, within four minutes, and that is counted and logged.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from typing import Final

from redis import Redis, RedisError

from app.clock import Clock
from app.tokens.nonces import PROOF_SECONDS
from app.tokens.proofs import Proof, ProofRefused

MOST_REMEMBERED: Final = 50_000
LOG_SECONDS: Final = 60.0
# A machine whose clock is behind takes a proof for longer, at most by the longest clock leeway.
REMEMBERED_SECONDS: Final = PROOF_SECONDS + 30

logger: Final = logging.getLogger("latchkey.proofs")


class Once:
    """Remembers used proofs. Safe to share between threads."""

    def __init__(self, redis: Redis, prefix: str, clock: Clock) -> None:
        """Remember under keys that begin with `prefix`."""
        self._redis: Final = redis
        self._prefix: Final = f"{prefix}proof:"
        self._clock: Final = clock
        self._own: Final[OrderedDict[str, float]] = OrderedDict()
        self._lock: Final = threading.Lock()
        self._counted = 0
        self._quiet_until = 0.0

    def key(self, proof: Proof) -> str:
        """Return the Redis key of a proof; two keys may use the same number."""
        return self._prefix + hashlib.sha256(f"{proof.jkt} {proof.jti}".encode()).hexdigest()[:32]

    def use(self, proof: Proof) -> None:
        """Use up a proof outside a protected request.

        Raises:
            ProofRefused: `replayed`, when it was used before.

        """
        key = self.key(proof)
        try:
            fresh = bool(self._redis.set(key, "1", nx=True, ex=REMEMBERED_SECONDS))
            fresh = fresh and not self.used_here(key)
        except RedisError:
            fresh = self.use_here(key)
        if not fresh:
            raise ProofRefused("replayed")

    def use_here(self, key: str) -> bool:
        """Use up a proof in this process's memory; tell whether that was the first time."""
        now = self._clock.monotonic()
        with self._lock:
            self._counted += 1
            if now >= self._quiet_until:
                self._quiet_until = now + LOG_SECONDS
                logger.warning("redis unreachable, %d proofs checked here alone", self._counted)
            while self._own and next(iter(self._own.values())) <= now:
                self._own.popitem(last=False)
            if key in self._own:
                return False
            if len(self._own) >= MOST_REMEMBERED:
                self._own.popitem(last=False)
            self._own[key] = now + REMEMBERED_SECONDS
            return True

    def used_here(self, key: str) -> bool:
        """Tell whether this process saw a proof while Redis was out of reach."""
        with self._lock:
            return self._own.get(key, 0.0) > self._clock.monotonic()
