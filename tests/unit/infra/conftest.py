import time
from collections.abc import Iterator

import pytest

from app.infra.throttle import Throttle
from app.services import Services, build
from config import Settings
from tests.support.app import settle
from tests.support.clock import NOW, SettableClock
from tests.support.servers.valkey import ValkeyServer


@pytest.fixture
def process(settings: Settings, clock: SettableClock, valkey: ValkeyServer) -> Iterator[Services]:
    """One process's own parts; the limits count by the machine's time."""
    clock.ahead = int(time.time()) - NOW
    own = build(settings, clock)
    yield own
    settle(own, valkey)


@pytest.fixture
def throttle(process: Services) -> Throttle:
    return process.auth.throttle
