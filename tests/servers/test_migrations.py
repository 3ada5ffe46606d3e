"""The migrations lead to the tables that the code declares, and back, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import inspect

from app import create_app
from app.cli import migrations
from app.infra.database import metadata
from config import Settings
from tests.support.app import close
from tests.support.servers.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def app(
    request: pytest.FixtureRequest, base_environment: dict[str, str], tmp_path: Path
) -> Iterator[Flask]:
    """Give the app on a database without any table."""
    url = f"sqlite:///{tmp_path}/new.db"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.create()
    servers = {"DATABASE_URL": url, "REDIS_URL": "unix:///nowhere"}
    app = create_app(Settings.from_env(base_environment | servers))
    with app.app_context():
        yield app
    close(app)


def declared() -> set[str]:
    """List the tables of Latchkey and of each feature: what declares one registers it there."""
    found = set(metadata.tables)
    assert {"families", "users"} <= found
    return found


def tables(app: Flask) -> set[str]:
    """List the tables there are, but for Alembic's."""
    engine = app.extensions["latchkey"].database.engine
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def test_forward_back_and_forward(app: Flask) -> None:
    """From nothing to the newest revision, to nothing, and there again."""
    assert tables(app) == set()
    for _ in range(2):
        migrations.upgrade()
        assert tables(app) == declared()
        migrations.upgrade()
        assert tables(app) == declared()
        flask_migrate.downgrade(revision="base")
        assert tables(app) == set()


def test_no_drift(app: Flask) -> None:
    """Tables, columns, types, indexes and constraints are those of the models."""
    migrations.upgrade()
    engine = app.extensions["latchkey"].database.engine
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_migrations_as_sql(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    """They can be printed for somebody who runs them by hand."""
    flask_migrate.upgrade(revision="heads", sql=True)
    printed = capsys.readouterr().out
    for table in declared():
        assert f"CREATE TABLE {table}" in printed
    assert tables(app) == set()
