import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from psycopg.errors import DeadlockDetected, QueryCanceled
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import IntegrityError, OperationalError

from app.accounts import queries as accounts
from app.families import rotation
from app.families.issuer import new_id
from app.families.models import Family
from app.families.outcomes import Successor
from app.infra.database import Database
from app.infra.engines import STATEMENT_MS
from tests.support.at_once import at_once
from tests.support.clock import NOW
from tests.support.factories import a_family, a_user, claims_of, stored


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    yield database
    database.engine.dispose()


@pytest.fixture
def postgresql(postgres_url: str) -> Iterator[Database]:
    database = Database(postgres_url)
    yield database
    database.engine.dispose()


def disable_then_fail(opened: AbstractContextManager[Connection], user_id: str) -> None:
    with opened as connection:
        accounts.disable(connection, user_id, NOW)
        raise RuntimeError("half way")


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)],
)
def test_each_sqlite_connection_is_set_up_to_be_relied_on(
    sqlite: Database, pragma: str, value: object
) -> None:
    for opened in (sqlite.autocommit, sqlite.transaction):
        with opened() as connection:
            assert connection.scalar(text(f"PRAGMA {pragma}")) == value


def test_sqlite_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """Whatever the umask; the write-ahead log contains the same rows."""
    before = os.umask(0)
    try:
        database = Database(f"sqlite:///{tmp_path}/new.db")
        with database.transaction() as connection:
            connection.execute(text("CREATE TABLE kept (word TEXT)"))
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        database.engine.dispose()
    finally:
        os.umask(before)
    assert {"new.db", "new.db-wal", "new.db-shm"} <= modes.keys()
    assert set(modes.values()) == {0o600}


def test_sqlite_by_uri_makes_no_file_of_the_uris_name(tmp_path: Path) -> None:
    path = tmp_path / "by-uri.db"
    database = Database(f"sqlite:///file:{path}?uri=true")
    with database.autocommit() as connection:
        connection.execute(text("SELECT 1"))
    database.engine.dispose()
    assert [found.name for found in tmp_path.glob("file*")] == []
    assert path.exists()


def test_a_transaction_takes_the_write_lock_at_once(sqlite: Database, sqlite_url: str) -> None:
    """BEGIN IMMEDIATE: a second writer waits at the start and does not fail in the middle."""
    other = Database(sqlite_url)
    with sqlite.transaction(), other.engine.connect() as second:
        driver = second.connection.dbapi_connection
        assert driver is not None
        driver.execute("PRAGMA busy_timeout=1")
        with pytest.raises(OperationalError, match="locked"):
            second.execute(text("SELECT 1"))
    other.engine.dispose()


def test_a_reader_does_not_wait_for_a_writer(sqlite: Database) -> None:
    user = a_user(sqlite)
    with sqlite.transaction() as writing:
        accounts.disable(writing, user.id, NOW)
        assert sqlite.read(accounts.find, user.id) == user


def test_a_second_transaction_waits_for_the_first(sqlite: Database) -> None:
    user, order = a_user(sqlite), []
    started = threading.Event()

    def second() -> None:
        started.wait()
        with sqlite.transaction() as connection:
            order.append("second")
            accounts.enable(connection, user.id)

    thread = threading.Thread(target=second)
    thread.start()
    with sqlite.transaction() as connection:
        started.set()
        time.sleep(0.05)
        order.append("first")
        accounts.disable(connection, user.id, NOW)
    thread.join()
    assert order == ["first", "second"]


def test_a_transaction_commits(database: Database) -> None:
    user = a_user(database)
    assert database.read(accounts.find, user.id) == user


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    user = a_user(database)
    with pytest.raises(RuntimeError):
        disable_then_fail(database.transaction(), user.id)
    assert database.read(accounts.find, user.id) == user


def test_autocommit_keeps_each_statement(database: Database) -> None:
    """A refusal that follows a write does not undo it."""
    user = a_user(database)
    with pytest.raises(RuntimeError):
        disable_then_fail(database.autocommit(), user.id)
    assert database.read(accounts.find, user.id) == replace(user, disabled_at=NOW)


