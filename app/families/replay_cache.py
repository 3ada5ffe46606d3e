"""Refuse a DPoP proof that was used before (RFC 9449 section 11.1).

`denylist` and `app.auth` consume each verified proof here. The id of a consumed proof is kept for
as long as the proof could be accepted, usually in Redis and in the denylist's round trip.

- When Redis has lost data, an unused proof looks like a used one that was lost. A proof whose
  nonce is older than the loss is therefore refused, and the client repeats with a newer nonce.
- During an outage of Redis, each process keeps the ids in its memory, up to `MAX_LOCAL_PROOFS`,
  and refuses proofs whose nonce is older than the outage. A proof that is replayed to another
  process is then accepted, but only together with a valid token and for the life of its nonce;
  the log says how many proofs were checked in this way.
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

MAX_LOCAL_PROOFS: Final = 50_000

logger: Final = logging.getLogger("latchkey.proofs")


def replay_key(prefix: str, jkt: str, jti: str) -> str:
    """Return the Redis key for the proof `jti` of the key `jkt`.

    Both are in it, because two clients may choose the same `jti`.
    """
    return f"{prefix}proof:" + hashlib.sha256(f"{jkt} {jti}".encode()).hexdigest()[:32]


class ReplayCache:
    """Stores the ids of consumed proofs. Safe to share between threads."""

    def __init__(  # noqa: PLR0913, PLR0917 - its collaborators
        self,
        redis: Redis,
        prefix: str,
        clock: Clock,
        sync: DenylistSync,
        outage: Outage,
        nonces: Nonces,
    ) -> None:
        """Store ids under Redis keys that begin with `prefix`."""
        self._redis: Final = redis
        self._prefix: Final = prefix
        self._clock: Final = clock
        self._sync: Final = sync
        self._outage: Final = outage
        self._nonces: Final = nonces
        # From the key of a proof to the monotonic time at which it may be forgotten, oldest first.
        self._local: Final[OrderedDict[str, float]] = OrderedDict()
        self._lock: Final = threading.Lock()
        self._local_count = 0
        self._backoff: Final = RedisBackoff(clock, logger)

    def key(self, proof: Proof) -> str:
        """Return the Redis key of a proof."""
        return replay_key(self._prefix, proof.jkt, proof.jti)

    def consume(self, proof: Proof) -> None:
        """Consume a proof of a request without an access token, such as a log-in or a refresh.

        Raises:
            ProofRefused: `replayed`, when the proof was consumed before; `nonce`, when the record
                of that may be lost.

        """
        if not self._outage.backing_off():
            try:
                return self._consume_shared(proof)
            except RedisError as error:
                self._outage.mark_redis_down(error)
        return self.consume_without_redis(proof)

    def consume_without_redis(self, proof: Proof) -> None:
        """Consume a proof in the memory of this process only.

        Raises:
            ProofRefused: `replayed`, when this process consumed it before; `nonce`, when its
                nonce is older than the outage, so that it may be consumed in Redis.

        """
        since = self._outage.since
        if since is not None and proof.nonce_made_at <= since:
            raise ProofRefused("nonce")
        if not self.consume_locally(self.key(proof)):
            raise ProofRefused("replayed")

    def check_age(self, proof: Proof, lost_at: int) -> None:
        """Check a proof that is new to Redis, but that Redis may have lost.

        `lost_at` is when Redis last lost data (seconds, UTC). A Redis that is not trusted may
        lose data at any time, so the proof is then consumed in this process as well.

        Raises:
            ProofRefused: `nonce`, when its nonce is older than the loss; the next nonce that this
                process hands out is newer. During an outage, as `consume_without_redis`.

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
            marker, first_use = pipe.execute()
        if not first_use or self.seen_locally(key):
            raise ProofRefused("replayed")
        self.check_age(proof, self._sync.vouch(marker, None)[1])

    def consume_locally(self, key: str) -> bool:
        """Store the key of a proof in this process; return False when it was stored before."""
        now = self._clock.monotonic()
        with self._lock:
            self._local_count += 1
            self._backoff.warn(
                "redis not in use, %d proofs checked in this process alone", self._local_count
            )
            while self._local and next(iter(self._local.values())) <= now:
                self._local.popitem(last=False)
            if key in self._local:
                return False
            if len(self._local) >= MAX_LOCAL_PROOFS:
                self._local.popitem(last=False)
            self._local[key] = now + PROOF_KEPT_SECONDS
            return True

    def seen_locally(self, key: str) -> bool:
        """Return whether this process consumed a proof during an outage of Redis."""
        with self._lock:
            return self._local.get(key, 0.0) > self._clock.monotonic()
