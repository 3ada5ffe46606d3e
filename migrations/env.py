"""Alembic's environment: it migrates the database of the application."""

from __future__ import annotations

from alembic import context
from flask import current_app

import app.accounts.activity
import app.accounts.models
import app.families.models
import app.mail.models  # noqa: F401 - these imports register tables in `metadata`
from app.cli.exit_messages import as_exit_messages
from app.services import services

database = services().database


def run() -> None:
    """Run the migrations on a connection of the application, or print them as SQL."""
    options = {
        "target_metadata": database.metadata,
        "render_as_batch": True,
        "compare_type": True,
    }
    if context.is_offline_mode():
        context.configure(url=current_app.extensions["latchkey"].settings.database_url, **options)
        with context.begin_transaction():
            context.run_migrations()
        return
    with database.turn(), database.engine.connect() as connection:
        context.configure(connection=connection, **options)
        with context.begin_transaction():
            context.run_migrations()


with as_exit_messages():
    run()
