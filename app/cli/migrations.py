"""Flask-Migrate, loaded when a `flask db` command asks for it.

Alembic takes 11 MB and a tenth of a second, and no worker ever migrates anything.
"""

from __future__ import annotations

from typing import Any

import click
from flask import Flask
from werkzeug.local import LocalProxy

from app.infra.database import Database
from config import ROOT


class LazyGroup(click.Command):
    """`flask db`, until its first use puts Flask-Migrate's own group in its place."""

    def __init__(self, app: Flask) -> None:
        """Stand in for the group that Flask-Migrate adds to `app`."""
        super().__init__("db", help="Migrate the database.")
        self._app = app

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:  # noqa: ANN401 - passed on
        """Hand over to the real group."""
        self._app.extensions["migrate"].db  # noqa: B018 - the first look loads it
        return self._app.cli.commands["db"].make_context(*args, **kwargs)


def install(app: Flask, database: Database) -> None:
    """Have `flask db` and `flask_migrate.upgrade` find their configuration in `app`."""

    def configuration() -> Any:  # noqa: ANN401 - Flask-Migrate does not export the type
        from flask_migrate import Migrate  # noqa: PLC0415 - the point of this file

        # Takes this proxy's place. It needs no Flask-SQLAlchemy: `metadata` is all it reads.
        Migrate().init_app(app, database, directory=str(ROOT / "migrations"))  # type: ignore[arg-type]
        return app.extensions["migrate"]

    app.extensions["migrate"] = LocalProxy(configuration)
    app.cli.add_command(LazyGroup(app))
