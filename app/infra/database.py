"""Read and write the database, SQLite or PostgreSQL; `app.auth` and `app.families` call this.

A change is either ONE statement (`write`), or one transaction that takes the write lock when it
begins (`transact`). No code reads a row and decides by it in a later write, because another
worker may change the row in between. `read`, `write` and `transact` take a function, because
PostgreSQL may require that it is called again.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, MetaData, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from app.infra.group_commit import GroupCommit
from app.infra.write_lock import WriteLock

BUSY_SECONDS: Final = 5
POOL_SECONDS: Final = 5
CONNECT_SECONDS: Final = 3
STATEMENT_MS: Final = 5000

# PostgreSQL rolled the statement or transaction back because of a concurrent one: 40001 is a
# serialization failure (only above READ COMMITTED), 40P01 a deadlock. A retry may succeed.
RETRYABLE: Final = frozenset({"40001", "40P01"})
MAX_TRIES: Final = 30
MAX_PAUSE_SECONDS: Final = 0.1

P = ParamSpec("P")
T = TypeVar("T")

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Database:
    """One engine, used through `read`, `write` and `transact`. Safe to share between threads.

    Each of the three calls the function `work` with a connection and the given arguments and
    returns its result. When PostgreSQL reports a conflict (`RETRYABLE`), `work` is called again,
    up to `MAX_TRIES` times in all. It must therefore change nothing but the database.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: from all three, when the database is unreachable, too busy
            or refuses a statement.

    """

    metadata: Final = metadata

    def __init__(self, url: str, *, threads: int = 5, pooler: bool = False) -> None:
        """Build the engine for `url`; it connects on first use.

        `threads` is the number of threads that use it, and so the maximum of open connections.
        `pooler` says that a pooler in transaction mode, such as PgBouncer, is in front of
        PostgreSQL. Each transaction may then have another session, so no statement is prepared
        and no session parameter is set.
        """
        parsed = make_url(url)
        sqlite = parsed.get_backend_name() == "sqlite"
        engine = _sqlite(parsed, threads) if sqlite else _postgresql(parsed, threads, pooler)
        self.engine: Final[Engine] = engine
        options: dict[str, Any] = (
            {"no_begin": True} if sqlite else {"isolation_level": "AUTOCOMMIT"}
        )
        self.autocommit: Final = engine.execution_options(**options).connect
        """Opens a connection, for a `with` block, that commits each statement by itself."""
        self.write_lock: Final = WriteLock(str(parsed.database)) if sqlite else None
        self._group: Final = (
            GroupCommit(engine.begin, self.autocommit, self.write_lock)
            if self.write_lock
            else None
        )

    def read(self, work: Callable[Concatenate[Connection, P], T], *a: P.args, **k: P.kwargs) -> T:
        """Call `work` to read; each of its statements is its own transaction.

        It never waits for a writer.
        """
        return _with_retries(self.autocommit, work, *a, **k)

    def write(self, work: Callable[Concatenate[Connection, P], T], *a: P.args, **k: P.kwargs) -> T:
        """Call `work` to write with ONE statement, which is committed when this returns."""
        if self._group:
            return self._group.write(lambda connection: work(connection, *a, **k))
        return _with_retries(self.autocommit, work, *a, **k)

    def transact(
        self, work: Callable[Concatenate[Connection, P], T], *a: P.args, **k: P.kwargs
    ) -> T:
        """Call `work` in one transaction: all of its statements are committed, or none.

        It is rolled back when `work` raises, and the exception passes through.
        """
        return _with_retries(self.transaction, work, *a, **k)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a connection and a transaction, which commits unless the `with` block raises."""
        with self.turn(), self.engine.begin() as connection:
            yield connection

    def turn(self) -> AbstractContextManager[None]:
        """Hold the write lock inside the `with` block. On PostgreSQL there is none to hold."""
        return self.write_lock.held() if self.write_lock else nullcontext()


def _with_retries(
    connect: Callable[[], AbstractContextManager[Connection]],
    work: Callable[Concatenate[Connection, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    for tries in range(1, MAX_TRIES):
        try:
            with connect() as connection:
                return work(connection, *args, **kwargs)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in RETRYABLE:
                raise
        # A random pause, so that transactions that collided do not collide again.
        time.sleep(random.uniform(0, min(0.002 * 2**tries, MAX_PAUSE_SECONDS)))  # noqa: S311 - no secret
    with connect() as connection:
        return work(connection, *args, **kwargs)


def _postgresql(url: URL, threads: int, pooler: bool) -> Engine:  # noqa: FBT001 - private
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


def _sqlite(url: URL, threads: int) -> Engine:
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
    if not connection.get_execution_options().get("no_begin"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
