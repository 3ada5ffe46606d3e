"""One process's denylist, on a Redis that may be out of order."""

from collections.abc import Iterator

import pytest

from app.families.denylist_sync import DenylistSync
from app.infra import redis
from app.services import Services, build
from config import Settings
from tests.support.app import settle
from tests.support.clock import SettableClock
from tests.support.servers.valkey import ValkeyServer


@pytest.fixture
def process(
    settings: Settings,
    clock: SettableClock,
    valkey: ValkeyServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Services]:
    """Give one process's own parts; its repairs rest for a moment only."""
    monkeypatch.setattr(redis, "REDIS_BACKOFF_SECONDS", 0.02)
    own = build(settings, clock)
    yield own
    settle(own, valkey)


@pytest.fixture
def sync(process: Services) -> DenylistSync:
    return process.denylist_sync


@pytest.fixture
def evicting(valkey: ValkeyServer) -> Iterator[ValkeyServer]:
    """Give a Redis that is not believed, because it evicts; a test may end that."""
    valkey.client.config_set("maxmemory-policy", "allkeys-lru")
    yield valkey
    valkey.make_sound()
    valkey.client.config_set("maxmemory-policy", "noeviction")
