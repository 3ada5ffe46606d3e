"""`flask db`: Flask-Migrate, imported only when it is used.

Alembic takes 11 MB and a tenth of a second, and the workers never migrate.

Each feature has its own branch of revisions in its own folder, so that the next revision of
Latchkey and that of a product never have to be merged. `flask db upgrade` therefore upgrades to
the head of every branch.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, cast

import click
from flask import Flask
from werkzeug.local import LocalProxy

from app.features import revision_folders
from app.infra.database import Database
from config import ROOT

if TYPE_CHECKING:
    from alembic.config import Config

EVERY_HEAD: Final = "heads"


class LazyGroup(click.Command):
    """The placeholder for `flask db`. Its first use imports and runs Flask-Migrate's group."""

    def __init__(self, app: Flask) -> None:
        """Take the application that Flask-Migrate will add its group to."""
        super().__init__("db", help="Migrate the database.")
        self._app = app

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:  # noqa: ANN401 - passed on
        """Load Flask-Migrate's group and make its context."""
        self._app.extensions["migrate"].db  # noqa: B018 - reading an attribute loads Flask-Migrate
        group = cast("click.Group", self._app.cli.commands["db"])
        for option in group.commands["upgrade"].params:
            if option.name == "revision":
                option.default = EVERY_HEAD
        return group.make_context(*args, **kwargs)


def add_folders(config: Config) -> Config:
    """Tell Alembic the folders with the revisions of Latchkey and of every feature."""
    config.set_main_option("path_separator", "os")
    folders = os.pathsep.join(str(folder) for folder in revision_folders())
    config.set_main_option("version_locations", folders.replace("%", "%%"))
    return config


def newest_revisions() -> frozenset[str]:
    """Return the revision at the head of every branch, to which `flask db upgrade` upgrades."""
    from alembic.config import Config  # noqa: PLC0415 - see the module's docstring
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - likewise

    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    return frozenset(ScriptDirectory.from_config(add_folders(config)).get_heads())


def upgrade() -> None:
    """Upgrade the database of the current application to the head of every branch."""
    import flask_migrate  # noqa: PLC0415 - see the module's docstring

    flask_migrate.upgrade(revision=EVERY_HEAD)


def install(app: Flask, database: Database) -> None:
    """Add `flask db` to `app`, and the configuration that `flask_migrate.upgrade` reads."""

    def configuration() -> Any:  # noqa: ANN401 - Flask-Migrate does not export the type
        from flask_migrate import Migrate  # noqa: PLC0415 - see the module's docstring

        # init_app replaces the proxy below. `Database` can stand for Flask-SQLAlchemy, because
        # Flask-Migrate reads only its `metadata`.
        migrate = Migrate()
        migrate.init_app(app, database, directory=str(ROOT / "migrations"))  # type: ignore[arg-type]
        migrate.configure(add_folders)  # type: ignore[arg-type]  # its Config is Alembic's
        return app.extensions["migrate"]

    app.extensions["migrate"] = LocalProxy(configuration)
    app.cli.add_command(LazyGroup(app))
