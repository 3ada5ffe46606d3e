"""A sound instance for the whole test session, and what each attack found there."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from app.attacks.run import Run
from app.dev.lab.weakened_instance import weakened_instance
from config import Settings
from tests.attacks.attacker import attack
from tests.support.servers.valkey import ValkeyServer


@pytest.fixture(scope="session")
def running(base_environment: dict[str, str], valkey_server: ValkeyServer) -> Settings:
    """The settings of whoever starts an instance, which takes nothing but Redis from them."""
    servers = {"DATABASE_URL": "sqlite:////nowhere", "REDIS_URL": valkey_server.url}
    return Settings.from_env(base_environment | servers)


@pytest.fixture(scope="session")
def against_sound(running: Settings) -> Iterator[Callable[[str], Run]]:
    with weakened_instance("", running) as target:
        yield cache(lambda slug: attack(target, slug))
