"""Keep the denylist in Redis complete, and know when a missing entry means "not revoked".

`denylist` asks `vouch` after each read of Redis. A process trusts Redis only under a marker value
(see `marker`) under which it has itself written the whole list, on one connection. This covers:

- Redis was flushed or restarted empty: the marker is missing or new, so the list is written again.
- A fail-over closed the connections: a new connection was opened, so the list is written again.
- A fail-over kept the connections (a proxy, or an address that moved) and led to a replica that
  has the marker but not the newest entries: every ten seconds, the next request makes its process
  ask for the server's identity on a new connection (the review). Another identity gets a new
  marker, and all processes write the list again.
- A worker was killed between its commit and its entry: the review also writes the families that
  the database says were revoked recently.
- Redis may evict keys, is not a primary, or does not say: no answer is trusted.
- An entry could not be written (out of memory, read-only, loading, unreachable): this process
  trusts no answer until a background thread has written the entry.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final, cast

from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.families.denylist_repair import Repair
from app.families.entries import Entries
from app.families.marker import Marker, Trusted
from app.families.models import RevokedFamily
from app.families.outage import Outage
from app.infra.clock import Clock
from app.infra.redis import RedisLink, server_facts
from app.tokens.nonces import Nonces

REVIEW_SECONDS: Final = 10


class DenylistSync:
    """Writes the list and says whether it is complete. Safe to share between threads."""

    def __init__(  # noqa: PLR0913, PLR0917 - its collaborators
        self,
        link: RedisLink,
        entries: Entries,
        marker: Marker,
        clock: Clock,
        outage: Outage,
        nonces: Nonces,
    ) -> None:
        """Write `entries` and `marker` to the Redis that `link` connects to."""
        self.checked = False
        """Whether this process has read the marker yet."""
        self.trusted: Trusted | None = None
        """The state of Redis that is trusted now, for `vouch` after the next read."""
        self.marker: Final = marker
        self._link: Final = link
        self._entries: Final = entries
        self._clock: Final = clock
        self._outage: Final = outage
        self._nonces: Final = nonces
        self._distrusted = False
        self._next_review_at = 0.0
        self._writing: Final = threading.Lock()
        self._repair: Final = Repair(self._try_repair)

    def check_for_loss(self) -> None:
        """Read the marker, so that nonces made after this call are newer than the last loss.

        Otherwise only a request with an acceptable proof reads the marker. A client with an
        outdated nonce would be refused for its age, and its repeat again for the loss.
        """
        self.checked = True
        if self._outage.backing_off():
            return
        try:
            self.vouch(cast("bytes | None", self._link.redis.get(self.marker.name)), None)
        except RedisError as error:
            self._outage.mark_redis_down(error)
        except SQLAlchemyError:
            return  # the next protected request tries again, and answers 503 when that fails

    def vouch(self, marker: bytes | None, trusted_before: Trusted | None) -> tuple[bool, int]:
        """Say how far a read of Redis that returned `marker` can be trusted.

        `trusted_before` is `trusted` as it was before the read. A thread may read the marker of
        a new list before another thread of this process has written its entries, so a read is
        trusted only when the list was complete before it began.

        Returns whether a missing entry means "not revoked", and when Redis last lost data
        (seconds, UTC). When the list has to be written again or a review is due, the calling
        thread does that first and still returns False, because its read was earlier; other
        threads return False meanwhile. The caller asks the database then.

        Raises:
            redis.RedisError, sqlalchemy.exc.SQLAlchemyError: when the list cannot be written.

        """
        self.checked = True
        review_due = self._clock.monotonic() >= self._next_review_at
        trusted = self._trusted_under(marker, self._epoch())
        if trusted and not review_due:
            return trusted is trusted_before, trusted.lost_at
        if (review_due or not self._distrusted) and self._writing.acquire(blocking=False):
            try:
                self._synchronise(marker)
                trusted = self.trusted
            finally:
                self._writing.release()
            if trusted:
                return False, trusted.lost_at
        return False, self.marker.lost_at(marker)

    def deny(self, revoked: Sequence[RevokedFamily]) -> bool:
        """Refuse the access tokens of families whose revocation is committed.

        Returns whether the entries are in Redis. When they are not, this process asks the
        database until a background thread has written them.
        """
        try:
            if revoked:
                with self._link.redis.pipeline(transaction=False) as pipe:
                    self._entries.add(pipe, revoked)
                    pipe.execute()
        except RedisError as error:
            self._outage.mark_redis_down(error)
            self._repair.start()
            return False
        return True

    def _epoch(self) -> tuple[int, int]:
        # A lost entry changes one of these: it needs a new connection or a failed command.
        return self._link.opened.opened, self._outage.failures

    def _synchronise(self, shared_marker: bytes | None) -> bool:
        """Write the list on a new connection; return whether it is complete in Redis now.

        `shared_marker` is the marker that was read over the shared connections.
        """
        epoch, started_at = self._epoch(), self._clock.monotonic()
        with self._link.connect() as redis:
            facts = server_facts(redis)
            self._distrusted = bool(facts.distrust)
            if self._distrusted:
                self.trusted, self._next_review_at = None, started_at + REVIEW_SECONDS
                self._outage.distrust(facts.distrust)
                return False
            old_marker, marker = self.marker.replace_if_stale(redis, facts.identity)
            self.trusted = trusted = self._trusted_under(marker, epoch)
            self._next_review_at = started_at + REVIEW_SECONDS
            since = self._seconds_to_write(trusted, started_at) if trusted else None
            written, marker_after = self._entries.write_since(redis, since)
        if shared_marker not in {None, old_marker}:
            # The shared connections lead to another server than new connections: close them.
            self._link.redis.connection_pool.disconnect(inuse_connections=False)
        if marker_after != marker:
            # Redis lost data while the list was written.
            self.trusted = None
            return False
        lost_at = self.marker.lost_at(marker)
        self._trust(Trusted(marker, epoch, lost_at, started_at), written)
        return True

    def _trusted_under(self, marker: bytes | None, epoch: tuple[int, int]) -> Trusted | None:
        trusted = self.trusted
        if trusted is None or (trusted.marker, trusted.epoch) != (marker, epoch):
            return None
        return trusted

    def _seconds_to_write(self, trusted: Trusted, now: float) -> int:
        # Back to the last review, which may be long ago: without requests there is no review.
        return int(now - trusted.written_at) + 2 * (REVIEW_SECONDS + self.marker.leeway)

    def _trust(self, trusted: Trusted, written: int) -> None:
        self._nonces.outdate(trusted.lost_at)
        self.trusted = trusted
        self._outage.end(written, trusted.epoch[1])

    def _try_repair(self) -> bool:
        try:
            with self._writing:
                trusted = self.trusted
                complete = trusted is not None and trusted.epoch == self._epoch()
                return complete or self._synchronise(None)
        except (RedisError, SQLAlchemyError) as error:
            self._outage.mark_redis_down(error)
            return False
