"""Renew when and how a family's holder last proved who they are (RFC 9470).

`app.auth.reauthenticate` calls this after it has verified the password.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Connection, bindparam, exists, update

from app.families.models import BY_PASSWORD, Current, families, owners
from app.families.queries import ACTIVE
from app.families.rotation import CURRENT, ISSUED_AT

# The verified hash is compared, because verifying takes long: a password change that was committed
# meanwhile has ended the family, and a disabled account has no session.
_unchanged: Final = exists().where(
    owners.c.id == families.c.user_id,
    owners.c.disabled_at.is_(None),
    owners.c.password_hash == bindparam("known_hash"),
)
# Neither the refresh token nor any lifetime changes. A new access token is issued, so the family
# was used now, and the denylist needs to know how long that token lives.
RENEW: Final = (
    update(families)
    .where(families.c.family_id == bindparam("family"), ACTIVE, _unchanged)
    .values(
        auth_time=bindparam("now", type_=BigInteger),
        amr=bindparam("methods"),
        last_used_at=ISSUED_AT,
    )
    .returning(families.c.user_id, *CURRENT)
)


def renew(
    connection: Connection, family_id: str, known_hash: str, now: int
) -> tuple[Current, str] | None:
    """Write that the holder of a family proved at `now` (seconds, UTC) to know the password.

    `known_hash` is the hash that the password was verified against. Returns the family's new state
    and its owner's address; None when the family is revoked or expired, or the account is disabled
    or has another hash by now.
    """
    values = {"family": family_id, "known_hash": known_hash, "now": now, "methods": BY_PASSWORD}
    row = connection.execute(RENEW, values).one_or_none()
    return (Current(family_id, *row[:-1]), row[-1]) if row else None
