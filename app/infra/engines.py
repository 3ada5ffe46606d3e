"""Build the engines for SQLite and PostgreSQL; `database` calls this."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event

BUSY_SECONDS: Final = 5
POOL_SECONDS: Final = 5
CONNECT_SECONDS: Final = 3
STATEMENT_MS: Final = 5000


def postgresql(url: URL, threads: int, *, pooler: bool) -> Engine:
    """Return an engine for PostgreSQL with at most `threads` connections.

    `pooler` says that each transaction may have another session.
    """
    session: dict[str, Any] = {
        "options": f"-c statement_timeout={STATEMENT_MS} -c timezone=UTC",
    }
    return create_engine(
        url,
        pool_size=threads,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        hide_parameters=True,
        pool_recycle=1800,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            **({"prepare_threshold": None} if pooler else session),
        },
    )


def sqlite(url: URL, threads: int) -> Engine:
    """Return an engine for SQLite with at most `threads` connections.

    Its transactions take the write lock when they begin, unless the option `sqlite_begin` has
    another statement; an empty one begins none, so that each statement is committed by itself.
    """
    engine = create_engine(
        url,
        pool_size=threads,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        hide_parameters=True,
    )
    event.listen(engine, "do_connect", _before_sqlite_connect)
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _before_sqlite_connect(
    _dialect: object, _record: object, args: list[Any], _more: object
) -> None:
    # SQLite would create the file with the mode that the umask leaves, readable for others. It
    # gives the -wal and -shm files the mode of the database file.
    path = str(args[0])
    if not path.startswith("file:"):
        with suppress(OSError):  # it exists, or cannot be created, which SQLite then reports
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _on_sqlite_connect(connection: Any, _record: object) -> None:  # noqa: ANN401 - a raw driver object
    # The driver must not begin transactions by itself: these would be deferred, and a deferred
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
    if begin := connection.get_execution_options().get("sqlite_begin", "BEGIN IMMEDIATE"):
        connection.exec_driver_sql(begin)
