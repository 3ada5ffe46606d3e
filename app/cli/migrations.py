"""Flask-Migrate, loaded when a `flask db` command asks for it.

Alembic takes 11 MB and a tenth of a second, and no worker ever migrates anything.

Each feature has a branch of revisions in a folder of its own, so that Latchkey's next revision and
a product's never have to be merged. `flask db upgrade` therefore goes to the head of every branch.
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
    """`flask db`, until its first use puts Flask-Migrate's own group in its place."""

    def __init__(self, app: Flask) -> None:
        """Stand in for the group that Flask-Migrate adds to `app`."""
        super().__init__("db", help="Migrate the database.")
        self._app = app

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:  # noqa: ANN401 - passed on
        """Hand over to the real group."""
        self._app.extensions["migrate"].db  # noqa: B018 - the first look loads it
        group = cast("click.Group", self._app.cli.commands["db"])
        for option in group.commands["upgrade"].params:
            if option.name == "revision":
                option.default = EVERY_HEAD
        return group.make_context(*args, **kwargs)


def add_folders(config: Config) -> Config:
    """Have Alembic find the revisions of every feature."""
    config.set_main_option("path_separator", "os")
    folders = os.pathsep.join(str(folder) for folder in revision_folders())
    config.set_main_option("version_locations", folders.replace("%", "%%"))
    return config


def newest_revisions() -> frozenset[str]:
    """Return the head of every branch: what `flask db upgrade` leads to."""
    from alembic.config import Config  # noqa: PLC0415 - the point of this file
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - likewise

    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    return frozenset(ScriptDirectory.from_config(add_folders(config)).get_heads())


def upgrade() -> None:
    """Bring the database of the current application to the head of every branch."""
    import flask_migrate  # noqa: PLC0415 - the point of this file

    flask_migrate.upgrade(revision=EVERY_HEAD)


def install(app: Flask, database: Database) -> None:
    """Have `flask db` and `flask_migrate.upgrade` find their configuration in `app`."""

    def configuration() -> Any:  # noqa: ANN401 - Flask-Migrate does not export the type
        from flask_migrate import Migrate  # noqa: PLC0415 - the point of this file

        # Takes this proxy's place. It needs no Flask-SQLAlchemy: `metadata` is all it reads.
        migrate = Migrate()
        migrate.init_app(app, database, directory=str(ROOT / "migrations"))  # type: ignore[arg-type]
        migrate.configure(add_folders)  # type: ignore[arg-type]  # its Config is Alembic's
        return app.extensions["migrate"]

    app.extensions["migrate"] = LocalProxy(configuration)
    app.cli.add_command(LazyGroup(app))
