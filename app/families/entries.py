"""The entries of the denylist in Redis: one key per revoked family, which ends by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from redis import Redis
from redis.client import Pipeline

from app.families import queries
from app.families.models import RevokedFamily
from app.infra.clock import Clock
from app.infra.database import Database


@dataclass(frozen=True)
class Keys:
    """The names of the Redis keys, and for how many seconds an entry can matter."""

    prefix: str
    marker: str
    life: int
    leeway: int


class Entries:
    """Writes entries, of what was just revoked or of what the database knows."""

    def __init__(self, keys: Keys, database: Database, clock: Clock) -> None:
        """Read revocations from `database` and name the entries by `keys`."""
        self._keys: Final = keys
        self._database: Final = database
        self._clock: Final = clock

    def add(self, pipe: Pipeline, ended: Sequence[RevokedFamily]) -> None:
        """Queue an entry for each family that still has an access token to refuse."""
        now = self._clock.now()
        for family in ended:
            # Rounded up by one second: a whole-second clock may be almost one behind.
            left = family.last_used_at + self._keys.life + self._keys.leeway + 1 - now
            if left > 0:
                pipe.set(self._keys.prefix + family.family_id, "1", ex=left)

    def write_since(self, redis: Redis, seconds: int | None) -> tuple[int, bytes | None]:
        """Write the families revoked in the last `seconds`; None means all that can matter.

        Returns how many they are, and the marker as it is after the last entry.

        Raises:
            redis.RedisError, sqlalchemy.exc.SQLAlchemyError.

        """
        issued_since = self._clock.now() - self._keys.life - 2 * self._keys.leeway
        since = issued_since if seconds is None else self._clock.now() - seconds
        ended = self._database.read(queries.revoked_since, since, issued_since)
        with redis.pipeline(transaction=False) as pipe:
            self.add(pipe, ended)
            pipe.get(self._keys.marker)
            return len(ended), pipe.execute()[-1]
