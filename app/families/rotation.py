"""Rotation: one conditional UPDATE decides what a refresh token gets.

A correctly signed refresh token whose `jti` is not its family's current one is spent by that
fact. No list of spent tokens is kept, so nothing grows with use.
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

IN_FLIGHT_SECONDS: Final = 30  # twice as long as a browser waits for one answer

_now: Final = bindparam("now", type_=BigInteger)
# Another machine's clock may be ahead, within the leeway. Time stands still for the family then:
# otherwise a token would be issued before its own log-in, or before its predecessor.
_not_before: Final = case((families.c.last_used_at > _now, families.c.last_used_at), else_=_now)
_idle_end: Final = _not_before + case(
    (families.c.remembered, bindparam("remember_idle_ttl", type_=Integer)),
    else_=bindparam("idle_ttl", type_=Integer),
)
_absolute_end: Final = families.c.absolute_expires_at
_named: Final = and_(
    families.c.family_id == bindparam("family"), families.c.user_id == bindparam("user")
)

# What a pair of tokens says of its family, and the owner's address.
CURRENT: Final = (
    families.c.jti,
    families.c.created_at,
    families.c.rotated_at,
    families.c.last_used_at,
    families.c.idle_expires_at,
    families.c.absolute_expires_at,
    families.c.remembered,
    families.c.jkt,
    select(owners.c.email).where(owners.c.id == families.c.user_id).scalar_subquery(),
)

# Of any number of parallel attempts with one token, the database lets exactly one match. The same
# UPDATE binds an unbound family to the proof's key on first use, and matches a bound family only
# with a proof by its own key.
ROTATE: Final = (
    update(families)
    .where(
        _named,
        families.c.jti == bindparam("presented"),
        families.c.jkt.is_(None) | (families.c.jkt == bindparam("key")),
        ACTIVE,
        ENABLED,
    )
    .values(
        previous_jti=families.c.jti,
        jti=bindparam("successor"),
        generation=families.c.generation + 1,
        rotated_at=_not_before,
        last_used_at=_not_before,
        idle_expires_at=case((_idle_end < _absolute_end, _idle_end), else_=_absolute_end),
        ip=bindparam("from_ip"),
        user_agent=bindparam("agent"),
        jkt=bindparam("key"),  # a bound family keeps its key: see the condition
        burst_started_at=case(
            (families.c.rotated_at < _not_before - IN_FLIGHT_SECONDS, families.c.rotated_at),
            else_=families.c.burst_started_at,
        ),
    )
    .returning(*CURRENT)
)

# A spent token is accepted once more from a client that proves to hold the family's key: the
# immediate predecessor, whose answer was lost, or a token that was overtaken. With many tabs and
# reloads, a request or a Set-Cookie may arrive after others rotated twice; such a token belongs
# to the present burst, in which every rotation followed the one before within IN_FLIGHT_SECONDS.
# An older token is theft. Nothing is extended; the successor is issued again from the row, byte
# for byte. `key` is NULL without a proof, and then nothing matches.
RETRY: Final = (
    update(families)
    .where(
        _named,
        families.c.jti != bindparam("presented"),
        (families.c.previous_jti == bindparam("presented"))
        | (families.c.burst_started_at <= bindparam("issued_at")),
        families.c.jkt == bindparam("key"),
        ACTIVE,
        ENABLED,
    )
    .values(last_used_at=_not_before, retries=families.c.retries + 1)
    .returning(*CURRENT)
)

NAMED: Final = select(families).where(_named)


def exchange(database: Database, claims: RefreshTokenClaims, successor: Successor) -> Outcome:
    """Exchange the refresh token that `claims` were verified from; revokes nothing.

    Each attempt is a statement of its own, so two instances can neither both rotate one token
    nor wait for each other.
    """
    if rotated := database.write(rotate, claims, successor):
        return Rotated(*rotated)
    if successor.jkt and (retried := database.write(retry, claims, successor)):
        return Retried(*retried)
    return Refused(database.read(refusal_reason, claims, successor.now, successor.jkt))


def rotate(
    connection: Connection, claims: RefreshTokenClaims, successor: Successor
) -> tuple[Current, str] | None:
    """Run `ROTATE`; return what it made current and the owner's address, None if none matched."""
    return update_named(
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
    """Run `RETRY`; return what is current and the owner's address, None if none matched."""
    return update_named(
        connection,
        RETRY,
        claims,
        presented=claims.jti,
        issued_at=claims.iat,
        now=successor.now,
        key=successor.jkt,
    )


def update_named(
    connection: Connection,
    /,
    statement: ReturningUpdate[Any],
    claims: RefreshTokenClaims,
    **values: str | int | None,
) -> tuple[Current, str] | None:
    """Run an UPDATE of the family that `claims` name, and return its CURRENT if it matched."""
    named = {"family": claims.family_id, "user": claims.sub, **values}
    row = connection.execute(statement, named).one_or_none()
    return (Current(claims.family_id, claims.sub, *row[:-1]), row[-1]) if row else None


def refusal_reason(
    connection: Connection, claims: RefreshTokenClaims, now: int, jkt: str | None
) -> Reason:
    """Return why a correctly signed refresh token was not exchanged."""
    named = {"family": claims.family_id, "user": claims.sub}
    row = connection.execute(NAMED, named).one_or_none()
    if row is None:
        return Reason.UNKNOWN
    family = Family(*row)
    if family.revoked_reason is not None:
        return Reason(family.revoked_reason)
    # Checked before any theft: the leeway lets a token through for seconds after its family ended.
    if family.idle_expires_at <= now:
        return Reason.EXPIRED
    if family.jkt is not None and family.jkt != jkt:
        return Reason.NO_PROOF if jkt is None else Reason.FOREIGN_KEY
    return Reason.REUSE if family.jti != claims.jti else Reason.DISABLED
