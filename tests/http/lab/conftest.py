"""The application in development, with the lab."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from app.dev.install import install
from app.dev.lab.attacker_site import attacker_origin
from config import Settings
from tests.http.lab.visits import browser
from tests.support.processes import free_port
from tests.support.servers.valkey import ValkeyServer


@pytest.fixture
def app(app: Flask) -> Flask:
    """The app with what wsgi.py adds in development."""
    install(app)
    return app


@pytest.fixture
def environment(
    base_environment: dict[str, str], sqlite_url: str, valkey: ValkeyServer
) -> dict[str, str]:
    """The environment at a port of its own; the lab asks no database of any kind."""
    port = str(free_port())
    return base_environment | {
        "DATABASE_URL": sqlite_url,
        "REDIS_URL": valkey.url,
        "PORT": port,
        "PUBLIC_URL": f"http://localhost:{port}",
    }


@pytest.fixture
def settings(environment: dict[str, str], tmp_path: Path) -> Settings:
    """The settings of development, with an instance folder of the test's own."""
    return replace(Settings.from_env(environment), env="development", instance=tmp_path)


@pytest.fixture
def visitor(app: Flask, settings: Settings) -> FlaskClient:
    return browser(app, settings.public_url)


@pytest.fixture
def attacker(app: Flask, settings: Settings) -> FlaskClient:
    """A browser at the machine's other name."""
    return browser(app, attacker_origin(settings.public_url))


@pytest.fixture
def served(app: Flask, settings: Settings) -> Iterator[None]:
    """Have the app listen where its settings say, as a program's attacks need it."""
    server = make_server("127.0.0.1", settings.port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield
    server.shutdown()
    thread.join()
    server.server_close()
