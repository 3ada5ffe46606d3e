"""`make bench` and `make stories`."""

from __future__ import annotations

import logging
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app import create_app
from app.cli import migrations
from bench import enumeration, flood, protected, refresh, served, stories, trace, worst
from bench.cores import load, one_core
from config import Settings, new_secret
from tests.support.servers.postgres import PostgresServer
from tests.support.servers.valkey import ValkeyServer


def main() -> None:
    """Measure, with full synchronisation and the bundled Valkey on its unix socket.

    With the word `stories`, tell those instead; with `worst`, print what hostile input costs;
    with `flood`, what a flood of log-ins does to others; with `enumeration`, whether times tell
    who has an account; with `refresh`, refreshes alone; with `trace`, the functions that a request
    runs through.
    """
    logging.disable(logging.INFO)
    words = sys.argv[1:]
    if words[:1] == ["stories"]:
        # The cheapest line of the OWASP minimum: passwords are not what these stories tell.
        cheap = {"ARGON2_MEMORY_KIB": "7168", "ARGON2_TIME": "5"}
        with prepared() as environment:
            stories.run(environment | cheap, words[1:])
    elif words[:1] == ["trace"]:
        with prepared() as environment:
            trace.run(Settings.from_env(environment))
    elif words[:1] == ["flood"]:
        with prepared() as environment:
            flood.run(environment, words[1:])
    elif words == ["enumeration"]:
        with prepared() as environment:
            enumeration.run(environment)
    elif words == ["worst"]:
        with prepared() as environment:
            worst.run(create_app(Settings.from_env(environment)))
    elif words == ["refresh"]:
        with prepared() as environment, PostgresServer(durable=True) as postgres:
            refresh.run(environment, postgres)
    else:
        bench()


def bench() -> None:
    """Print the figures that docs/performance.md quotes."""
    print(f"Python {platform.python_version()}, {load()}")
    with one_core(), prepared() as environment, PostgresServer(durable=True) as postgres:
        other = environment | {"DATABASE_URL": postgres.create()}
        migrate(other)
        protected.run(Settings.from_env(environment), Settings.from_env(other))
    with prepared() as environment, PostgresServer(durable=True) as postgres:
        refresh.run(environment, postgres)
        served.run(environment)


@contextmanager
def prepared() -> Iterator[dict[str, str]]:
    """Give what a server needs: a Valkey, and a migrated SQLite file."""
    with ExitStack() as stack:
        valkey = stack.enter_context(ValkeyServer())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        environment = {
            "APP_ENV": "testing",
            "JWT_SECRET": new_secret(),
            "SECRET_KEY": new_secret(),
            "MAIL_URL": "none",
            "DATABASE_URL": f"sqlite:///{Path(folder) / 'bench.db'}",
            "REDIS_URL": valkey.url,
        }
        migrate(environment)
        yield environment


def migrate(environment: dict[str, str]) -> None:
    """Make the tables."""
    with create_app(Settings.from_env(environment)).app_context():
        migrations.upgrade()


if __name__ == "__main__":
    main()
