"""Rotate, retry, and ask why a token did neither, each in one statement as the use case does."""

from dataclasses import replace
from typing import Final

from app.families import rotation
from app.families.issuer import new_id
from app.families.models import Family
from app.families.outcomes import Successor
from app.infra.database import Database
from app.tokens.claims import RefreshTokenClaims
from tests.support.clock import NOW
from tests.support.factories import claims_of, whole

LATER: Final = NOW + 60
OURS: Final = "k" * 43
FOREIGN: Final = "f" * 43


def of_predecessor(family: Family) -> RefreshTokenClaims:
    """Return the claims of the token before the family's current one."""
    return replace(claims_of(family), jti=str(family.previous_jti))


def a_successor(jkt: str | None = None, now: int = LATER) -> Successor:
    """Return what a refresh from another place would write, with a proof by the key `jkt`."""
    return Successor(new_id(), now, 3600, 1800, "198.51.100.7", "another browser", jkt)


def rotate(
    database: Database, claims: RefreshTokenClaims, successor: Successor
) -> tuple[Family, str] | None:
    with database.autocommit() as connection:
        return whole(connection, rotation.rotate(connection, claims, successor))


def rotated(database: Database, family: Family, successor: Successor | None = None) -> Family:
    """Rotate the family by its current token and return its row."""
    taken = rotate(database, claims_of(family), successor or a_successor())
    assert taken is not None
    return taken[0]


def retry(
    database: Database, claims: RefreshTokenClaims, successor: Successor
) -> tuple[Family, str] | None:
    with database.autocommit() as connection:
        return whole(connection, rotation.retry(connection, claims, successor))


def refusal_reason(
    database: Database, claims: RefreshTokenClaims, jkt: str | None = None, now: int = LATER
) -> str:
    with database.autocommit() as connection:
        return rotation.refusal_reason(connection, claims, now, jkt)
