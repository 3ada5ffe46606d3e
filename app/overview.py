"""What a person may see of their own account; nothing here changes anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.accounts import models as accounts
from app.accounts.models import User
from app.clock import Clock
from app.database import Database
from app.errors import InvalidToken
from app.families import rotation
from app.families.models import Family

THEFT_SHOWN_SECONDS: Final = 30 * 86400


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
        with self.database.autocommit() as connection:
            family = rotation.find(connection, sid)
            user = accounts.find(connection, family.user_id) if family else None
        if user is None or family is None or user.disabled_at is not None:
            raise InvalidToken(reason="account_gone")
        return user, family

    def sessions(self, user_id: str) -> list[Family]:
        """Return the user's live families, the latest used first."""
        with self.database.autocommit() as connection:
            return rotation.live_of(connection, user_id, self.clock.now())

    def thefts(self, user_id: str) -> list[Family]:
        """Return the user's families that ended in theft lately, the latest first."""
        since = self.clock.now() - THEFT_SHOWN_SECONDS
        with self.database.autocommit() as connection:
            return rotation.stolen_of(connection, user_id, since)
