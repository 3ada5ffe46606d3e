"""`make bench` and `make stories`."""

from __future__ import annotations

import logging
import platform
import sys
import tempfile
from pathlib import Path

import flask_migrate

from app import create_app
from bench import protected, served, stories, worst
from config import Settings, new_secret
from tests.servers.valkey_server import ValkeyServer


def main() -> None:
    """Measure on SQLite with full synchronisation and the bundled Valkey on its unix socket.

    With the word `stories`, tell those instead; with `worst`, print what hostile input costs.
    """
    logging.disable(logging.INFO)
    with ValkeyServer() as valkey, tempfile.TemporaryDirectory() as folder:
        environment = {
            "APP_ENV": "testing",
            "JWT_SECRET": new_secret(),
            "SECRET_KEY": new_secret(),
            "DATABASE_URL": f"sqlite:///{Path(folder) / 'bench.db'}",
            "REDIS_URL": valkey.url,
        }
        settings = Settings.from_env(environment)
        with create_app(settings).app_context():
            flask_migrate.upgrade()
        if sys.argv[1:2] == ["stories"]:
            # The cheapest line of the OWASP minimum: passwords are not what these stories tell.
            cheap = {"ARGON2_MEMORY_KIB": "7168", "ARGON2_TIME": "5"}
            stories.run(environment | cheap, sys.argv[2:])
            return
        if sys.argv[1:2] == ["worst"]:
            worst.run(create_app(settings))
            return
        print(f"Python {platform.python_version()}, medians of interleaved batches, CPU time:")
        protected.run(settings)
        print("gunicorn with 2 workers, 8 connections, wall time:")
        served.run(environment)


if __name__ == "__main__":
    main()
