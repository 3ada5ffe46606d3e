"""The log to read, and an application that several tests share."""

import io
import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.infra.logs import JsonLines
from tests.support.app import running
from tests.support.client import Client
from tests.support.clock import NOW, SettableClock
from tests.support.servers.valkey import ValkeyServer


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("latchkey")
    logger.addHandler(handler)
    yield text
    logger.removeHandler(handler)


@pytest.fixture(scope="module")
def shared_app(
    base_environment: dict[str, str],
    migrated_sqlite: Path,
    valkey_server: ValkeyServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Flask]:
    """One application, at one moment, for a module whose cases change nothing in it."""
    valkey_server.make_sound()
    database = shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("shared") / "latchkey.db")
    servers = {"DATABASE_URL": f"sqlite:///{database}", "REDIS_URL": valkey_server.url}
    with running(base_environment | servers, SettableClock(NOW)) as app:
        yield app


@pytest.fixture
def environment(environment: dict[str, str], request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment, with the variables that a test sets by an indirect parameter."""
    return environment | getattr(request, "param", {})


@pytest.fixture
def tab(app: Flask) -> Client:
    return Client(app)
