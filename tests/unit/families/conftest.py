"""Families, and one process's parts on a Redis that may be out of order."""

from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from app.accounts.models import User
from app.families.issuer import new_id
from app.families.models import Family
from app.infra import redis as redis_module
from app.infra.database import Database
from app.services import Services, build
from app.tokens.nonces import Nonces
from config import Settings
from tests.support.app import settle
from tests.support.clock import NOW, SettableClock
from tests.support.factories import a_family, a_user, revoke
from tests.support.log import Log
from tests.support.servers.valkey import ValkeyServer
from tests.unit.families.rotations import OURS
from tests.unit.families.worker import Worker, on_statement


@pytest.fixture
def user(database: Database) -> User:
    return a_user(database)


@pytest.fixture
def bound(database: Database, user: User) -> Family:
    """A family that is bound to our key and rotated once, five seconds after it began."""
    return a_family(
        database,
        user,
        jkt=OURS,
        previous_jti=new_id(),
        generation=1,
        rotated_at=NOW,
        burst_started_at=NOW - 5,
    )


@pytest.fixture
def start_process(
    settings: Settings, clock: SettableClock, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Services]]:
    """A function that builds a process's own parts; its repairs pause for a moment only."""
    monkeypatch.setattr(redis_module, "REDIS_BACKOFF_SECONDS", 0.02)
    started: list[Services] = []

    def start() -> Services:
        started.append(build(settings, clock))
        return started[-1]

    yield start
    for process in started:
        settle(process, valkey)


@pytest.fixture
def process(start_process: Callable[[], Services]) -> Services:
    return start_process()


@pytest.fixture
def worker(process: Services, valkey: ValkeyServer) -> Worker:
    user, eve = (a_user(process.database, f"{name}@example.com") for name in ("ada", "eve"))
    active, revoked = a_family(process.database, user), a_family(process.database, eve)
    revoke(process.database, revoked)
    return Worker(process, valkey, user, active, revoked)


@pytest.fixture
def statements(process: Services) -> list[str]:
    """The statements that reach the process's database from now on."""
    seen: list[str] = []
    on_statement(process.database, seen.append)
    return seen


@pytest.fixture
def redis(valkey: ValkeyServer) -> Iterator[Redis]:
    with Redis.from_url(valkey.url) as redis:
        yield redis


@pytest.fixture
def nonces() -> Nonces:
    return Nonces(b"a key for nonces", leeway=5)


@pytest.fixture
def log(log_of: Callable[[str], Log]) -> Log:
    return log_of("latchkey.denylist")


@pytest.fixture
def evicting(valkey: ValkeyServer) -> Iterator[ValkeyServer]:
    """A Redis that is not trusted, because it evicts; a test may end that."""
    valkey.client.config_set("maxmemory-policy", "allkeys-lru")
    yield valkey
    valkey.make_sound()
    valkey.client.config_set("maxmemory-policy", "noeviction")
