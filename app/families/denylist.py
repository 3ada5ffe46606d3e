"""The denylist: which `sid`s are refused before their access tokens expire.

One key per revoked family, by `sid` and not by `jti`: one entry covers every access token of
the session, also those nobody has at hand, and the database can say it again. That is what
makes it safe to lose: the database is the truth, Redis only its fast echo. `denylist_sync` keeps
the echo complete and says when it may be believed; where it may not, the family's row is asked.

- Redis is out of reach, or not believed: nobody revoked gets in and nobody valid is thrown out.
- Redis and the database are both out of reach: `Unavailable`, never a yes, never a no.
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
LOOK_AND_USE: Final = """
local first = redis.call("set", KEYS[3], "1", "NX", "EX", ARGV[1])
return {redis.call("get", KEYS[1]), redis.call("get", KEYS[2]), first and 1 or 0}
"""


class Denylist:
    """Asks and tells which families are denied. Safe to share between threads."""

    def __init__(  # noqa: PLR0913, PLR0917 - the parts it stands on
        self,
        redis: Redis,
        database: Database,
        clock: Clock,
        keys: Keys,
        sync: DenylistSync,
        replay_cache: ReplayCache,
        outage: Outage,
    ) -> None:
        """Look into `redis`, for as long as `sync` vouches for it, and else into `database`."""
        self._redis: Final = redis
        self._database: Final = database
        self._clock: Final = clock
        self._keys: Final = keys
        self._sync: Final = sync
        self._replay_cache: Final = replay_cache
        self._outage: Final = outage
        self._look_and_use: Final = redis.register_script(LOOK_AND_USE)

    def denied(self, sid: str, proof: Proof | None = None, *, expires: float = math.inf) -> bool:
        """Tell whether the family `sid` is revoked, and use `proof` up in the same round trip.

        `expires` is when the token that names it does, in seconds, UTC. Past that a token lives
        by the leeway alone, for clocks that differ; by the clock that wrote the entry it may be
        gone already, so the family's row is asked.

        Raises:
            ProofRefused: `replayed`, when the proof was used before; `nonce`, when its use may
                have been forgotten.
            Unavailable: when neither Redis nor the database answers.

        """
        try:
            if not self._outage.backing_off():
                try:
                    return self._ask(sid, proof, expires)
                except RedisError as error:
                    self._outage.mark_redis_down(error)
            if proof:
                self._replay_cache.consume_without_redis(proof)
            return self._ask_database(sid)
        except SQLAlchemyError as error:
            raise Unavailable(reason=type(error).__name__, retry_after=RETRY_SECONDS) from error

    def deny(self, ended: Sequence[RevokedFamily]) -> bool:
        """Refuse the access tokens of families whose revocation is committed.

        Returns False when Redis could not be told; it will be, and until then this process
        asks the database.
        """
        return self._sync.deny(ended)

    def _ask(self, sid: str, proof: Proof | None, expires: float) -> bool:
        keys = [self._keys.marker, self._keys.prefix + sid]
        if proof is None:
            marker, entry = cast("list[bytes | None]", self._redis.mget(keys))
        else:
            key = self._replay_cache.key(proof)
            marker, entry, fresh = self._look_and_use([*keys, key], [PROOF_KEPT_SECONDS])
            if not fresh or self._replay_cache.seen_locally(key):
                raise ProofRefused("replayed")
        if entry is not None:
            return True
        believed, lost_at = self._sync.vouch(marker)
        if proof:
            self._replay_cache.check_age(proof, lost_at)
        if believed and expires > self._clock.now():
            return False
        return self._ask_database(sid)

    def _ask_database(self, sid: str) -> bool:
        return not self._database.read(queries.is_active, sid)
