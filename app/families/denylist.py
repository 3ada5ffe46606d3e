"""The denylist: which `sid`s are refused before their access tokens expire.

One key per revoked family, by `sid` and not by `jti`: one entry covers every access token of
the session, also those nobody has at hand, and the database can say it again. That is what
makes it safe to lose: the database is the truth, Redis only its fast echo, and an echo is
trusted only on a connection over which it was repeated since the connection was opened.

- Redis came back empty, was flushed, or is another one after a fail-over: the marker is gone or
  the connection is new, so the families revoked within one access token's life are written
  again before any answer is believed.
- Redis is out of reach: the family's row is asked instead. Nobody revoked gets in and nobody
  valid is thrown out.
- Both are out of reach: `Unavailable`, never a yes, never a no.
- A worker was killed between its commit and its entry: what was revoked lately is read from the
  database again every few seconds.
- An entry could not be written: this process trusts Redis no more until all of them are, and
  goes on trying, so that others do not believe the gap.
"""

from __future__ import annotations

import logging
import math
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from redis import Redis, RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.clock import Clock
from app.database import Database
from app.errors import Unavailable
from app.families import rotation
from app.families.connections import ConnectionCount
from app.families.models import Ended
from app.families.once import REMEMBERED_SECONDS, Once
from app.tokens.proofs import Proof, ProofRefused

REST_SECONDS: Final = 1.0
LOG_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 5
DRAFT_SECONDS: Final = 60
LOOK_AND_USE: Final = """
local first = redis.call("set", KEYS[3], "1", "NX", "EX", ARGV[1])
return {redis.call("get", KEYS[1]), redis.call("get", KEYS[2]), first and 1 or 0}
"""
REVIEW_SECONDS: Final = 10
SET_IF_THERE: Final = """
if redis.call("del", KEYS[1]) == 0 then return 0 end
redis.call("set", KEYS[2], "1")
return 1
"""

logger: Final = logging.getLogger("latchkey.denylist")


@dataclass(frozen=True)
class Keys:
    """The names of the Redis keys, and for how many seconds an entry can matter."""

    prefix: str
    marker: str
    life: int
    leeway: int