def test_a_connection_is_clean_for_the_next_user(database: Database) -> None:
    """Autocommit and transactions share the pool."""
    user = a_user(database)
    for _ in range(3):
        with database.autocommit() as connection:
            accounts.enable(connection, user.id)
        with pytest.raises(RuntimeError):
            disable_then_fail(database.transaction(), user.id)
        assert database.read(accounts.find, user.id) == user


def test_foreign_keys_are_enforced(database: Database) -> None:
    user = a_user(database)
    family = a_family(database, user)
    assert stored(database, family) == family
    with pytest.raises(IntegrityError):
        a_family(database, user, user_id="nobody")


def test_an_error_does_not_print_the_values(database: Database) -> None:
    """Otherwise a password hash could reach the log."""
    user = a_user(database)
    with pytest.raises(IntegrityError) as failed:
        a_user(database)
    assert "hash-" in user.password_hash
    assert "hash-" not in str(failed.value)
    assert "parameters hidden" in str(failed.value)


def test_postgresql_gives_up_on_a_hanging_statement(postgresql: Database) -> None:
    with postgresql.autocommit() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == f"{STATEMENT_MS // 1000}s"
        assert connection.scalar(text("SHOW timezone")) == "UTC"


def test_building_a_database_connects_to_nothing() -> None:
    Database("sqlite:////nowhere/latchkey.db")
    Database("postgresql+psycopg://nobody@127.0.0.1:1/none")


@pytest.fixture(params=["serializable", "repeatable read"])
def strict(postgres_url: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """PostgreSQL whose operator chose a stricter isolation than READ COMMITTED."""
    database = Database(postgres_url, threads=16)

    def choose(connection: Any, _record: object) -> None:  # noqa: ANN401 - a raw driver object
        connection.execute(
            f"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL {request.param}"
        )
        connection.commit()

    event.listen(database.engine, "connect", choose)
    yield database
    database.engine.dispose()


def test_a_loser_is_asked_again_and_decides_anew(strict: Database) -> None:
    """SQLSTATE 40001 is neither reuse nor a fault: one of ten rotates, nine find a spent token."""

    def race(family: Family) -> list[object]:
        successor = Successor(new_id(), NOW + 1, 3600, 3600, "", "")
        return at_once(10, lambda _: strict.write(rotation.rotate, claims_of(family), successor))

    assert strict.read(isolation) in {"serializable", "repeatable read"}
    for number in range(5):
        outcomes = race(a_family(strict, a_user(strict, f"{number}@example.com")))
        assert len([one for one in outcomes if one]) == 1


def test_parallel_transactions_on_one_row_all_happen(strict: Database) -> None:
    user = a_user(strict)

    def note(connection: Connection) -> None:
        (now,) = connection.execute(text("SELECT created_at FROM users")).one()
        connection.execute(text("UPDATE users SET created_at = :then"), {"then": now + 1})

    at_once(6, lambda _: strict.transact(note))
    grown = replace(user, created_at=user.created_at + 6)
    assert strict.read(accounts.find, user.id) == grown


def test_deadlocks_are_asked_again_and_faults_are_not(postgresql: Database) -> None:
    calls: list[str] = []

    def failing(_connection: Connection, state: str) -> None:
        calls.append(state)
        kind = {"40P01": DeadlockDetected, "57014": QueryCanceled}[state]
        raise OperationalError("", None, kind())

    for state, tries in (("40P01", 4), ("57014", 1)):
        calls.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("app.infra.database.MAX_TRIES", 4)
            with pytest.raises(OperationalError):
                postgresql.write(failing, state)
        assert len(calls) == tries


def isolation(connection: Connection) -> str:
    return str(connection.scalar(text("SHOW transaction_isolation")))


def test_behind_a_pooler_nothing_outlives_a_transaction(postgres_url: str) -> None:
    """PgBouncer refuses startup options and loses prepared statements."""
    database = Database(postgres_url, pooler=True)
    user = a_user(database)
    for _ in range(8):
        assert database.read(accounts.find, user.id) == user
    with database.autocommit() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pg_prepared_statements")) == 0
        assert connection.scalar(text("SHOW statement_timeout")) == "0"
    database.engine.dispose()
