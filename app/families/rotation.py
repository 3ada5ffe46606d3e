"""Rotation and revocation. Each state change is one conditional statement with a named outcome.

A correctly signed refresh token whose `jti` is not its family's current one is spent by that
fact; no list of spent tokens is kept, so nothing grows with use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, case, delete, exists, select, update

from app.families.models import Ended, Family, families, owners
from app.tokens.claims import RefreshTokenClaims

MOST_FAMILIES: Final = 20
PRUNE_BATCH: Final = 500
IN_FLIGHT_SECONDS: Final = 30  # twice what a browser waits for one answer
PRUNE_AFTER: Final = 60  # above any clock leeway: until then a last access token is good

LOGGED_OUT: Final = "logged_out"
REUSE: Final = "reuse"
PASSWORD_CHANGED: Final = "password_changed"  # noqa: S105 - a reason, not a password
ADMIN: Final = "admin"
REPLACED: Final = "replaced"
NO_PROOF: Final = "no_proof"
FOREIGN_KEY: Final = "foreign_key"
THEFTS: Final = frozenset({REUSE, NO_PROOF, FOREIGN_KEY})
EXPIRED: Final = "expired"


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
) -> tuple[Family, str] | None:
    """Exchange the current token for its successor; return the family and the user's address.

    ONE conditional UPDATE: of any number of parallel attempts with one token the database lets
    exactly one match. The same UPDATE binds an unbound family to the proof's key, on first use,
    and matches a bound one only with that key. None means that this was not it; `retry` and
    `why_not` say what it was.
    """
    now = _not_before(families.c.last_used_at, step.now)
    idle = now + case((families.c.remembered, step.remember_idle_ttl), else_=step.idle_ttl)
    absolute = families.c.absolute_expires_at
    values = {
        "previous_jti": families.c.jti,
        "jti": step.jti,
        "generation": families.c.generation + 1,
        "rotated_at": now,
        "last_used_at": now,
        "idle_expires_at": case((idle < absolute, idle), else_=absolute),
        "ip": step.ip,
        "user_agent": step.user_agent,
        "jkt": step.jkt,  # the one it has, if it has one: see `bound`
        "burst_from": case(
            (families.c.rotated_at < now - IN_FLIGHT_SECONDS, families.c.rotated_at),
            else_=families.c.burst_from,
        ),
    }
    bound = families.c.jkt.is_(None) | (families.c.jkt == step.jkt)
    current = and_(
        _named(claims), families.c.jti == claims.jti, bound, _live(step.now), _enabled()
    )
    return _changed(connection, current, values)


def retry(
    connection: Connection, claims: RefreshTokenClaims, step: Step
) -> tuple[Family, str] | None:
    """Take a spent token once more, from whoever proves to hold the family's key.

    The immediate predecessor, whose answer was lost; or one that was overtaken: with many tabs
    and reloads, a request or a Set-Cookie may arrive after others rotated twice. It is of the
    present burst then: every rotation since followed the one before within `IN_FLIGHT_SECONDS`.
    An older one is theft. The family goes on as it is, nothing is extended, and the successor
    is minted again from the row, byte for byte.
    """
    again = and_(
        _named(claims),
        families.c.jti != claims.jti,
        (families.c.previous_jti == claims.jti) | (families.c.burst_from <= claims.iat),
        families.c.jkt == step.jkt,
        _live(step.now),
        _enabled(),
    )
    now = _not_before(families.c.last_used_at, step.now)
    values = {"last_used_at": now, "retries": families.c.retries + 1}
    return _changed(connection, again, values) if step.jkt else None


def _changed(
    connection: Connection, which: ColumnElement[bool], values: dict[str, Any]
) -> tuple[Family, str] | None:
    email = select(owners.c.email).where(owners.c.id == families.c.user_id).scalar_subquery()
    row = connection.execute(
        update(families).where(which).values(values).returning(*families.c, email)
    ).one_or_none()
    return (Family(*row[:-1]), row[-1]) if row else None


def why_not(connection: Connection, claims: RefreshTokenClaims, now: int, jkt: str | None) -> str:
    """Say why a correctly signed refresh token did not rotate: a word for the audit record."""
    row = connection.execute(select(families).where(_named(claims))).one_or_none()
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
    others = and_(of_user(user_id), _live(now), families.c.family_id != keep)
    newest = (
        select(families.c.family_id)
        .where(others)
        .order_by(families.c.last_used_at.desc(), families.c.created_at.desc())
        .limit(MOST_FAMILIES - 1)
    )
    return and_(others, families.c.family_id.not_in(newest))


def live_of(connection: Connection, user_id: str, now: int) -> list[Family]:
    """Return a user's live families, the latest used first."""
    rows = connection.execute(
        select(families)
        .where(of_user(user_id), _live(now))
        .order_by(families.c.last_used_at.desc(), families.c.created_at.desc())
    )
    return [Family(*row) for row in rows]


def stolen_of(connection: Connection, user_id: str, since: int) -> list[Family]:
    """Return a user's families that ended in theft since then, the latest first."""
    rows = connection.execute(
        select(families)
        .where(
            of_user(user_id),
            families.c.revoked_at >= since,
            families.c.revoked_reason.in_(THEFTS),
        )
        .order_by(families.c.revoked_at.desc())
    )
    return [Family(*row) for row in rows]


def find(connection: Connection, family_id: str) -> Family | None:
    """Return one family, live or not."""
    row = connection.execute(select(families).where(of_family(family_id))).one_or_none()
    return Family(*row) if row else None


def is_live(connection: Connection, family_id: str) -> bool:
    """Tell whether a family is unrevoked and its user enabled.

    Expiry is not asked: an access token carries its own.
    """
    found = select(families.c.family_id).where(
        of_family(family_id), families.c.revoked_at.is_(None), _enabled()
    )
    return connection.execute(found).first() is not None


def revoked_since(connection: Connection, since: int, minted_since: int) -> list[Ended]:
    """Return the families revoked at `since` or later that minted a token at `minted_since`."""
    rows = connection.execute(
        select(families.c.family_id, families.c.last_used_at).where(
            families.c.revoked_at >= since, families.c.last_used_at >= minted_since
        )
    )
    return [Ended(*row) for row in rows]


def prune(connection: Connection, now: int) -> int:
    """Delete one batch of families past their absolute life and return how many they were."""
    over = (
        select(families.c.family_id)
        .where(families.c.absolute_expires_at < now - PRUNE_AFTER)
        .limit(PRUNE_BATCH)
        .scalar_subquery()
    )
    return connection.execute(delete(families).where(families.c.family_id.in_(over))).rowcount


def _named(claims: RefreshTokenClaims) -> ColumnElement[bool]:
    return and_(families.c.family_id == claims.family_id, families.c.user_id == claims.sub)


def _live(now: int) -> ColumnElement[bool]:
    return and_(families.c.revoked_at.is_(None), families.c.idle_expires_at > now)


def _not_before(earlier: ColumnElement[int], now: int) -> ColumnElement[int]:
    # Another machine's clock may be ahead, within the leeway. For a family time stands still
    # then: a token minted before its own log-in, or older than its predecessor, is refused.
    return case((earlier > now, earlier), else_=now)


def _enabled() -> ColumnElement[bool]:
    return exists().where(owners.c.id == families.c.user_id, owners.c.disabled_at.is_(None))
