"""Write the entries of the denylist to Redis; `denylist_sync` calls this.

An entry is one key per revoked family. It expires when the family's last access token does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from redis import Redis
from redis.client import Pipeline

from app.families import erasure, queries
from app.families.models import RevokedFamily
from app.infra.clock import Clock
from app.infra.database import Database


@dataclass(frozen=True)
class Keys:
    """The names of the denylist's keys, and the two durations that decide when entries expire.

    An entry's name is `prefix` and the family's id; `marker` is the name of the marker.
    `access_ttl` is the lifetime of an access token and `leeway` the difference that the clocks of
    two hosts may have, both in seconds.
    """

    prefix: str
    marker: str
    access_ttl: int
    leeway: int


class Entries:
    """Writes the entries of given families, or of the families that the database says revoked."""

    def __init__(self, keys: Keys, database: Database, clock: Clock) -> None:
        """Name the entries by `keys` and read former revocations from `database`."""
        self._keys: Final = keys
        self._database: Final = database
        self._clock: Final = clock

    def add(self, pipe: Pipeline, revoked: Sequence[RevokedFamily]) -> None:
        """Queue an entry on `pipe` for each family whose last access token may still be valid."""
        now = self._clock.now()
        for family in revoked:
            # One more second, because both times are rounded down to whole seconds.
            ttl = family.last_used_at + self._keys.access_ttl + self._keys.leeway + 1 - now
            if ttl > 0:
                pipe.set(self._keys.prefix + family.family_id, "1", ex=ttl)

    def write_since(self, redis: Redis, seconds: int | None) -> tuple[int, bytes | None]:
        """Write an entry for each family that was revoked in the last `seconds`.

        None means every revoked family that may still have a valid access token. Returns the
        number of families, and the value of the marker after the last entry was written.

        Raises:
            redis.RedisError: when Redis does not answer or refuses a write.
            sqlalchemy.exc.SQLAlchemyError: when the database does not answer.

        """
        issued_since = self._clock.now() - self._keys.access_ttl - 2 * self._keys.leeway
        since = issued_since if seconds is None else self._clock.now() - seconds
        revoked = self._database.read(queries.revoked_since, since, issued_since)
        # Second, so that a family that is erased between the two reads is in one of them.
        revoked += self._database.read(erasure.erased_since, since, issued_since)
        with redis.pipeline(transaction=False) as pipe:
            self.add(pipe, revoked)
            pipe.get(self._keys.marker)
            return len(revoked), pipe.execute()[-1]
