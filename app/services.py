"""What the use cases need, built once per process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

from flask import current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.accounts.devices import Devices
from app.accounts.passwords import Passwords
from app.admin import Admin
from app.attempts import Attempts
from app.audit import Audit
from app.auth import Auth
from app.clock import Clock
from app.database import Database
from app.families.connections import ConnectionCount
from app.families.denylist import Denylist, Keys
from app.families.once import Once
from app.grants import Lifetimes, Mint
from app.overview import Overview
from app.throttle import Throttle
from app.tokens.claims import AccessTokenClaims, RefreshTokenClaims
from app.tokens.codec import Codec, Rules
from app.tokens.keys import KeyRing, derive, key_ring
from app.tokens.nonces import Nonces
from config import Settings

REDIS_SECONDS: Final = 0.5
NAME: Final = "latchkey"
ACCESS_KEY: Final = "access token"
REFRESH_KEY: Final = "refresh token"


@dataclass(frozen=True)
class Services:
    """The application's own objects; `services()` finds them from inside a request."""

    settings: Settings
    clock: Clock
    database: Database
    redis: Redis
    denylist: Denylist
    nonces: Nonces
    auth: Auth
    admin: Admin

    def nonce(self) -> str:
        """Return the newest nonce for proofs."""
        return self.nonces.current(self.clock.now())


def build(settings: Settings, clock: Clock) -> Services:
    """Wire everything up. Nothing connects yet."""
    database, connections, audit = Database(settings.database_url), ConnectionCount(), Audit(clock)
    redis = _redis(settings.redis_url, connections)
    prefix = _prefix(settings)
    once = Once(redis, prefix, clock)
    denylist = Denylist(redis, connections, database, clock, denylist_keys(settings), once)
    devices = Devices(_purpose_key(settings, "device"))
    throttle = Throttle(redis, prefix, clock)
    auth = Auth(
        database=database,
        denylist=denylist,
        mint=_mint(settings),
        overview=Overview(database, clock),
        attempts=Attempts(database, _passwords(settings), devices, throttle),
        throttle=throttle,
        once=once,
        audit=audit,
        clock=clock,
    )
    admin = Admin(database=database, denylist=denylist, audit=audit, clock=clock)
    nonces = Nonces(_purpose_key(settings, "nonce"))
    return Services(settings, clock, database, redis, denylist, nonces, auth, admin)


def denylist_keys(settings: Settings) -> Keys:
    """Return the names under which a deployment denies families in its Redis."""
    prefix = _prefix(settings)
    return Keys(
        prefix=f"{prefix}deny:",
        marker=f"{prefix}denylist-complete",
        life=settings.access_ttl,
        leeway=settings.clock_leeway,
    )


def services() -> Services:
    """Return the services of the current application."""
    return cast("Services", current_app.extensions[NAME])


def _prefix(settings: Settings) -> str:
    return f"{NAME}:{{{settings.env}}}:"


def _redis(url: str, connections: ConnectionCount) -> Redis:
    # One immediate retry: an idle connection that the server closed is no outage.
    return Redis.from_url(
        url,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), 1),
        redis_connect_func=connections,
    )


def _passwords(settings: Settings) -> Passwords:
    return Passwords(
        settings.argon2_memory_kib,
        settings.argon2_time,
        settings.argon2_parallelism,
        settings.password_min_length,
    )


def _mint(settings: Settings) -> Mint:
    life = Lifetimes(
        access=settings.access_ttl,
        idle=settings.refresh_idle_ttl,
        absolute=settings.refresh_absolute_ttl,
        remember_idle=settings.remember_idle_ttl,
        remember_absolute=settings.remember_absolute_ttl,
    )
    issuer, leeway = settings.public_url, settings.clock_leeway
    longest = max(life.absolute, life.remember_absolute)
    access = Rules("at+jwt", issuer, settings.audience, life.access, leeway)
    refresh = Rules("rt+jwt", issuer, f"{issuer}/auth/refresh", longest, leeway)
    return Mint(
        access=Codec(access, _ring(settings, ACCESS_KEY), AccessTokenClaims),
        refresh=Codec(refresh, _ring(settings, REFRESH_KEY), RefreshTokenClaims),
        life=life,
    )


def _ring(settings: Settings, purpose: str) -> KeyRing:
    return key_ring(
        settings.jwt_secret,
        settings.jwt_secret_previous,
        env=settings.env,
        issuer=settings.public_url,
        purpose=purpose,
    )


def _purpose_key(settings: Settings, purpose: str) -> bytes:
    return derive(
        settings.jwt_secret, env=settings.env, issuer=settings.public_url, purpose=purpose
    )
