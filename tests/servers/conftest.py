"""Four workers on each database, for tests that race them; others start their own servers."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.client import Client, program
from tests.support.servers.gunicorn import GunicornServer
from tests.support.servers.postgres import PostgresServer
from tests.support.servers.valkey import ValkeyServer


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "serializable"])
def server(
    request: pytest.FixtureRequest,
    base_environment: dict[str, str],
    migrate: Callable[[str], None],
    valkey_server: ValkeyServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[GunicornServer]:
    folder = tmp_path_factory.mktemp("races")
    url = f"sqlite:///{folder}/latchkey.db"
    if request.param != "sqlite":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        url = postgres.create()
        if request.param == "serializable":
            postgres.isolate(url, "serializable")
    migrate(url)
    valkey_server.make_sound()
    servers = {"DATABASE_URL": url, "REDIS_URL": valkey_server.url}
    server = GunicornServer(base_environment | servers, folder / "gunicorn.log", workers=4)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def wire(server: GunicornServer, valkey: ValkeyServer, request: pytest.FixtureRequest) -> Client:
    """A line to the four workers, and an account there."""
    assert valkey.answers()
    wire = program(server, email=f"{request.function.__name__}@example.com")
    wire.create_account()
    return wire
