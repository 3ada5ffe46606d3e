"""Which tables forbid a deletion: named by PostgreSQL, and looked for in SQLite."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, text

from app.infra.database import Database
from app.infra.references import StillReferred, naming_references

PARENTS = "CREATE TABLE parents (id TEXT PRIMARY KEY)"


@pytest.fixture
def elsewhere(postgres_url: str) -> Iterator[Database]:
    """PostgreSQL, in a test whose lines count."""
    database = Database(postgres_url)
    yield database
    database.engine.dispose()


def run(*statements: str) -> Callable[[Connection], None]:
    def work(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement))

    return work


def delete(connection: Connection) -> None:
    with naming_references(connection, {"parents": ["a"]}):
        connection.execute(text("DELETE FROM parents WHERE id = 'a'"))


def names(database: Database, *statements: str) -> tuple[str, ...]:
    """Return the tables that keep the row `a`; none when it was deleted."""

    def attempt(connection: Connection) -> None:
        run(PARENTS, "INSERT INTO parents VALUES ('a'), ('b')", *statements)(connection)
        delete(connection)
        raise ZeroDivisionError  # nothing of the test stays

    try:
        database.transact(attempt)
    except StillReferred as referred:
        return referred.tables
    except ZeroDivisionError:
        return ()
    raise AssertionError


def table(name: str, rule: str = "") -> str:
    return f"CREATE TABLE {name} (parent TEXT REFERENCES parents (id) {rule})"


@pytest.mark.parametrize("rule", ["", "ON DELETE RESTRICT", "DEFERRABLE INITIALLY DEFERRED"])
def test_a_table_that_refers_is_named(elsewhere: Database, sqlite_url: str, rule: str) -> None:
    child = (table("children", rule), "INSERT INTO children VALUES ('a')")
    sqlite = Database(sqlite_url)
    for database in (elsewhere, sqlite):
        assert names(database, *child) == ("children",)
    sqlite.engine.dispose()


@pytest.mark.parametrize(
    "statements",
    [
        (table("children"), "INSERT INTO children VALUES ('b')"),
        (table("children", "ON DELETE CASCADE"), "INSERT INTO children VALUES ('a')"),
        (table("children", "ON DELETE SET NULL"), "INSERT INTO children VALUES ('a')"),
    ],
    ids=["others", "cascade", "set-null"],
)
def test_what_forbids_nothing_is_not_named(
    database: Database, statements: tuple[str, ...]
) -> None:
    assert names(database, *statements) == ()


def test_in_sqlite_all_that_refer_are_named(sqlite_url: str) -> None:
    """Also where the name of the table is written in another case."""
    database = Database(sqlite_url)
    found = names(
        database,
        table("drafts"),
        "CREATE TABLE Tags (parent TEXT REFERENCES PARENTS)",
        table("empty"),
        "INSERT INTO drafts VALUES ('a')",
        "INSERT INTO Tags VALUES ('a')",
    )
    database.engine.dispose()
    assert found == ("Tags", "drafts")


def test_in_sqlite_those_that_may_refer_are_named_where_none_does_directly(
    sqlite_url: str,
) -> None:
    """A row refers to one that would be deleted with the parent."""
    database = Database(sqlite_url)
    found = names(
        database,
        "CREATE TABLE children (id TEXT PRIMARY KEY, parent REFERENCES parents ON DELETE CASCADE)",
        "CREATE TABLE toys (child TEXT REFERENCES children)",
        table("empty"),
        "INSERT INTO children VALUES ('c', 'a')",
        "INSERT INTO toys VALUES ('c')",
    )
    database.engine.dispose()
    assert found == ("empty", "toys")
