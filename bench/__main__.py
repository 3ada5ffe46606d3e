"""`make bench`."""

from __future__ import annotations

import logging
import platform
import tempfile
from pathlib import Path

import flask_migrate

from app import create_app
from bench import protected, served
from config import Settings, new_secret
from tests.servers.valkey_server import ValkeyServer


def main() -> None:
    """Measure on SQLite with full synchronisation and the bundled Valkey on its unix socket."""
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
        print(f"Python {platform.python_version()}, medians of interleaved batches, CPU time:")
        protected.run(settings)
        print("gunicorn with 2 workers, 8 connections, wall time:")
        served.run(environment)


if __name__ == "__main__":
    main()
