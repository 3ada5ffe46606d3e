"""Accounts, families and process-local services as tests need them."""

from dataclasses import asdict, replace
from functools import partial

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Connection

from app.accounts import queries as accounts
from app.accounts.models import User
from app.families import queries, revocation
from app.families.denylist_sync import DenylistSync
from app.families.entries import Entries, Keys
from app.families.issuer import new_id
from app.families.marker import Marker
from app.families.models import Current, Family, Reason
from app.families.outage import Outage
from app.families.replay_cache import ReplayCache
from app.infra.clock import Clock
from app.infra.database import Database
from app.infra.redis import ConnectionCount, RedisLink
from app.tokens.claims import RefreshTokenClaims
from app.tokens.nonces import Nonces
from tests.support.clock import NOW

LEEWAY = 5
PREFIX = "latchkey:{test}:"


def replay_cache(url: str, database: Database, clock: Clock) -> ReplayCache:
    keys = Keys(f"{PREFIX}deny:", f"{PREFIX}denylist-complete", 600, LEEWAY)
    nonces = Nonces(b"a key for nonces", LEEWAY)
    outage, marker = Outage(clock, nonces), Marker(keys.marker, LEEWAY, clock, nonces)
    redis = Redis.from_url(url, retry=Retry(NoBackoff(), 0))
    link = RedisLink(redis, ConnectionCount(), partial(Redis.from_url, url))
    sync = DenylistSync(link, Entries(keys, database, clock), marker, clock, outage, nonces)
    return ReplayCache(redis, PREFIX, clock, sync, outage, nonces)


def alone(clock: Clock) -> ReplayCache:
    """Return a memory for proofs that reaches no Redis."""
    return replay_cache("unix:///nowhere", Database("sqlite:////nowhere/latchkey.db"), clock)


def a_user(
    database: Database, email: str = "ada@example.com", **changes: int | str | None
) -> User:
    """Insert an account whose password nobody knows; `changes` are columns."""
    user = User(new_id(), email, f"hash-{new_id()}", NOW, NOW, None, None)
    user = replace(user, **changes)  # type: ignore[arg-type]
    with database.transaction() as connection:
        accounts.insert(connection, user)
    return user


def a_family(database: Database, user: User, **changes: int | str | bool | None) -> Family:
    """Insert a family that began now; `changes` are columns."""
    family = Family(
        family_id=new_id(),
        user_id=user.id,
        jti=new_id(),
        previous_jti=None,
        generation=0,
        created_at=NOW,
        rotated_at=NOW,
        last_used_at=NOW,
        idle_expires_at=NOW + 3600,
        absolute_expires_at=NOW + 7200,
        remembered=False,
        ip="192.0.2.1",
        user_agent="a browser",
        revoked_at=None,
        revoked_reason=None,
    )
    family = replace(family, **changes)  # type: ignore[arg-type]
    with database.transaction() as connection:
        queries.insert(connection, family)
    return family


def stored(database: Database, family: Family) -> Family | None:
    with database.autocommit() as connection:
        return queries.find(connection, family.family_id)


def revoke(database: Database, family: Family, now: int = NOW) -> None:
    """Revoke a family in the database alone."""
    with database.autocommit() as connection:
        revocation.revoke_family(connection, family.family_id, Reason.ADMIN, now)


def whole(connection: Connection, taken: tuple[Current, str] | None) -> tuple[Family, str] | None:
    """Return the whole row of a family whose token was taken, of which `taken` has a part."""
    if taken is None:
        return None
    row = queries.find(connection, taken[0].family_id)
    assert row is not None
    assert {name: getattr(row, name) for name in asdict(taken[0])} == asdict(taken[0])
    return row, taken[1]


def claims_of(family: Family) -> RefreshTokenClaims:
    return RefreshTokenClaims(
        iss="https://localhost",
        aud="https://localhost/auth/refresh",
        sub=family.user_id,
        family_id=family.family_id,
        jti=family.jti,
        iat=family.rotated_at,
        exp=family.idle_expires_at,
    )
