"""The database: how transactions begin, on SQLite and on PostgreSQL.

A state change is either ONE statement (`autocommit`) or one transaction that takes the write
lock at once (`transaction`); nothing reads first and writes later on what it read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.engine import make_url

BUSY_SECONDS: Final = 5
POOL_SECONDS: Final = 5
CONNECT_SECONDS: Final = 3
STATEMENT_MS: Final = 5000

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Database:
    """One engine with two ways in."""

    metadata: Final = metadata

    def __init__(self, url: str) -> None:
        """Build the engine for `url`; nothing connects until it is used."""
        sqlite = make_url(url).get_backend_name() == "sqlite"
        self.engine: Final[Engine] = _sqlite(url) if sqlite else _postgresql(url)
        alone: dict[str, Any] = {"alone": True} if sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._alone: Final = self.engine.execution_options(**alone)

    @contextmanager
    def autocommit(self) -> Iterator[Connection]:
        """Give a connection on which each statement stands, and is committed, alone."""
        with self._alone.connect() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give a connection whose statements all commit, or none."""
        with self.engine.begin() as connection:
            yield connection


def _postgresql(url: str) -> Engine:
    return create_engine(
        url,
        pool_timeout=POOL_SECONDS,
        hide_parameters=True,
        pool_recycle=1800,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "options": f"-c statement_timeout={STATEMENT_MS} -c timezone=UTC",
        },
    )


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, pool_timeout=POOL_SECONDS, hide_parameters=True)
    event.listen(engine, "do_connect", _before_sqlite_connect)
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _before_sqlite_connect(
    _dialect: object, _record: object, args: list[Any], _more: object
) -> None:
    # Made by SQLite, the file has the mode that the umask leaves. Its -wal and -shm take after it.
    path = str(args[0])
    if not path.startswith("file:"):
        with suppress(OSError):  # it is there, or cannot be: SQLite says which
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _on_sqlite_connect(connection: Any, _record: object) -> None:  # noqa: ANN401 - a raw driver object
    # The driver must not open transactions of its own: they would be deferred, and a deferred
    # transaction that reads and then writes fails under load instead of waiting.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY_SECONDS * 1000}",
        "journal_mode=WAL",
        "synchronous=FULL",  # a committed rotation must survive power loss
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _on_sqlite_begin(connection: Connection) -> None:
    if not connection.get_execution_options().get("alone"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
