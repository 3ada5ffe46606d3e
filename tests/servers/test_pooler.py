"""PgBouncer in transaction mode between Latchkey and PostgreSQL."""

import os
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy.exc import OperationalError

from app import create_app
from app.accounts import queries as accounts
from app.infra.database import Database
from config import Settings
from tests.conftest import NO_PGBOUNCER
from tests.support.app import close
from tests.support.at_once import at_once
from tests.support.client import NEW_PASSWORD, PASSWORD, pair, program
from tests.support.clock import NOW
from tests.support.factories import a_user
from tests.support.servers import pgbouncer
from tests.support.servers.gunicorn import GunicornServer
from tests.support.servers.postgres import PostgresServer
from tests.support.servers.valkey import ValkeyServer

SESSIONS, ROTATIONS = 8, 25


@pytest.fixture(scope="module")
def pooler(postgres: PostgresServer) -> Iterator[pgbouncer.PgBouncerServer]:
    if pgbouncer.program() is None:
        if os.environ.get("CI"):
            pytest.fail("CI is set and there is no PgBouncer: these tests may not be skipped")
        pytest.skip(NO_PGBOUNCER)
    with pgbouncer.PgBouncerServer(postgres.create()) as server:
        yield server


@pytest.fixture
def environment(
    base_environment: dict[str, str],
    postgres: PostgresServer,
    migrate: Callable[[str], None],
    pooler: pgbouncer.PgBouncerServer,
    valkey: ValkeyServer,
) -> dict[str, str]:
    """A deployment whose database is behind the pooler."""
    url = postgres.create()
    migrate(url)
    return base_environment | {
        "DATABASE_URL": pooler.through(url),
        "DATABASE_POOLER": "transaction",
        "REDIS_URL": valkey.url,
    }


def test_every_request_succeeds(
    environment: dict[str, str], serve: Callable[..., GunicornServer]
) -> None:
    """With more threads than pooled connections sessions rotate, and a race has one winner."""
    wire = program(serve(environment), email="ada@example.com")
    wire.create_account()
    pairs = [pair(wire.log_in()) for _ in range(SESSIONS)]

    def rotate(number: int) -> list[int]:
        refresh, statuses = pairs[number][1], []
        for _ in range(ROTATIONS):
            answer = wire.refresh(refresh)
            access, refresh = pair(answer)
            statuses += [answer.status_code, wire.me(access).status_code]
        return statuses

    assert at_once(SESSIONS, rotate) == [[200] * 2 * ROTATIONS] * SESSIONS
    access, refresh = pair(wire.log_in())
    raced = at_once(20, lambda _: wire.refresh(refresh))
    assert sorted(answer.status_code for answer in raced) == [200] + [401] * 19
    own = pair(wire.log_in())[0]
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert wire.ask("POST", "/auth/password", body, access=own).status_code == 200
    assert wire.me_everywhere(access) == wire.me_everywhere(own) == {401}


def test_without_the_setting_it_refuses(environment: dict[str, str]) -> None:
    """What the setting leaves out is what this pooler does not take."""
    plain = Database(environment["DATABASE_URL"])
    with pytest.raises(OperationalError, match="startup parameter"):
        plain.read(accounts.find, "nobody")
    database = Database(environment["DATABASE_URL"], pooler=True)
    user = a_user(database)
    for _ in range(12):  # a driver prepares what it sees more than five times
        assert database.read(accounts.find, user.id) == user
        database.transact(accounts.disable, user.id, NOW)
        database.write(accounts.enable, user.id)
    plain.engine.dispose()
    database.engine.dispose()


def test_doctor_asks_for_a_time_limit(
    environment: dict[str, str], postgres: PostgresServer
) -> None:
    """A pooler takes none from us; what the role or the database sets is found."""

    def examine() -> str:
        app = create_app(Settings.from_env(environment))
        said = app.test_cli_runner().invoke(args=["doctor"]).output
        close(app)
        return said

    assert "FAULT database: has no statement_timeout" in examine()
    postgres.limit(environment["DATABASE_URL"], "5s")
    assert "ok    database" in examine()
