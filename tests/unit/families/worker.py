"""One process's denylist, as protected requests ask it."""

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import event

from app.accounts.models import User
from app.families.denylist_sync import DenylistSync
from app.families.models import Family, RevokedFamily
from app.infra.database import Database
from app.services import Services
from app.tokens.dpop import Proof
from tests.support.clock import NOW
from tests.support.factories import a_family, revoke
from tests.support.servers.valkey import ValkeyServer

ISSUER: Final = hashlib.sha256(b"https://localhost").hexdigest()[:12]
ENTRIES: Final = f"latchkey:{{testing.{ISSUER}}}:deny:"
MARKER: Final = f"latchkey:{{testing.{ISSUER}}}:denylist-complete"
RIGHT: Final = (False, True)


@dataclass(frozen=True)
class Worker:
    """One process and its Redis, with two families to ask about: one active, one revoked.

    The revocation is committed, and Redis knows nothing of it yet.
    """

    services: Services
    valkey: ValkeyServer
    user: User
    active: Family
    revoked: Family

    def denied(
        self, family: Family, proof: Proof | None = None, expires: float = math.inf
    ) -> bool:
        return self.services.denylist.denied(family.family_id, proof, expires=expires)

    @property
    def sync(self) -> DenylistSync:
        return self.services.denylist_sync

    def vouched(self, marker: bytes | None) -> tuple[bool, int]:
        """Say how far a read of this marker is trusted that begins now."""
        return self.sync.vouch(marker, self.sync.trusted)

    def marker(self) -> bytes:
        """Read the marker as a look-up does."""
        return str(self.valkey.client.get(MARKER)).encode()

    def verdicts(self, revoked: Family | None = None) -> tuple[bool, bool]:
        """Ask about the active family and about the revoked one, or another one."""
        return self.denied(self.active), self.denied(revoked or self.revoked)

    def warm_up(self) -> None:
        """Ask once, so that the process writes the whole list and then trusts Redis."""
        assert self.denied(self.active) is False

    def deny(self, last_used_at: int = NOW) -> bool:
        return self.services.denylist.deny([RevokedFamily(self.revoked.family_id, last_used_at)])

    def ttl(self, family: Family) -> int:
        """Return how long the family's entry still lasts, in seconds; -2 without an entry."""
        return int(self.valkey.client.ttl(ENTRIES + family.family_id))

    def has_entry(self, family: Family) -> bool:
        return bool(self.valkey.client.exists(ENTRIES + family.family_id))

    def delete_entry(self, family: Family) -> None:
        assert self.valkey.client.delete(ENTRIES + family.family_id)

    def family(self, used_and_revoked_at: int) -> Family:
        """Insert another family, which was used last in the second in which it was revoked."""
        return a_family(
            self.services.database,
            self.user,
            last_used_at=used_and_revoked_at,
            revoked_at=used_and_revoked_at,
        )

    def revoke_and_die(self, now: int = NOW) -> Family:
        """Revoke another family in the database alone, as if killed before telling Redis."""
        family = a_family(self.services.database, self.user)
        revoke(self.services.database, family, now)
        return family

    @contextmanager
    def database_away(self) -> Iterator[None]:
        engine = self.services.database.engine
        path = Path(str(engine.url.database))
        engine.dispose()
        away = path.rename(path.with_suffix(".away"))
        path.mkdir()  # otherwise SQLite would create an empty database
        yield
        path.rmdir()
        away.rename(path)


def on_statement(database: Database, act: Callable[[str], object]) -> None:
    """Have `act` called with each statement before it reaches the database."""

    def listener(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        act(statement)

    event.listen(database.engine, "before_cursor_execute", listener)
