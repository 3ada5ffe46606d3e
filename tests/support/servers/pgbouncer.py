"""A real PgBouncer in transaction mode, in front of the tests' PostgreSQL."""

import os
import shutil
import tempfile
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from tests.support.servers.postgres import someone_else
from tests.support.servers.server import ServerProcess

CONFIGURATION = """
[databases]
* = {server}

[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
logfile = {folder}/log
"""


def program() -> str | None:
    """Find PgBouncer, which Debian installs where only root looks; None when there is none."""
    return shutil.which("pgbouncer", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")


class PgBouncerServer(ServerProcess):
    def __init__(self, url: str) -> None:
        self._behind = make_url(url)

    def start(self) -> None:
        """Start it as another user: like PostgreSQL it refuses to run as root."""
        self._folder = Path(tempfile.mkdtemp(prefix="latchkey-pool-"))
        behind = self._behind
        parts = {
            "host": behind.host or behind.query.get("host"),
            "port": behind.port,
            "user": behind.username,
            "password": behind.password,
        }
        server = " ".join(f"{name}={value}" for name, value in parts.items() if value)
        files = {
            "users": f'"{behind.username}" ""\n',
            "ini": CONFIGURATION.format(server=server, folder=self._folder),
        }
        for name, content in files.items():
            (self._folder / name).write_text(content, encoding="ascii")
        someone = someone_else()
        if someone:
            for path in (self._folder, *self._folder.iterdir()):
                shutil.chown(path, **someone)
        binary = program()
        if binary is None:
            raise RuntimeError("there is no pgbouncer on the PATH")
        self.launch([binary, self._folder / "ini"], self._folder / "out", **someone)

    def stop(self) -> None:
        super().stop()
        shutil.rmtree(self._folder)

    def through(self, url: str) -> str:
        """Return the URL of a database of the server, by way of the pooler."""
        where = make_url(url).set(host=None, port=None, password=None)
        where = where.set(query={"host": str(self._folder), "port": "6432"})
        return where.render_as_string(hide_password=False)

    def answers(self) -> bool:
        where = make_url(self.through(str(self._behind))).set(drivername="postgresql")
        try:
            psycopg.connect(where.render_as_string(hide_password=False), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True
