"""What a person may see of their own account; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, bindparam, select

from app.accounts.models import User, users
from app.clock import Clock
from app.database import Database
from app.errors import InvalidToken
from app.families import rotation
from app.families.models import Family, families
from app.families.rotation import THEFT_SHOWN_SECONDS

_of_session: Final = (families.c.family_id == bindparam("sid"), users.c.disabled_at.is_(None))
PROFILE: Final = (
    select(
        users.c.id,
        users.c.email,
        users.c.created_at,
        families.c.created_at,
        families.c.absolute_expires_at,
    )
    .join(users, users.c.id == families.c.user_id)
    .where(*_of_session)
)
ACCOUNT: Final = (
    select(users, families).join(users, users.c.id == families.c.user_id).where(*_of_session)
)


@dataclass(frozen=True, slots=True)
class Profile:
    """Who the caller is and how long the session lasts; times are seconds, UTC."""

    user_id: str
    email: str
    registered_at: int
    session_began_at: int
    session_ends_at: int


@dataclass(frozen=True)
class Overview:
    """Reads accounts and families."""

    database: Database
    clock: Clock

    def account(self, sid: str) -> tuple[User, Family]:
        """Return the account and the family behind a verified access token.

        Raises:
            InvalidToken: when either is gone.

        """
        row = self._row(ACCOUNT, sid)
        return User(*row[: len(users.c)]), Family(*row[len(users.c) :])

    def profile(self, sid: str) -> Profile:
        """Return what an account shows of itself behind a verified access token.

        Raises:
            InvalidToken: when the account or the family is gone.

        """
        return Profile(*self._row(PROFILE, sid))

    def sessions(self, user_id: str) -> list[Family]:
        """Return the user's live families, the latest used first."""
        return self.database.read(rotation.live_of, user_id, self.clock.now())

    def thefts(self, user_id: str) -> list[Family]:
        """Return the last of the user's families that ended in theft lately, the latest first."""
        since = self.clock.now() - THEFT_SHOWN_SECONDS
        return self.database.read(rotation.stolen_of, user_id, since)

    def _row(self, statement: Select[Any], sid: str) -> Sequence[Any]:
        row = self.database.read(_one, statement, sid)
        if row is None:
            raise InvalidToken(reason="account_gone")
        return row


def _one(connection: Connection, statement: Select[Any], sid: str) -> Row[Any] | None:
    return connection.execute(statement, {"sid": sid}).one_or_none()
