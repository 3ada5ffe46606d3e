"""Valkey dies, hangs, forgets and comes back under four workers: no revoked token ever works."""

import os
from collections.abc import Callable

import pytest

from app.infra.database import Database
from tests.support.client import Client, pair, program
from tests.support.servers.gunicorn import GunicornServer
from tests.support.servers.postgres import PostgresServer
from tests.support.servers.valkey import ValkeyServer

WORKERS = 4
LOST = "redis unreachable, asking the database"


@pytest.fixture
def wire(
    serve: Callable[..., GunicornServer],
    base_environment: dict[str, str],
    sqlite_url: str,
    valkey: ValkeyServer,
) -> Client:
    """A line to four workers, and an account there."""
    servers = {"DATABASE_URL": sqlite_url, "REDIS_URL": valkey.url}
    wire = program(serve(base_environment | servers, workers=WORKERS))
    wire.create_account()
    return wire


def flush_to_disk(url: str) -> None:
    """Have the test server, which never waits for its disk, lose nothing when it is stopped."""
    database = Database(url)
    with database.autocommit() as connection:
        connection.exec_driver_sql("CHECKPOINT")
    database.engine.dispose()


def log_out(wire: Client, access: str) -> None:
    """End the session of an access token."""
    assert wire.ask("POST", "/auth/logout", access=access).status_code == 204


def test_stopped_and_back(wire: Client, valkey: ValkeyServer) -> None:
    """Away, back with its memory, away again, back without: the answers never change."""
    good, _ = pair(wire.log_in())
    before, _ = pair(wire.log_in())
    assert wire.me_everywhere(before) == {200}
    log_out(wire, before)
    valkey.stop()
    assert (wire.me_everywhere(good), wire.me_everywhere(before)) == ({200}, {401})
    during, _ = pair(wire.log_in())
    assert wire.me_everywhere(during) == {200}
    log_out(wire, during)
    dead = (before, during)
    assert [wire.me_everywhere(token) for token in dead] == [{401}] * 2
    for bring_back in (valkey.start, valkey.restart, valkey.restart_empty, valkey.flush):
        bring_back()
        assert [wire.me_everywhere(token) for token in dead] == [{401}] * 2
        assert wire.me_everywhere(good) == {200}


def test_revoked_while_away_and_asked_only_afterwards(wire: Client, valkey: ValkeyServer) -> None:
    """Workers that noticed nothing of the outage learn of it before they believe Valkey."""
    good, _ = pair(wire.log_in())
    dead, _ = pair(wire.log_in())
    assert wire.me_everywhere(dead) == {200}
    valkey.stop()
    log_out(wire, dead)
    valkey.start()
    assert wire.me_everywhere(dead) == {401}
    assert wire.me_everywhere(good) == {200}


def test_hanging(wire: Client, valkey: ValkeyServer) -> None:
    """It takes connections and answers nothing: slower, and still right."""
    good, refresh = pair(wire.log_in())
    dead, _ = pair(wire.log_in())
    log_out(wire, dead)
    valkey.freeze()
    assert wire.me(good).status_code == 200
    assert wire.me(dead).status_code == 401
    assert wire.refresh(refresh).status_code == 200
    log_out(wire, good)
    assert wire.me(good).status_code == 401
    valkey.thaw()
    assert wire.me_everywhere(dead) == {401}


def test_outage_is_logged_once_in_a_while(wire: Client, valkey: ValkeyServer) -> None:
    """Once a worker, not once a request; and the return is logged too."""
    good, _ = pair(wire.log_in())
    assert wire.me_everywhere(good) == {200}
    valkey.stop()
    for _ in range(3):
        assert wire.me_everywhere(good) == {200}
    assert 1 <= wire.server.log.count(LOST) <= WORKERS
    valkey.start()
    for _ in range(2):
        assert wire.me_everywhere(good) == {200}
    assert good not in wire.server.log


@pytest.mark.skipif(
    bool(os.environ.get("TEST_POSTGRES_URL")), reason="a server from outside is not stopped"
)
def test_both_gone(
    serve: Callable[..., GunicornServer],
    base_environment: dict[str, str],
    migrate: Callable[[str], None],
    valkey: ValkeyServer,
) -> None:
    """503 with Retry-After for everybody: never 200, never 401; afterwards all is as it was."""
    with PostgresServer() as postgres:
        url = postgres.create()
        migrate(url)
        servers = {"DATABASE_URL": url, "REDIS_URL": valkey.url}
        wire = program(serve(base_environment | servers, workers=2))
        wire.create_account()
        good, refresh = pair(wire.log_in())
        dead, _ = pair(wire.log_in())
        log_out(wire, dead)
        flush_to_disk(url)
        postgres.crash()
        # Valkey alone says no to who is denied, and yes to nobody.
        assert wire.me_everywhere(dead) <= {401, 503}
        assert wire.me_everywhere(good) == {503}
        assert wire.refresh(refresh).status_code == 503
        valkey.stop()
        for token in (good, dead):
            answers = [wire.me(token) for _ in range(8)]
            assert {answer.status_code for answer in answers} == {503}
            assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
            assert not any("Set-Cookie" in answer.headers for answer in answers)
        postgres.start_again()
        valkey.start()
        assert wire.me_everywhere(good) == {200}
        assert wire.me_everywhere(dead) == {401}
        assert wire.refresh(refresh).status_code == 200
