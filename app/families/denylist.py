"""Ask whether an access token's family is revoked. `app.web.guards` asks on each request.

The denylist is one Redis key per revoked family, named by its `sid`. By `sid` and not by `jti`,
because one entry then refuses every access token of the session, including those that the server
has never seen again, and because the list can be rebuilt from the database. The database decides;
Redis is a faster copy. `denylist_sync` keeps the copy complete and knows when it is not:

- Redis is unreachable or not trusted: the family's row is read from the database instead, so that
  no revoked token is accepted and no valid one refused.
- Redis and the database are both unreachable: `Unavailable` (503), neither accepted nor refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, cast

from redis import Redis, RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.errors import Unavailable
from app.families import queries
from app.families.denylist_sync import DenylistSync
from app.families.entries import Keys
from app.families.models import RevokedFamily
from app.families.outage import Outage
from app.families.replay_cache import ReplayCache
from app.infra.clock import Clock
from app.infra.database import Database
from app.tokens.dpop import Proof, ProofRefused
from app.tokens.nonces import PROOF_KEPT_SECONDS

RETRY_SECONDS: Final = 5
READ_AND_CONSUME: Final = """
local first = redis.call("set", KEYS[3], "1", "NX", "EX", ARGV[1])
return {redis.call("get", KEYS[1]), redis.call("get", KEYS[2]), first and 1 or 0}
"""


class Denylist:
    """Checks and denies families. Safe to share between threads."""

    def __init__(  # noqa: PLR0913, PLR0917 - its collaborators
        self,
        redis: Redis,
        database: Database,
        clock: Clock,
        keys: Keys,
        sync: DenylistSync,
        replay_cache: ReplayCache,
        outage: Outage,
    ) -> None:
        """Read `redis` while `sync` says that the list there is complete, otherwise `database`."""
        self._redis: Final = redis
        self._database: Final = database
        self._clock: Final = clock
        self._keys: Final = keys
        self._sync: Final = sync
        self._replay_cache: Final = replay_cache
        self._outage: Final = outage
        self._read_and_consume: Final = redis.register_script(READ_AND_CONSUME)

    def denied(self, sid: str, proof: Proof | None = None, *, expires: float = math.inf) -> bool:
        """Return whether the family `sid` is revoked; consume `proof` in the same round trip.

        `expires` is the expiry of the access token, in seconds, UTC. After it, within the
        leeway, the token is still accepted, but its denylist entry may have expired by the clock
        of the host that wrote it. The database is asked then.

        Raises:
            ProofRefused: `replayed`, when the proof was consumed before; `nonce`, when Redis may
                have lost the record of that.
            Unavailable: when neither Redis nor the database answers.

        """
        try:
            if not self._outage.backing_off():
                try:
                    return self._ask_redis(sid, proof, expires)
                except RedisError as error:
                    self._outage.mark_redis_down(error)
            if proof:
                self._replay_cache.consume_without_redis(proof)
            return self._ask_database(sid)
        except SQLAlchemyError as error:
            raise Unavailable(reason=type(error).__name__, retry_after=RETRY_SECONDS) from error

    def deny(self, revoked: Sequence[RevokedFamily]) -> bool:
        """Refuse the access tokens of families whose revocation is committed.

        Returns whether the entries are in Redis. When they are not, this process asks the
        database until a background thread has written them.
        """
        return self._sync.deny(revoked)

    def _ask_redis(self, sid: str, proof: Proof | None, expires: float) -> bool:
        trusted = self._sync.trusted
        keys = [self._keys.marker, self._keys.prefix + sid]
        if proof is None:
            marker, entry = cast("list[bytes | None]", self._redis.mget(keys))
        else:
            key = self._replay_cache.key(proof)
            marker, entry, first_use = self._read_and_consume([*keys, key], [PROOF_KEPT_SECONDS])
            if not first_use or self._replay_cache.seen_locally(key):
                raise ProofRefused("replayed")
        if entry is not None:
            return True
        complete, lost_at = self._sync.vouch(marker, trusted)
        if proof:
            self._replay_cache.check_age(proof, lost_at)
        if complete and expires > self._clock.now():
            return False
        return self._ask_database(sid)

    def _ask_database(self, sid: str) -> bool:
        return not self._database.read(queries.is_active, sid)
