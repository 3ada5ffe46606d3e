"""Read and write the database, SQLite or PostgreSQL; `app.auth` and `app.families` call this.

A change is either ONE statement (`write`), or one transaction that takes the write lock when it
begins (`transact`). No code reads a row and decides by it in a later write, because another
worker may change the row in between. `read`, `write` and `transact` take a function, because
PostgreSQL may require that it is called again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, MetaData
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from app.infra.engines import postgresql, sqlite
from app.infra.group_commit import GroupCommit
from app.infra.write_lock import WriteLock

ROWS_AT_ONCE: Final = 100

# PostgreSQL rolled the statement or transaction back because of a concurrent one: 40001 is a
# serialization failure (only above READ COMMITTED), 40P01 a deadlock. A retry may succeed.
RETRYABLE: Final = frozenset({"40001", "40P01"})
MAX_TRIES: Final = 30
MAX_PAUSE_SECONDS: Final = 0.1

# The options of connections that commit each statement by itself, and of a transaction that reads.
SQLITE_OPTIONS: Final[Sequence[dict[str, Any]]] = ({"sqlite_begin": ""}, {"sqlite_begin": "BEGIN"})
POSTGRESQL_OPTIONS: Final[Sequence[dict[str, Any]]] = (
    {"isolation_level": "AUTOCOMMIT"},
    {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
)

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
        is_sqlite = parsed.get_backend_name() == "sqlite"
        engine = (
            sqlite(parsed, threads) if is_sqlite else postgresql(parsed, threads, pooler=pooler)
        )
        self.engine: Final[Engine] = engine
        alone, reading = SQLITE_OPTIONS if is_sqlite else POSTGRESQL_OPTIONS
        self.autocommit: Final = engine.execution_options(**alone).connect
        """Opens a connection, for a `with` block, that commits each statement by itself."""
        self._reading: Final = engine.execution_options(**reading).connect
        self.write_lock: Final = WriteLock(str(parsed.database)) if is_sqlite else None
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

    def snapshot(
        self, work: Callable[Concatenate[Connection, P], T], *a: P.args, **k: P.kwargs
    ) -> T:
        """Call `work` to read a lot: all of its statements see the database at one moment.

        What it writes is refused, or undone on SQLite. Rows are fetched as they are used, so that
        no number of them fills the memory. It waits for no writer, and none waits for it.
        """
        return _with_retries(self._snapshot, work, *a, **k)

    @contextmanager
    def _snapshot(self) -> Iterator[Connection]:
        with self._reading() as connection:
            yield connection.execution_options(yield_per=ROWS_AT_ONCE)

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
