"""Say which tables refer to rows that the database does not delete because of a foreign key.

PostgreSQL names the table in its error. SQLite does not, and checks a deferred constraint when the
transaction ends, so there the foreign keys of all tables are looked through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, bindparam, column, exists, select, table, text
from sqlalchemy.exc import IntegrityError

# PostgreSQL's RESTRICT is never deferred; this makes every other constraint like it.
CHECK_AT_ONCE: Final = text("SET CONSTRAINTS ALL IMMEDIATE")
# In SQLite, every foreign key that would forbid to delete rows of these tables, or the rows that
# would be deleted with them. The name in REFERENCES may be in any case.
FORBIDDING_KEYS: Final = text(
    """
    WITH RECURSIVE
    keys AS (
        SELECT child.name AS child, key."from" AS name, lower(key."table") AS parent, on_delete
        FROM sqlite_master AS child, pragma_foreign_key_list(child.name) AS key
        WHERE child.type = 'table'
    ),
    deleted(name) AS (
        SELECT name FROM sqlite_master WHERE name IN :parents
        UNION
        SELECT child FROM keys JOIN deleted ON parent = lower(deleted.name)
        WHERE on_delete = 'CASCADE'
    )
    SELECT child, keys.name, parent FROM keys JOIN deleted ON parent = lower(deleted.name)
    WHERE on_delete IN ('NO ACTION', 'RESTRICT') AND child NOT IN :parents
    ORDER BY child
    """
).bindparams(bindparam("parents", expanding=True))


class StillReferred(Exception):
    """Rows were not deleted, because rows of these tables refer to them."""

    def __init__(self, tables: Sequence[str]) -> None:
        """Take the names of the tables; at least one of them has such a row."""
        self.tables: Final = tuple(tables)
        super().__init__(", ".join(self.tables))


@contextmanager
def naming_references(connection: Connection, rows: Mapping[str, Sequence[str]]) -> Iterator[None]:
    """Delete `rows` inside the `with` block, in a transaction: the ids of rows by their table.

    Raises:
        StillReferred: when rows of other tables refer to them, at once and not at the commit.

    """
    if connection.dialect.name == "sqlite":
        with _in_sqlite(connection, rows):
            yield
        return
    connection.execute(CHECK_AT_ONCE)
    try:
        yield
    except IntegrityError as error:
        raise StillReferred([error.orig.diag.table_name]) from error  # type: ignore[union-attr]  # an error of psycopg


@contextmanager
def _in_sqlite(connection: Connection, rows: Mapping[str, Sequence[str]]) -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        # "FOREIGN KEY constraint failed", or "NOT NULL constraint failed: notes.user_id".
        named = str(error.orig).partition(": ")[2].partition(".")[0]
        raise StillReferred([named] if named else _referring(connection, rows)) from error
    if deferred := _referring(connection, rows, or_all=False):
        raise StillReferred(deferred)


def _referring(
    connection: Connection, rows: Mapping[str, Sequence[str]], *, or_all: bool = True
) -> list[str]:
    """Return the tables with a row that refers to one of `rows`.

    When there is none, a row refers to one that would be deleted with `rows`: with `or_all`, the
    tables that may have it are returned.
    """
    keys = list(connection.execute(FORBIDDING_KEYS, {"parents": list(rows)}))
    found = [
        child
        for child, name, parent in keys
        if connection.scalar(
            select(
                exists().select_from(table(child)).where(column(name).in_(rows.get(parent, ())))
            )
        )
    ]
    return sorted({*found} or ({key.child for key in keys} if or_all else ()))