class Denylist:
    """Asks and tells which families are denied. Safe to share between threads."""

    def __init__(  # noqa: PLR0913, PLR0917 - the parts it stands on
        self,
        redis: Redis,
        connections: ConnectionCount,
        database: Database,
        clock: Clock,
        keys: Keys,
        once: Once,
    ) -> None:
        """Echo `database` into `redis`, whose connections are counted by `connections`."""
        self._redis: Final = redis
        self._connections: Final = connections
        self._database: Final = database
        self._clock: Final = clock
        self._keys: Final = keys
        self._once: Final = once
        self._look_and_use: Final = redis.register_script(LOOK_AND_USE)
        self._losses = 0
        self._complete_at: tuple[int, int] | None = None
        self._review_at = 0.0
        self._reviewed_at = 0.0
        self._rest_until = 0.0
        self._quiet_until = 0.0
        self._repairing: Final = threading.Lock()

    def denied(self, sid: str, proof: Proof | None = None, *, expires: float = math.inf) -> bool:
        """Tell whether the family `sid` is revoked, and use `proof` up in the same round trip.

        `expires` is when the token that names it does, in seconds, UTC. Past that a token lives
        by the leeway alone, for clocks that differ; by the clock that wrote the entry it may be
        gone already, so the family's row is asked.

        Raises:
            ProofRefused: when the proof was used before.
            Unavailable: when neither Redis nor the database answers.

        """
        key = self._once.key(proof) if proof else None
        try:
            if self._clock.monotonic() >= self._rest_until:
                try:
                    return self._ask(sid, key, expires)
                except RedisError as error:
                    self._lost(error)
            if key and not self._once.use_here(key):
                raise ProofRefused("replayed")
            return self._ask_database(sid)
        except SQLAlchemyError as error:
            raise Unavailable(reason=type(error).__name__, retry_after=RETRY_SECONDS) from error

    def deny(self, ended: Sequence[Ended]) -> bool:
        """Refuse the access tokens of families whose revocation is committed.

        Returns False when Redis could not be told; it will be, and until then this process
        asks the database.
        """
        try:
            if ended:
                self._write(ended)
        except RedisError as error:
            self._lost(error)
            threading.Thread(target=self._repair, name="denylist-repair", daemon=True).start()
            return False
        return True

    def _epoch(self) -> tuple[int, int]:
        # Whatever may have cost an entry moves one of these: a new connection, a failed write.
        return self._connections.opened, self._losses

    def _ask(self, sid: str, proof_key: str | None, expires: float) -> bool:
        keys = [self._keys.marker, self._keys.prefix + sid]
        if proof_key is None:
            marker, entry = self._redis.mget(keys)
        else:
            marker, entry, fresh = self._look_and_use([*keys, proof_key], [REMEMBERED_SECONDS])
            if not fresh or self._once.used_here(proof_key):
                raise ProofRefused("replayed")
        if entry is not None:
            return True
        if marker is None or self._complete_at != self._epoch():
            self._rebuild()
        elif self._clock.monotonic() >= self._review_at:
            self._review()
        elif expires > self._clock.now():
            return False
        return self._ask_database(sid)

    def _ask_database(self, sid: str) -> bool:
        with self._database.autocommit() as connection:
            return not rotation.is_live(connection, sid)

    def _rebuild(self) -> None:
        """Write all that can matter again, then say that the list is complete."""
        epoch, draft = self._epoch(), f"{self._keys.marker}:{secrets.token_urlsafe(16)}"
        self._redis.set(draft, "1", ex=DRAFT_SECONDS)
        written = self._write_since(self._clock.now() - self._keys.life - 2 * self._keys.leeway)
        # A flush while we were reading and writing takes the draft with it: then entries that
        # others wrote meanwhile are gone, and nobody may be told that the list is complete.
        if not self._redis.eval(SET_IF_THERE, 2, draft, self._keys.marker):
            return
        self._complete_at = epoch
        if self._quiet_until:
            self._quiet_until = 0.0
            logger.warning("redis is back, %d revoked families written again", written)

    def _review(self) -> None:
        """Write again what was revoked lately.

        A worker that is killed between its commit and its entry leaves a revocation that only
        the database knows; this bounds how long the others go without. It reaches back to the
        last review however long ago that was: where nobody asks, nothing is reviewed.
        """
        quiet = int(self._clock.monotonic() - self._reviewed_at)
        self._write_since(self._clock.now() - quiet - 2 * (REVIEW_SECONDS + self._keys.leeway))

    def _write_since(self, since: int) -> int:
        begun = self._clock.monotonic()
        self._review_at = begun + REVIEW_SECONDS
        minted_since = self._clock.now() - self._keys.life - 2 * self._keys.leeway
        with self._database.autocommit() as connection:
            ended = rotation.revoked_since(connection, since, minted_since)
        self._write(ended)
        self._reviewed_at = begun
        return len(ended)

    def _write(self, ended: Sequence[Ended]) -> None:
        now = self._clock.now()
        with self._redis.pipeline(transaction=False) as pipe:
            for family in ended:
                # Rounded up by one second: a whole-second clock may be almost one behind.
                left = family.last_used_at + self._keys.life + self._keys.leeway + 1 - now
                if left > 0:
                    pipe.set(self._keys.prefix + family.family_id, "1", ex=left)
            pipe.execute()

    def _lost(self, error: Exception) -> None:
        now = self._clock.monotonic()
        self._losses += 1
        self._rest_until = now + REST_SECONDS
        if now >= self._quiet_until:
            self._quiet_until = now + LOG_SECONDS
            logger.warning("redis unreachable, asking the database: %s", type(error).__name__)

    def _repair(self) -> None:
        if not self._repairing.acquire(blocking=False):
            return
        try:
            while self._complete_at != self._epoch():
                time_to_retry = threading.Event()
                time_to_retry.wait(REST_SECONDS)
                try:
                    self._rebuild()
                except (RedisError, SQLAlchemyError) as error:
                    self._lost(error)
        finally:
            self._repairing.release()
