"""Keeps the denylist in Redis complete, and knows when it may be believed.

A process trusts a marker (`marker`) only after it has itself written the list again under that
very value, on one connection:

- Redis was flushed, restarted empty or emptied by a neighbour: the marker is missing, or is one
  that others made. The list is written again before any answer is believed.
- A fail-over that breaks connections: a new connection was opened, so the list is written again.
- A fail-over that leaves connections alive (a proxy or an address that moves), to a replica that
  has the marker and lacks the newest entries: at most every ten seconds each process asks, over
  a connection of its own, who the server is. Another server gets a new marker, and with it every
  process writes the list again.
- A Redis that may evict, that is no primary or that does not say: it is not believed at all.
- A worker was killed between its commit and its entry: the same review reads what was revoked
  lately from the database.
- An entry could not be written (out of memory, read-only, loading, gone): this process trusts
  Redis no more until all of them are, and goes on trying, so that others do not believe the gap.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.families.denylist_repair import Repair
from app.families.entries import Entries
from app.families.marker import Marker
from app.families.models import RevokedFamily
from app.families.outage import Outage
from app.infra.clock import Clock
from app.infra.redis import RedisLink, server_facts
from app.tokens.nonces import Nonces

REVIEW_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Trusted:
    """The marker under which this process wrote the list; the epoch and time in which it did."""

    marker: bytes
    epoch: tuple[int, int]
    created: int
    written_at: float


class DenylistSync:
    """Writes the list and vouches for it. Safe to share between threads."""

    def __init__(  # noqa: PLR0913, PLR0917 - the parts it stands on
        self,
        link: RedisLink,
        entries: Entries,
        marker: Marker,
        clock: Clock,
        outage: Outage,
        nonces: Nonces,
    ) -> None:
        """Keep `entries` and `marker` in the Redis that `link` leads to."""
        self.marker: Final = marker
        self._link: Final = link
        self._entries: Final = entries
        self._clock: Final = clock
        self._outage: Final = outage
        self._nonces: Final = nonces
        self._trusted: Trusted | None = None
        self._distrusted = False
        self._review_at = 0.0
        self.begun = False
        self._working: Final = threading.Lock()
        self._repair: Final = Repair(self._repaired)

    def look(self) -> None:
        """Learn of a loss of memory now, so that the next nonce handed out is newer than that.

        A loss is noticed by the first request that reads the marker. A proof whose nonce is out
        of date anyway is refused before that, and without this look its repeat would be refused
        too, for the loss.
        """
        self.begun = True
        if self._outage.backing_off():
            return
        try:
            self.vouch(cast("bytes | None", self._link.redis.get(self.marker.name)))
        except RedisError as error:
            self._outage.mark_redis_down(error)
        except SQLAlchemyError:
            return  # the first look-up tries again, and says so when it cannot

    def vouch(self, marker: bytes | None) -> tuple[bool, int]:
        """Judge a look-up that read `marker`; write the list again where that is due.

        Returns whether a missing entry means "not revoked", and when Redis last lost its memory
        (seconds, UTC). Where one thread is writing, the others ask the database meanwhile.

        Raises:
            redis.RedisError, sqlalchemy.exc.SQLAlchemyError: when a part is out of reach.

        """
        self.begun = True
        early = self._clock.monotonic() < self._review_at
        trusted = self._trusted_under(marker, self._epoch())
        if trusted and early:
            return True, trusted.created
        if not (self._distrusted and early) and self._working.acquire(blocking=False):
            try:
                self._synchronise(marker)
                trusted = self._trusted
            finally:
                self._working.release()
            if trusted:
                return False, trusted.created
        return False, self.marker.created(marker)

    def deny(self, ended: Sequence[RevokedFamily]) -> bool:
        """Refuse the access tokens of families whose revocation is committed.

        Returns False when Redis could not be told; it will be, and until then this process
        asks the database.
        """
        try:
            if ended:
                with self._link.redis.pipeline(transaction=False) as pipe:
                    self._entries.add(pipe, ended)
                    pipe.execute()
        except RedisError as error:
            self._outage.mark_redis_down(error)
            self._repair.start()
            return False
        return True

    def _epoch(self) -> tuple[int, int]:
        # Whatever may have cost an entry moves one of these: a new connection, a failed command.
        return self._link.opened.opened, self._outage.losses

    def _synchronise(self, seen: bytes | None) -> bool:
        """Write what can matter again; return whether the list is complete, under a marker.

        `seen` is the marker that a look-up read over the shared connections.
        """
        epoch, begun = self._epoch(), self._clock.monotonic()
        with self._link.connect() as redis:
            facts = server_facts(redis)
            self._distrusted = bool(facts.distrust)
            if self._distrusted:
                self._trusted, self._review_at = None, begun + REVIEW_SECONDS
                self._outage.distrust(facts.distrust)
                return False
            found, marker = self.marker.of_server(redis, facts.identity)
            self._trusted = trusted = self._trusted_under(marker, epoch)
            self._review_at = begun + REVIEW_SECONDS
            written, left = self._entries.write_since(
                redis, self._quiet(trusted, begun) if trusted else None
            )
        if seen not in {None, found}:
            # The shared connections lead to another server than new ones do: let them go.
            self._link.redis.connection_pool.disconnect(inuse_connections=False)
        if left != marker:
            # A flush took what others wrote meanwhile.
            self._trusted = None
            return False
        self._trust(Trusted(marker, epoch, self.marker.created(marker), begun), written)
        return True

    def _trusted_under(self, marker: bytes | None, epoch: tuple[int, int]) -> Trusted | None:
        trusted = self._trusted
        current = trusted and (trusted.marker, trusted.epoch) == (marker, epoch)
        return trusted if current else None

    def _quiet(self, trusted: Trusted, now: float) -> int:
        # To the last review however long ago that was: where nobody asks, nothing is reviewed.
        return int(now - trusted.written_at) + 2 * (REVIEW_SECONDS + self.marker.leeway)

    def _trust(self, trusted: Trusted, written: int) -> None:
        self._nonces.outdate(trusted.created)
        self._trusted = trusted
        self._outage.over(written, trusted.epoch[1])

    def _repaired(self) -> bool:
        try:
            with self._working:
                trusted = self._trusted
                current = trusted is not None and trusted.epoch == self._epoch()
                return current or self._synchronise(None)
        except (RedisError, SQLAlchemyError) as error:
            self._outage.mark_redis_down(error)
            return False
