"""Weakened variants of rotation and of what reuse causes."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import Connection, and_, update

from app.dev.lab.weakened.variant import instead_of
from app.families import queries
from app.families.denylist import Denylist
from app.families.models import Current, Reason, RevokedFamily, families
from app.families.outcomes import Outcome, Refused, Rotated, Successor
from app.families.rotation import CURRENT, update_family
from app.infra.database import Database
from app.tokens.claims import RefreshTokenClaims

Row = tuple[Current, str] | None


@instead_of("app/families/models.py:THEFTS", "refresh-token-theft")
def reuse_is_only_refused() -> frozenset[str]:
    """A spent token is refused, and the session goes on."""
    return frozenset()


@instead_of("app/families/denylist.py:Denylist.deny", "refresh-token-theft")
def revocation_stays_in_the_database(self: Denylist, ended: Sequence[RevokedFamily]) -> bool:
    """An ended session gets no new tokens, but its access token works until it expires."""
    return True


@instead_of("app/families/rotation.py:rotate", "long-refresh-without-rotation")
def refreshing_does_not_rotate(
    connection: Connection, claims: RefreshTokenClaims, successor: Successor
) -> Row:
    """A refresh returns a new access token and keeps the refresh token."""
    named = and_(families.c.family_id == claims.family_id, families.c.revoked_at.is_(None))
    used = update(families).where(named).values(last_used_at=successor.now)
    return update_family(connection, used.returning(*CURRENT), claims)


@instead_of("app/families/rotation.py:exchange", "refresh-races")
def looking_comes_before_writing(
    database: Database, claims: RefreshTokenClaims, successor: Successor
) -> Outcome:
    """The row is read and compared, and written a moment later."""
    family = database.read(queries.find, claims.family_id)
    if family is None or family.jti != claims.jti:
        return Refused(Reason.REUSE)
    time.sleep(0.05)  # other work before the answer
    named = families.c.family_id == claims.family_id
    written = update(families).where(named).values(jti=successor.jti, last_used_at=successor.now)
    rotated = database.write(update_family, written.returning(*CURRENT), claims)
    return Rotated(*rotated) if rotated else Refused(Reason.UNKNOWN)
