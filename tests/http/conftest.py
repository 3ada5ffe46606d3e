"""The log to read, and an application that several tests share."""

import io
import logging
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Blueprint, Flask

from app import create_app, features
from app.feature import Feature
from app.infra.logs import JsonLines
from config import Settings
from tests.http.static_site import SCRIPT, Build
from tests.support.app import close, running
from tests.support.client import Client, program
from tests.support.clock import NOW, SettableClock
from tests.support.servers.valkey import ValkeyServer


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("latchkey")
    logger.addHandler(handler)
    yield text
    logger.removeHandler(handler)


@pytest.fixture(scope="module")
def shared_app(
    base_environment: dict[str, str],
    migrated_sqlite: Path,
    valkey_server: ValkeyServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Flask]:
    """One application, at one moment, for a module whose cases change nothing in it."""
    valkey_server.make_sound()
    database = shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("shared") / "latchkey.db")
    servers = {"DATABASE_URL": f"sqlite:///{database}", "REDIS_URL": valkey_server.url}
    with running(base_environment | servers, SettableClock(NOW)) as app:
        yield app


@pytest.fixture
def environment(environment: dict[str, str], request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment, with the variables that a test sets by an indirect parameter."""
    return environment | getattr(request, "param", {})


@pytest.fixture
def tab(app: Flask) -> Client:
    return Client(app)


@pytest.fixture
def static_folder(tmp_path: Path) -> Path:
    """The static folder of a feature."""
    folder = tmp_path / "static"
    (folder / "img").mkdir(parents=True)
    (folder / "notes.js").write_bytes(SCRIPT)
    (folder / "img" / "dot.png").write_bytes(b"\x89PNG" * 100)
    (folder / "tiny.css").write_bytes(b"b{}")
    (folder / "nowhere.js").symlink_to(tmp_path / "nowhere")
    return folder


@pytest.fixture
def build_site(
    settings: Settings, static_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Build]:
    """A function that starts Latchkey with a feature, and returns a client of it."""
    built: list[Flask] = []

    def start(path: str = "/static/notes", **changes: str) -> Client:
        blueprint = Blueprint("notes", __name__, static_folder=static_folder, static_url_path=path)
        monkeypatch.setattr(features, "load", lambda: (Feature((blueprint,)),))
        built.append(create_app(replace(settings, **changes)))  # type: ignore[arg-type]
        return program(built[-1])

    yield start
    for app in built:
        close(app)
