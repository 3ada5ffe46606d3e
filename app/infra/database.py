"""The database: how it is read and written, on SQLite and on PostgreSQL.

A state change is either ONE statement (`write`) or one transaction that takes the write lock at
once (`transact`); nothing reads first and writes later on what it read. All three ways in take a
function, because the database may ask for it again.
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

# What PostgreSQL says to a statement or transaction that lost to another: 40001 above READ
# COMMITTED, 40P01 on a deadlock. It did nothing, and the next try may decide otherwise.
ASKED_AGAIN: Final = frozenset({"40001", "40P01"})
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
    """One engine with three ways in: `read`, `write` and `transact`.

    Each calls a function with a connection and the arguments given, and returns what it returns.
    PostgreSQL may ask for the same again (`ASKED_AGAIN`): then the function is called once more,
    at most `MAX_TRIES` times, so it changes nothing but the database.
    """

    metadata: Final = metadata

    def __init__(self, url: str, *, threads: int = 5, pooler: bool = False) -> None:
        """Build the engine for `url`; nothing connects until it is used.

        `threads` is how many connections may be open at once: one for each thread that asks.
        Behind a `pooler` in transaction mode a session is of one transaction, so nothing may
        be prepared or set for longer.
        """
        where = make_url(url)
        sqlite = where.get_backend_name() == "sqlite"
        engine = _sqlite(where, threads) if sqlite else _postgresql(where, threads, pooler)
        self.engine: Final[Engine] = engine
        alone: dict[str, Any] = {"alone": True} if sqlite else {"isolation_level": "AUTOCOMMIT"}
        self._alone: Final = self.engine.execution_options(**alone)
        self.write_lock: Final = WriteLock(str(where.database)) if sqlite else None
        self._group: Final = GroupCommit(engine, self.write_lock) if self.write_lock else None

    def read(self, work: Callable[Concatenate[Connection, P], T], *a: P.args, **k: P.kwargs) -> T:
        """Let `work` read; each of its statements stands alone, and waits for no writer."""
        return _repeated(self.autocommit, work, *a, **k)

    def write(self, work: Callable[Concatenate[Connection, P], T], *a: P.args, **k: P.kwargs) -> T:
        """Let `work` write by ONE statement, which is committed when this returns."""
        if self._group:
            return self._group.write(lambda connection: work(connection, *a, **k))
        return _repeated(self.autocommit, work, *a, **k)

    def transact(
        self, work: Callable[Concatenate[Connection, P], T], *a: P.args, **k: P.kwargs
    ) -> T:
        """Let `work` write in one transaction: all of its statements are committed, or none."""
        return _repeated(self.transaction, work, *a, **k)

    @contextmanager
    def autocommit(self) -> Iterator[Connection]:
        """Give a connection on which each statement stands, and is committed, alone."""
        with self._alone.connect() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Give a connection whose statements all commit, or none."""
        with self.turn(), self.engine.begin() as connection:
            yield connection

    def turn(self) -> AbstractContextManager[None]:
        """Wait for the turn to write: on SQLite there is one writer at a time."""
        return self.write_lock.held() if self.write_lock else nullcontext()


def _repeated(
    opened: Callable[[], AbstractContextManager[Connection]],
    work: Callable[Concatenate[Connection, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    for tries in range(1, MAX_TRIES):
        try:
            with opened() as connection:
                return work(connection, *args, **kwargs)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in ASKED_AGAIN:
                raise
        # Random, so that those who collided do not collide again.
        time.sleep(random.uniform(0, min(0.002 * 2**tries, MAX_PAUSE_SECONDS)))  # noqa: S311 - no secret
    with opened() as connection:
        return work(connection, *args, **kwargs)


def _postgresql(url: URL, threads: int, pooler: bool) -> Engine:  # noqa: FBT001 - inner
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
