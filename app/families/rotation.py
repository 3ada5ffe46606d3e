"""Rotate refresh tokens; `app.auth.refresh` calls `exchange`.

A refresh token is current when its `jti` is the one in its family's row. Any other correctly
signed refresh token of the family is spent, so no list of spent tokens is needed. Rotation is one
conditional UPDATE, and the number of rows that it matches decides.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Integer, and_, bindparam, case, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from app.families.models import Current, Family, Reason, families, owners
from app.families.outcomes import Outcome, Refused, Retried, Rotated, Successor
from app.families.queries import ACTIVE, ENABLED
from app.infra.database import Database
from app.tokens.claims import RefreshTokenClaims

# How long a request with a token may be on its way: twice as long as the browser module waits
# for a response.
IN_FLIGHT_SECONDS: Final = 30

_now: Final = bindparam("now", type_=BigInteger)
# The host that wrote the row last may have a clock that is ahead, within the leeway. Its time is
# kept then; otherwise a token would be issued before the log-in or before its predecessor.
ISSUED_AT: Final = case((families.c.last_used_at > _now, families.c.last_used_at), else_=_now)
_idle_end: Final = ISSUED_AT + case(
    (families.c.remembered, bindparam("remember_idle_ttl", type_=Integer)),
    else_=bindparam("idle_ttl", type_=Integer),
)
_absolute_end: Final = families.c.absolute_expires_at
_claimed: Final = and_(
    families.c.family_id == bindparam("family"), families.c.user_id == bindparam("user")
)

# The columns of `Current`, without the two ids, and the address of the family's owner.
CURRENT: Final = (
    families.c.jti,
    families.c.created_at,
    families.c.rotated_at,
    families.c.last_used_at,
    families.c.idle_expires_at,
    families.c.absolute_expires_at,
    families.c.remembered,
    families.c.jkt,
    families.c.auth_time,
    families.c.amr,
    select(owners.c.email).where(owners.c.id == families.c.user_id).scalar_subquery(),
)

# Of any number of parallel attempts with one token, the database lets exactly one match. The same
# UPDATE binds an unbound family to the key of the first proof, and matches a bound family only
# with a proof by that key.
ROTATE: Final = (
    update(families)
    .where(
        _claimed,
        families.c.jti == bindparam("presented"),
        families.c.jkt.is_(None) | (families.c.jkt == bindparam("key")),
        ACTIVE,
        ENABLED,
    )
    .values(
        previous_jti=families.c.jti,
        jti=bindparam("successor"),
        generation=families.c.generation + 1,
        rotated_at=ISSUED_AT,
        last_used_at=ISSUED_AT,
        idle_expires_at=case((_idle_end < _absolute_end, _idle_end), else_=_absolute_end),
        ip=bindparam("from_ip"),
        user_agent=bindparam("agent"),
        jkt=bindparam("key"),  # the same key in a bound family, by the condition above
        burst_started_at=case(
            (families.c.rotated_at < ISSUED_AT - IN_FLIGHT_SECONDS, families.c.rotated_at),
            else_=families.c.burst_started_at,
        ),
    )
    .returning(*CURRENT)
)

# A client that proves to hold the family's key gets the successor of a spent token again in two
# cases: the token is the immediate predecessor, because the response was lost; or the token was
# issued in the present burst, because with many tabs and reloads a request or a Set-Cookie may
# arrive after others rotated twice. A burst is a series of rotations that follow each other within
# IN_FLIGHT_SECONDS. Any older token is theft. A retry extends no lifetime, and the successor is
# issued from the row, byte for byte the same. Without a proof `key` is NULL and nothing matches.
RETRY: Final = (
    update(families)
    .where(
        _claimed,
        families.c.jti != bindparam("presented"),
        (families.c.previous_jti == bindparam("presented"))
        | (families.c.burst_started_at <= bindparam("issued_at")),
        families.c.jkt == bindparam("key"),
        ACTIVE,
        ENABLED,
    )
    .values(last_used_at=ISSUED_AT, retries=families.c.retries + 1)
    .returning(*CURRENT)
)

FIND_CLAIMED: Final = select(families).where(_claimed)


def exchange(database: Database, claims: RefreshTokenClaims, successor: Successor) -> Outcome:
    """Exchange a refresh token, whose verified claims are `claims`, for `successor`.

    This revokes nothing: the caller does, when the outcome is `Refused` for theft. Each of the
    two attempts is one statement in a transaction of its own, so that two servers neither both
    rotate one token nor wait for each other.
    """
    if rotated := database.write(rotate, claims, successor):
        return Rotated(*rotated)
    if successor.jkt and (retried := database.write(retry, claims, successor)):
        return Retried(*retried)
    return Refused(database.read(refusal_reason, claims, successor.now, successor.jkt))


def rotate(
    connection: Connection, claims: RefreshTokenClaims, successor: Successor
) -> tuple[Current, str] | None:
    """Run `ROTATE`; return the family's new state and its owner's address.

    None when the token is not current, or the family is not active, or the key is another one.
    """
    return update_family(
        connection,
        ROTATE,
        claims,
        presented=claims.jti,
        successor=successor.jti,
        now=successor.now,
        idle_ttl=successor.idle_ttl,
        remember_idle_ttl=successor.remember_idle_ttl,
        from_ip=successor.ip,
        agent=successor.user_agent,
        key=successor.jkt,
    )


def retry(
    connection: Connection, claims: RefreshTokenClaims, successor: Successor
) -> tuple[Current, str] | None:
    """Run `RETRY`; return the family's state and its owner's address.

    None when the token is neither the predecessor nor of the present burst, or the family is not
    active, or the key is not the family's.
    """
    return update_family(
        connection,
        RETRY,
        claims,
        presented=claims.jti,
        issued_at=claims.iat,
        now=successor.now,
        key=successor.jkt,
    )


def update_family(
    connection: Connection,
    /,
    statement: ReturningUpdate[Any],
    claims: RefreshTokenClaims,
    **values: str | int | None,
) -> tuple[Current, str] | None:
    """Run an UPDATE, which returns `CURRENT`, on the family that `claims` name.

    Returns None when the statement matched no row.
    """
    parameters = {"family": claims.family_id, "user": claims.sub, **values}
    row = connection.execute(statement, parameters).one_or_none()
    return (Current(claims.family_id, claims.sub, *row[:-1]), row[-1]) if row else None


def refusal_reason(
    connection: Connection, claims: RefreshTokenClaims, now: int, jkt: str | None
) -> Reason:
    """Return why a correctly signed refresh token with the claims `claims` was not exchanged."""
    parameters = {"family": claims.family_id, "user": claims.sub}
    row = connection.execute(FIND_CLAIMED, parameters).one_or_none()
    if row is None:
        return Reason.UNKNOWN
    family = Family(*row)
    if family.revoked_reason is not None:
        return Reason(family.revoked_reason)
    # Before the checks for theft: within the leeway, a token of an expired family gets here.
    if family.idle_expires_at <= now:
        return Reason.EXPIRED
    if family.jkt is not None and family.jkt != jkt:
        return Reason.NO_PROOF if jkt is None else Reason.FOREIGN_KEY
    return Reason.REUSE if family.jti != claims.jti else Reason.DISABLED
