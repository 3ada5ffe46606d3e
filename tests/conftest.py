"""Real parts for every test: SQLite, PostgreSQL, Valkey, and the app on top of them.

A server starts once per session, on first need; each test finds it running and empty.
"""

import importlib
import os
import pkgutil
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from coverage import Coverage
from flask import Flask
from jinja2 import FileSystemBytecodeCache
from redis.utils import get_lib_version

import app as application
from app import create_app
from app.attacks.prover import Prover
from app.cli import migrations
from app.infra import engines, redis
from config import Settings, new_secret
from tests.support.app import PUBLIC_URL, SharedRule, close, services, settle, shared_statements
from tests.support.client import Client, member, program
from tests.support.clock import NOW, SettableClock
from tests.support.mail import mails
from tests.support.operators import make_operator
from tests.support.servers.gunicorn import GunicornServer, Serve
from tests.support.servers.postgres import PostgresServer
from tests.support.servers.valkey import ValkeyServer

# A developer's own `.env` is for the server they start, in no process of the tests.
os.environ["FLASK_SKIP_DOTENV"] = "1"

NO_CHROMIUM = "there is no Chromium"
NO_PGBOUNCER = "there is no PgBouncer"
NO_CURL = "there is no curl"

UNTRACED = {"browser", "fuzz", "test_fuzz.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let half of the test processes begin with the files that mostly wait for servers.

    pytest-xdist gives each process a part of the list, in its order. The other half computes
    meanwhile; with all of these files in one part, the others would run out of work and wait for
    that process. What is not traced comes last, so that what is computed once in a process is
    computed while it is traced.
    """
    waiting = [item for item in items if "servers" in parts(item)]
    files = list(dict.fromkeys(item.path for item in waiting))
    busy = [item for item in items if "servers" not in parts(item)]
    traced = [item for item in busy if not is_untraced(item)]
    others = [item for item in busy if is_untraced(item)]
    others.sort(key=lambda item: "fuzz" not in parts(item))  # the longest tests first
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    patient = (processes + 1) // 2
    spread: list[pytest.Item] = []
    for number in range(processes):
        mine = files[number::patient] if number < patient else []
        first = [item for item in waiting if item.path in mine]
        size = (len(items) - len(spread)) // (processes - number)
        room = max(0, size - len(first))
        share = min(room, len(traced)) if number < processes - 1 else len(traced)
        first += traced[:share]
        traced = traced[share:]
        count = max(0, size - len(first)) if number < processes - 1 else len(others)
        spread += first + others[:count]
        others = others[count:]
    items[:] = spread


def is_untraced(item: pytest.Item) -> bool:
    """Return whether coverage is not measured in this test; that takes two fifths of the CPU time.

    Other tests cover the same lines: this one has random input, a second database, or processes
    of its own.
    """
    return bool(UNTRACED.intersection(parts(item))) or "postgresql" in item.name


def parts(item: pytest.Item) -> list[str]:
    """Return the folders and the file of a test, below the project's folder."""
    return item.nodeid.partition("::")[0].split("/")


def pytest_collection_finish() -> None:
    """Import every module while it is traced, wherever it is needed first."""
    if Coverage.current():
        for module in pkgutil.walk_packages(application.__path__, "app."):
            importlib.import_module(module.name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    tracing = Coverage.current() if is_untraced(item) else None
    if tracing is None:
        return (yield)
    tracing.stop()
    try:
        return (yield)
    finally:
        # Each start would add one more hook that starts coverage anew in every forked child.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("coverage.control.apply_patches", lambda *_: None)
            tracing.start()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say after pytest's own summary what was not tested.

    Counted from the reports, which come from all workers; tests/browser/conftest.py is loaded by
    the workers alone.
    """
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    reports = reporter.stats.get("skipped", [])
    for reason, what in (
        (NO_CHROMIUM, "browser"),
        (NO_PGBOUNCER, "pooler"),
        (NO_CURL, "client"),
    ):
        skipped = sum(reason in str(report.longrepr) for report in reports)
        if skipped:
            missing = reason.removeprefix("there is no ")
            reporter.write_line(
                f"{skipped} {what} tests were skipped: "
                f"no {missing} was found or could be installed."
            )


@pytest.fixture(scope="session", autouse=True)
def _compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compile each template, URL rule and statement once, not for each of a thousand apps.

    redis-py reads its own version from its package's metadata, for every connection.
    """
    templates = FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": templates})
        patch.setattr(Flask, "url_rule_class", SharedRule)
        patch.setattr("redis.utils.get_lib_version", cache(get_lib_version))
        patch.setattr(engines, "create_engine", shared_statements)
        yield


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    """The session's Valkey; tests want `valkey`."""
    with ValkeyServer() as server:
        yield server


@pytest.fixture
def valkey(valkey_server: ValkeyServer) -> ValkeyServer:
    """A running, empty Valkey, whatever the test before did to it."""
    valkey_server.make_sound()
    return valkey_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def base_environment() -> dict[str, str]:
    """An environment as an operator would write it, without its two servers."""
    return {
        "APP_ENV": "testing",
        "PUBLIC_URL": PUBLIC_URL,
        "JWT_SECRET": new_secret(),
        "SECRET_KEY": new_secret(),
        # Nobody listens there; a test that wants to see mail says who does.
        "MAIL_URL": "smtp://127.0.0.1:1",
        "MAIL_FROM": "accounts@localhost",
        # The cheapest line of the OWASP minimum.
        "ARGON2_MEMORY_KIB": "7168",
        "ARGON2_TIME": "5",
    }


@pytest.fixture(scope="session")
def migrate(
    base_environment: dict[str, str], valkey_server: ValkeyServer
) -> Callable[[str], None]:
    """A function that brings the database of that URL to the newest revision."""

    def upgrade(database_url: str) -> None:
        servers = {"DATABASE_URL": database_url, "REDIS_URL": valkey_server.url}
        app = create_app(Settings.from_env(base_environment | servers))
        with app.app_context():
            migrations.upgrade()
        close(app)

    return upgrade


@pytest.fixture(scope="session")
def migrated_sqlite(
    tmp_path_factory: pytest.TempPathFactory, migrate: Callable[[str], None]
) -> Path:
    """An empty, migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres: PostgresServer, migrate: Callable[[str], None]) -> str:
    """The URL of one migrated PostgreSQL database, shared by the session."""
    url = postgres.create()
    migrate(url)
    return url


@pytest.fixture
def sqlite_url(tmp_path: Path, migrated_sqlite: Path) -> str:
    """A migrated SQLite database of the test's own."""
    return f"sqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'latchkey.db')}"


@pytest.fixture
def postgres_url(postgres: PostgresServer, migrated_postgres: str) -> str:
    """The migrated PostgreSQL database with no row in it."""
    postgres.empty(migrated_postgres)
    return migrated_postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    name = {"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]
    return str(request.getfixturevalue(name))


@pytest.fixture
def environment(
    base_environment: dict[str, str], database_url: str, valkey: ValkeyServer
) -> dict[str, str]:
    """The whole environment; a test or module overrides this to change a setting."""
    return base_environment | {"DATABASE_URL": database_url, "REDIS_URL": valkey.url}


@pytest.fixture
def settings(environment: dict[str, str]) -> Settings:
    """The settings that the environment spells, but for the cost of a password.

    No environment can spell this one; servers in processes of their own have the real one.
    """
    return replace(Settings.from_env(environment), argon2_memory_kib=8, argon2_time=1)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(NOW)


@pytest.fixture
def app(
    settings: Settings, clock: SettableClock, valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Flask]:
    """Build the app as wsgi.py does, but for its clock and for short rests."""
    monkeypatch.setattr(redis, "REDIS_BACKOFF_SECONDS", 0.02)
    app = create_app(settings, clock)
    yield app
    settle(services(app), valkey)


@pytest.fixture(scope="session")
def deployed(
    tmp_path_factory: pytest.TempPathFactory,
    base_environment: dict[str, str],
    migrated_sqlite: Path,
    valkey_server: ValkeyServer,
) -> Callable[..., AbstractContextManager[GunicornServer]]:
    """What runs gunicorn on a SQLite file of its own for as long as a fixture wants.

    `deployed(TRUSTED_PROXIES="1")` runs it with that variable.
    """

    @contextmanager
    def running(**more: str) -> Iterator[GunicornServer]:
        folder = tmp_path_factory.mktemp("deployed")
        database = shutil.copy(migrated_sqlite, folder / "latchkey.db")
        servers = {"DATABASE_URL": f"sqlite:///{database}", "REDIS_URL": valkey_server.url}
        valkey_server.make_sound()
        server = GunicornServer(base_environment | servers | more, folder / "gunicorn.log")
        server.start()
        try:
            yield server
        finally:
            server.stop()

    return running


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """A function that starts gunicorn: `serve(environment, workers=2)`."""
    started: list[GunicornServer] = []

    def start(environment: dict[str, str], workers: int = 2) -> GunicornServer:
        log = tmp_path / f"gunicorn-{len(started)}.log"
        started.append(GunicornServer(environment, log, workers))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def gunicorn_server(serve: Serve, environment: dict[str, str]) -> GunicornServer:
    """Gunicorn with two workers on the test's database and Valkey."""
    return serve(environment)


@pytest.fixture
def visitor(app: Flask) -> Client:
    """Return somebody who has no account yet."""
    return Client(app)


@pytest.fixture
def ada(app: Flask) -> Client:
    """Return somebody who is logged in, and has read the mail about that."""
    client = member(app)
    mails(app)
    return client


@pytest.fixture
def thief(app: Flask) -> Client:
    """Return somebody with a program and no right to anything."""
    return program(app)


@pytest.fixture
def holder(app: Flask) -> Client:
    """Return somebody who is logged in, bound from the start."""
    return member(app, key=Prover())


@pytest.fixture
def operator(app: Flask) -> Client:
    """Return somebody who is logged in and whose account OPERATORS names."""
    client = member(app, "operator@example.com")
    make_operator(app, client.user_id)
    return client
