"""Read the account and the family behind an access token. Nothing here writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, select

from app.accounts.models import User, users
from app.auth.dependencies import Auth
from app.errors import InvalidToken
from app.families.models import Family, families

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
    """What `/api/me` shows of the caller's account and session; times are seconds, UTC."""

    user_id: str
    email: str
    registered_at: int
    session_began_at: int
    session_ends_at: int


def profile(auth: Auth, sid: str) -> Profile:
    """Return the profile for the family `sid` of a verified access token.

    Raises:
        InvalidToken: when the account is disabled, or the account or the family does not exist.

    """
    return Profile(*auth.database.read(_row, PROFILE, sid))


def account(auth: Auth, sid: str) -> tuple[User, Family]:
    """Return the account and the family for the family id `sid` of a verified access token.

    Raises:
        InvalidToken: when the account is disabled, or the account or the family does not exist.

    """
    row = auth.database.read(_row, ACCOUNT, sid)
    return User(*row[: len(users.c)]), Family(*row[len(users.c) :])


def _row(connection: Connection, statement: Select[Any], sid: str) -> Sequence[Any]:
    row = connection.execute(statement, {"sid": sid}).one_or_none()
    if row is None:
        raise InvalidToken(reason="account_gone")
    return row
