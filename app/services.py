"""Build the objects of the application (`create_app`), and find them in a request (`services`)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast
from urllib.parse import urlsplit

from flask import current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.accounts.breached_passwords import BreachedPasswords
from app.accounts.hash_queue import HashQueue
from app.accounts.known_browsers import KnownBrowsers
from app.accounts.password_login import PasswordLogin
from app.accounts.password_policy import PasswordPolicy
from app.accounts.passwords import Passwords
from app.auth.dependencies import Auth
from app.auth.pruning import Pruning
from app.families.denylist import Denylist
from app.families.denylist_sync import DenylistSync
from app.families.entries import Entries, Keys
from app.families.marker import Marker
from app.families.outage import Outage
from app.families.replay_cache import ReplayCache
from app.feature import Feature
from app.infra.audit import Audit
from app.infra.clock import Clock
from app.infra.database import Database
from app.infra.outage_log import OutageLog
from app.infra.redis import ConnectionCount, RedisLink
from app.infra.throttle import Throttle
from app.mail import sender as mail_sender
from app.mail.composer import Composer
from app.mail.folder import Folder
from app.mail.links import Links
from app.mail.outbox import Outbox
from app.mail.sender import Sender
from app.mail.smtp import from_url
from app.mail.wording import Site
from app.signing import LINK_KEY, purpose_key, ring, token_issuer
from app.tokens.claims import AccessTokenClaims
from app.tokens.codec import Codec
from app.tokens.nonces import Nonces
from config import THREADS, Settings

REDIS_SECONDS: Final = 0.5
NAME: Final = "latchkey"
ISSUER_DIGITS: Final = 12
MAILBOX: Final = "mailbox"


@dataclass(frozen=True)
class Services:
    """The objects of one application. All are safe to share between threads."""

    settings: Settings
    clock: Clock
    database: Database
    redis: Redis
    audit: Audit
    access_tokens: Codec[AccessTokenClaims]
    denylist: Denylist
    denylist_sync: DenylistSync
    nonces: Nonces
    auth: Auth
    sender: Sender | None
    """Sends mail; None when MAIL_URL is `none`."""

    def sending(self) -> AbstractContextManager[None]:
        """Send mail in a thread of this process inside the `with` block, unless there is none."""
        return self.sender.running(self.auth.outbox.woken) if self.sender else nullcontext()

    def nonce(self) -> str:
        """Return the newest nonce for proofs.

        The first call checks Redis for a loss, because a nonce from before it would be refused.
        """
        if not self.denylist_sync.checked:
            self.denylist_sync.check_for_loss()
        return self.nonces.current(self.clock.now())


def build(settings: Settings, clock: Clock, features: Sequence[Feature] = ()) -> Services:
    """Build every object. Nothing connects to the database or to Redis before it is used."""
    database = Database(settings.database_url, threads=THREADS, pooler=settings.database_pooler)
    link, audit = _redis_link(settings.redis_url), Audit(clock)
    redis, prefix = link.redis, redis_prefix(settings)
    nonces = Nonces(purpose_key(settings, "nonce"), settings.clock_leeway)
    outage, keys = Outage(clock, nonces), denylist_keys(settings)
    marker = Marker(keys.marker, keys.leeway, clock, nonces)
    sync = DenylistSync(link, Entries(keys, database, clock), marker, clock, outage, nonces)
    replay_cache = ReplayCache(redis, prefix, clock, sync, outage, nonces)
    denylist = Denylist(redis, database, clock, keys, sync, replay_cache, outage)
    throttle, issuer = Throttle(redis, prefix, clock), token_issuer(settings, features)
    auth = Auth(
        database=database,
        denylist=denylist,
        issuer=issuer,
        password_login=_password_login(settings, database, throttle, clock),
        throttle=throttle,
        replay_cache=replay_cache,
        audit=audit,
        clock=clock,
        pruning=Pruning(database, clock),
        outbox=Outbox(clock, is_open=settings.mail_url != "none"),
        links=Links(ring(settings, LINK_KEY)),
        delete_rows=tuple(f.delete_rows for f in features if f.delete_rows),
        export_rows={f.name: f.export_rows for f in features if f.export_rows},
    )
    return Services(
        settings=settings,
        clock=clock,
        database=database,
        redis=redis,
        audit=audit,
        access_tokens=issuer.access,
        denylist=denylist,
        denylist_sync=sync,
        nonces=nonces,
        auth=auth,
        sender=_sender(settings, auth),
    )


def _sender(settings: Settings, auth: Auth) -> Sender | None:
    if settings.mail_url == "none":
        return None
    in_folder = settings.mail_url == "mailbox"
    folder = Folder(settings.instance / MAILBOX)
    transport = folder if in_folder else from_url(settings.mail_url)
    site = Site(settings.product_name, settings.public_url)
    composer = Composer(auth.database, auth.links, site, settings.mail_from, auth.clock)
    outages = OutageLog(auth.clock, mail_sender.logger)
    return Sender(auth.database, composer, transport, auth.audit, auth.clock, outages)


def _password_login(
    settings: Settings, database: Database, throttle: Throttle, clock: Clock
) -> PasswordLogin:
    browsers = KnownBrowsers(purpose_key(settings, "device"))
    passwords = Passwords(
        settings.argon2_memory_kib, settings.argon2_time, settings.argon2_parallelism
    )
    path = settings.breached_passwords
    breached = BreachedPasswords(path) if path else None
    names = (settings.product_name, urlsplit(settings.public_url).hostname or "")
    policy = PasswordPolicy(settings.password_min_length, breached, names)
    return PasswordLogin(database, passwords, policy, HashQueue(), browsers, throttle, clock)


def denylist_keys(settings: Settings) -> Keys:
    """Return the names of a deployment's denylist keys in Redis."""
    prefix = redis_prefix(settings)
    return Keys(
        prefix=f"{prefix}deny:",
        marker=f"{prefix}denylist-complete",
        access_ttl=settings.access_ttl,
        leeway=settings.clock_leeway,
    )


def services() -> Services:
    """Return the services of the current application."""
    return cast("Services", current_app.extensions[NAME])


def redis_prefix(settings: Settings) -> str:
    """Return the prefix of every Redis key of a deployment.

    Deployments on one Redis share no key. The braces put all keys into one slot of a cluster.
    """
    issuer = hashlib.sha256(settings.public_url.encode()).hexdigest()[:ISSUER_DIGITS]
    return f"{NAME}:{{{settings.env}.{issuer}}}:"


def _redis_link(url: str) -> RedisLink:
    connections = ConnectionCount()
    # One immediate retry, because a closed idle connection is not an outage.
    shared = _redis(url, retries=1, redis_connect_func=connections)
    return RedisLink(shared, connections, partial(_redis, url, retries=0))


def _redis(url: str, *, retries: int, **options: Any) -> Redis:  # noqa: ANN401 - any option of redis-py
    return Redis.from_url(
        url,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        retry=Retry(NoBackoff(), retries),
        **options,
    )
