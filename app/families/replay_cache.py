"""Each proof once: its number is remembered for as long as it could be valid.

Usually in Redis, in the same round trip as the denylist. What Redis forgot cannot be told from
what it never saw, so a proof whose nonce is not newer than Redis's memory is refused, and the
client repeats with a newer one. While Redis is not relied on each process remembers for itself,
within bounds, and takes no nonce from before it noticed that: a proof replayed to another worker
then passes, but only with a token that is itself valid, within minutes, and that is counted and
logged.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from typing import Final

from redis import Redis, RedisError

from app.families.denylist_sync import DenylistSync
from app.families.outage import Outage
from app.infra.clock import Clock
from app.infra.redis import RedisBackoff
from app.tokens.dpop import Proof, ProofRefused
from app.tokens.nonces import PROOF_KEPT_SECONDS, Nonces

MAX_REMEMBERED: Final = 50_000

logger: Final = logging.getLogger("latchkey.proofs")


def replay_key(prefix: str, jkt: str, jti: str) -> str:
    """Return the Redis key of a used proof; two keys may use the same number."""
    return f"{prefix}proof:" + hashlib.sha256(f"{jkt} {jti}".encode()).hexdigest()[:32]


class ReplayCache:
    """Remembers used proofs. Safe to share between threads."""

    def __init__(  # noqa: PLR0913, PLR0917 - the parts it stands on
        self,
        redis: Redis,
        prefix: str,
        clock: Clock,
        sync: DenylistSync,
        outage: Outage,
        nonces: Nonces,
    ) -> None:
        """Remember under keys that begin with `prefix`."""
        self._redis: Final = redis
        self._prefix: Final = prefix
        self._clock: Final = clock
        self._sync: Final = sync
        self._outage: Final = outage
        self._nonces: Final = nonces
        self._own: Final[OrderedDict[str, float]] = OrderedDict()
        self._lock: Final = threading.Lock()
        self._counted = 0
        self._backoff: Final = RedisBackoff(clock, logger)

    def key(self, proof: Proof) -> str:
        """Return the Redis key of a proof."""
        return replay_key(self._prefix, proof.jkt, proof.jti)

    def consume(self, proof: Proof) -> None:
        """Consume a proof outside a protected request.

        Raises:
            ProofRefused: `replayed`, when it was used before; `nonce`, when a use may have been
                forgotten.

        """
        if not self._outage.backing_off():
            try:
                return self._consume_shared(proof)
            except RedisError as error:
                self._outage.mark_redis_down(error)
        return self.consume_without_redis(proof)

    def consume_without_redis(self, proof: Proof) -> None:
        """Consume a proof in this process's memory alone.

        Raises:
            ProofRefused: `replayed`, when it was used here before; `nonce`, when it may have
                been used through Redis, before this process stopped relying on that.

        """
        since = self._outage.since
        if since is not None and proof.nonce_made_at <= since:
            raise ProofRefused("nonce")
        if not self.consume_locally(self.key(proof)):
            raise ProofRefused("replayed")

    def check_age(self, proof: Proof, lost_at: int) -> None:
        """Refuse a proof that Redis has not seen, when it may have forgotten it.

        `lost_at` is when Redis last lost its memory. One that is not believed may forget at any
        time: this process remembers besides.

        Raises:
            ProofRefused: `nonce`; the next nonce handed out is new enough. And as
                `consume_without_redis`.

        """
        if self._outage.since is not None:
            self.consume_without_redis(proof)
        elif self._nonces.is_outdated(proof.nonce_made_at, lost_at):
            self._nonces.outdate(lost_at)
            raise ProofRefused("nonce")

    def _consume_shared(self, proof: Proof) -> None:
        key = self.key(proof)
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.get(self._sync.marker.name)
            pipe.set(key, "1", nx=True, ex=PROOF_KEPT_SECONDS)
            marker, fresh = pipe.execute()
        if not fresh or self.seen_locally(key):
            raise ProofRefused("replayed")
        self.check_age(proof, self._sync.vouch(marker)[1])

    def consume_locally(self, key: str) -> bool:
        """Consume a proof in this process's memory; tell whether that was the first time."""
        now = self._clock.monotonic()
        with self._lock:
            self._counted += 1
            self._backoff.warn("redis not relied on, %d proofs checked here alone", self._counted)
            while self._own and next(iter(self._own.values())) <= now:
                self._own.popitem(last=False)
            if key in self._own:
                return False
            if len(self._own) >= MAX_REMEMBERED:
                self._own.popitem(last=False)
            self._own[key] = now + PROOF_KEPT_SECONDS
            return True

    def seen_locally(self, key: str) -> bool:
        """Tell whether this process saw a proof while it did not rely on Redis."""
        with self._lock:
            return self._own.get(key, 0.0) > self._clock.monotonic()
