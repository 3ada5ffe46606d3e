"""Reading a lot: the database at one moment, and never all of it in memory."""

import tracemalloc
from contextlib import suppress

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app.accounts import queries as accounts
from app.infra.database import ROWS_AT_ONCE, Database
from tests.support.clock import NOW
from tests.support.factories import a_user

COUNT = text("SELECT count(*) FROM users")
MANY = text(
    "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 60000)"
    " SELECT n, 'row ' || n || ' of a table that has many columns' FROM numbers"
)


def count(connection: Connection) -> int:
    return int(connection.execute(COUNT).scalar_one())


def test_it_sees_one_moment(database: Database) -> None:
    """Whatever is written meanwhile; the writer does not wait for it."""

    def look(connection: Connection) -> list[int]:
        seen = [count(connection)]
        a_user(database)
        return [*seen, count(connection)]

    assert database.snapshot(look) == [0, 0]
    assert database.read(count) == 1


def test_it_waits_for_no_writer(database: Database) -> None:
    a_user(database)
    with database.transaction() as connection:
        connection.execute(text("DELETE FROM users"))
        assert database.snapshot(count) == 1


def test_rows_come_as_they_are_used(database: Database) -> None:
    def run_through(connection: Connection) -> tuple[int, int]:
        tracemalloc.start()
        rows = sum(1 for _ in connection.execute(MANY))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return rows, peak

    rows, peak = database.snapshot(run_through)
    assert rows == 60_000
    assert peak < 1_000_000
    assert ROWS_AT_ONCE < 1000


def test_it_changes_nothing(database: Database) -> None:
    """And the next one who uses the connection may write."""
    user = a_user(database)
    with suppress(DBAPIError):
        database.snapshot(accounts.delete, user.id)
    assert database.read(accounts.find, user.id) == user
    for _ in range(3):
        assert database.write(accounts.disable, user.id, NOW)


def test_what_it_raises_passes_through(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        database.snapshot(lambda _: 1 // 0)
    assert database.snapshot(count) == 0
