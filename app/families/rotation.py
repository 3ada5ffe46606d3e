"""Rotation and revocation. Each state change is one conditional statement with a named outcome.

A correctly signed refresh token whose `jti` is not its family's current one is spent by that
fact; no list of spent tokens is kept, so nothing grows with use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Update,
    and_,
    bindparam,
    case,
    exists,
    select,
    update,
)

from app.families.models import Current, Ended, Family, families, owners
from app.tokens.claims import RefreshTokenClaims

MOST_FAMILIES: Final = 20
IN_FLIGHT_SECONDS: Final = 30  # twice what a browser waits for one answer

LOGGED_OUT: Final = "logged_out"
REUSE: Final = "reuse"
PASSWORD_CHANGED: Final = "password_changed"  # noqa: S105 - a reason, not a password
ADMIN: Final = "admin"
REPLACED: Final = "replaced"
NO_PROOF: Final = "no_proof"
FOREIGN_KEY: Final = "foreign_key"
THEFTS: Final = frozenset({REUSE, NO_PROOF, FOREIGN_KEY})
THEFT_SHOWN_SECONDS: Final = 30 * 86400
MAX_THEFTS_SHOWN: Final = 20
EXPIRED: Final = "expired"

# The statements of each request are built once: building one takes longer than running it.
_now: Final = bindparam("now", type_=BigInteger)
# Another machine's clock may be ahead, within the leeway. For a family time stands still then: a
# token minted before its own log-in, or older than its predecessor, is refused.
_not_before: Final = case((families.c.last_used_at > _now, families.c.last_used_at), else_=_now)
_idle_end: Final = _not_before + case(
    (families.c.remembered, bindparam("remember_idle_ttl", type_=Integer)),
    else_=bindparam("idle_ttl", type_=Integer),
)
_absolute_end: Final = families.c.absolute_expires_at
_enabled: Final = exists().where(owners.c.id == families.c.user_id, owners.c.disabled_at.is_(None))
_named: Final = and_(
    families.c.family_id == bindparam("family"), families.c.user_id == bindparam("user")
)
_live: Final = and_(families.c.revoked_at.is_(None), families.c.idle_expires_at > _now)

# What a pair of tokens shows of its family, and the owner's address.
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

ROTATE: Final = (
    update(families)
    .where(
        _named,
        families.c.jti == bindparam("presented"),
        families.c.jkt.is_(None) | (families.c.jkt == bindparam("key")),
        _live,
        _enabled,
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
        jkt=bindparam("key"),  # the one it has, if it has one: see the condition
        burst_from=case(
            (families.c.rotated_at < _not_before - IN_FLIGHT_SECONDS, families.c.rotated_at),
            else_=families.c.burst_from,
        ),
    )
    .returning(*CURRENT)
)

RETRY: Final = (
    update(families)
    .where(
        _named,
        families.c.jti != bindparam("presented"),
        (families.c.previous_jti == bindparam("presented"))
        | (families.c.burst_from <= bindparam("minted_at")),
        families.c.jkt == bindparam("key"),
        _live,
        _enabled,
    )
    .values(last_used_at=_not_before, retries=families.c.retries + 1)
    .returning(*CURRENT)
)

NAMED: Final = select(families).where(_named)
FIND: Final = select(families).where(families.c.family_id == bindparam("family"))
IS_LIVE: Final = select(families.c.family_id).where(
    families.c.family_id == bindparam("family"), families.c.revoked_at.is_(None), _enabled
)
REVOKED_SINCE: Final = select(families.c.family_id, families.c.last_used_at).where(
    families.c.revoked_at >= bindparam("since"),
    families.c.last_used_at >= bindparam("minted_since"),
)
_latest_used: Final = (families.c.last_used_at.desc(), families.c.created_at.desc())
LIVE_OF: Final = (
    select(families).where(families.c.user_id == bindparam("user"), _live).order_by(*_latest_used)
)
STOLEN_OF: Final = (
    select(families)
    .where(
        families.c.user_id == bindparam("user"),
        families.c.revoked_at >= bindparam("since"),
        families.c.revoked_reason.in_(THEFTS),
    )
    .order_by(families.c.revoked_at.desc(), families.c.family_id)
    .limit(MAX_THEFTS_SHOWN)
)


@dataclass(frozen=True, slots=True)
class Step:
    """What a rotation writes: the successor's `jti`, the time, the idle life, and from where.

    `jkt` is the thumbprint of the verified proof's key; None when there was no proof.
    """

    jti: str
    now: int
    idle_ttl: int
    remember_idle_ttl: int
    ip: str
    user_agent: str
    jkt: str | None = None


def insert(connection: Connection, family: Family) -> None:
    """Begin a family."""
    row = {column.name: getattr(family, column.name) for column in families.c}
    connection.execute(families.insert().values(row))


def rotate(
    connection: Connection, claims: RefreshTokenClaims, step: Step
) -> tuple[Current, str] | None:
    """Exchange the current token for its successor; return what it shows and the user's address.

    ONE conditional UPDATE: of any number of parallel attempts with one token the database lets
    exactly one match. The same UPDATE binds an unbound family to the proof's key, on first use,
    and matches a bound one only with that key. None means that this was not it; `retry` and
    `why_not` say what it was.
    """
    return take(
        connection,
        ROTATE,
        claims,
        presented=claims.jti,
        successor=step.jti,
        now=step.now,
        idle_ttl=step.idle_ttl,
        remember_idle_ttl=step.remember_idle_ttl,
        from_ip=step.ip,
        agent=step.user_agent,
        key=step.jkt,
    )


def retry(
    connection: Connection, claims: RefreshTokenClaims, step: Step
) -> tuple[Current, str] | None:
    """Take a spent token once more, from whoever proves to hold the family's key.

    The immediate predecessor, whose answer was lost; or one that was overtaken: with many tabs
    and reloads, a request or a Set-Cookie may arrive after others rotated twice. It is of the
    present burst then: every rotation since followed the one before within `IN_FLIGHT_SECONDS`.
    An older one is theft. The family goes on as it is, nothing is extended, and the successor
    is minted again from the row, byte for byte. Without a key nothing matches.
    """
    return take(
        connection,
        RETRY,
        claims,
        presented=claims.jti,
        minted_at=claims.iat,
        now=step.now,
        key=step.jkt,
    )


def take(
    connection: Connection,
    statement: Update,
    claims: RefreshTokenClaims,
    **values: str | int | None,
) -> tuple[Current, str] | None:
    """Run an UPDATE of the family that `claims` name, and return its CURRENT if it matched."""
    named = {"family": claims.family_id, "user": claims.sub, **values}
    row = connection.execute(statement, named).one_or_none()
    return (Current(claims.family_id, claims.sub, *row[:-1]), row[-1]) if row else None


def why_not(connection: Connection, claims: RefreshTokenClaims, now: int, jkt: str | None) -> str:
    """Say why a correctly signed refresh token did not rotate: a word for the audit record."""
    named = {"family": claims.family_id, "user": claims.sub}
    row = connection.execute(NAMED, named).one_or_none()
    if row is None:
        return "unknown"
    family = Family(*row)
    if family.revoked_reason is not None:
        return family.revoked_reason
    # Before any theft: the leeway lets a token through for seconds after its family is over.
    if family.idle_expires_at <= now:
        return EXPIRED
    if family.jkt is not None and family.jkt != jkt:
        return NO_PROOF if jkt is None else FOREIGN_KEY
    return REUSE if family.jti != claims.jti else "disabled"


def revoke(
    connection: Connection, which: ColumnElement[bool], reason: str, now: int, ip: str = ""
) -> list[Ended]:
    """Revoke every family of `which` that is not revoked yet, and return those it ended."""
    ended = connection.execute(
        update(families)
        .where(which, families.c.revoked_at.is_(None))
        .values(revoked_at=now, revoked_reason=reason, revoked_ip=ip or None)
        .returning(families.c.family_id, families.c.last_used_at)
    )
    return [Ended(*row) for row in ended]


def of_family(family_id: str) -> ColumnElement[bool]:
    """Select one family."""
    return families.c.family_id == family_id


def of_user(user_id: str) -> ColumnElement[bool]:
    """Select all families of a user."""
    return families.c.user_id == user_id


def beyond_limit(user_id: str, keep: str, now: int) -> ColumnElement[bool]:
    """Select the live families of a user beyond `keep` and the nineteen used last."""
    live = and_(families.c.revoked_at.is_(None), families.c.idle_expires_at > now)
    others = and_(of_user(user_id), live, families.c.family_id != keep)
    newest = (
        select(families.c.family_id).where(others).order_by(*_latest_used).limit(MOST_FAMILIES - 1)
    )
    return and_(others, families.c.family_id.not_in(newest))


def live_of(connection: Connection, user_id: str, now: int) -> list[Family]:
    """Return a user's live families, the latest used first."""
    rows = connection.execute(LIVE_OF, {"user": user_id, "now": now})
    return [Family(*row) for row in rows]


def stolen_of(connection: Connection, user_id: str, since: int) -> list[Family]:
    """Return the last `MAX_THEFTS_SHOWN` of a user's families that ended in theft since then."""
    rows = connection.execute(STOLEN_OF, {"user": user_id, "since": since})
    return [Family(*row) for row in rows]


def find(connection: Connection, family_id: str) -> Family | None:
    """Return one family, live or not."""
    row = connection.execute(FIND, {"family": family_id}).one_or_none()
    return Family(*row) if row else None


def is_live(connection: Connection, family_id: str) -> bool:
    """Tell whether a family is unrevoked and its user enabled.

    Expiry is not asked: an access token carries its own.
    """
    return connection.execute(IS_LIVE, {"family": family_id}).first() is not None


def revoked_since(connection: Connection, since: int, minted_since: int) -> list[Ended]:
    """Return the families revoked at `since` or later that minted a token at `minted_since`."""
    rows = connection.execute(REVOKED_SINCE, {"since": since, "minted_since": minted_since})
    return [Ended(*row) for row in rows]
