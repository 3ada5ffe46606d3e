"""The command line, `flask --app wsgi …`: one module for each group of commands."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click
from flask import Flask
from flask.cli import AppGroup

COMMANDS: Final = {
    "attack": "app.cli.attack",
    "catalogue": "app.cli.catalogue",
    "doctor": "app.cli.doctor",
    "mail": "app.cli.mail",
    "passwords": "app.cli.passwords",
    "prune": "app.cli.sessions",
    "secrets": "app.cli.sessions",
    "sessions": "app.cli.sessions",
    "types": "app.cli.types",
    "users": "app.cli.users",
}


class LazyCommands(AppGroup):
    """The commands of the application; a module of `COMMANDS` is imported on first use.

    The workers run no command, so they do not load this code.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*super().list_commands(ctx), *COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command with that name; None when there is none."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            self.add_command(getattr(import_module(COMMANDS[cmd_name]), cmd_name))
        return super().get_command(ctx, cmd_name)


def install(app: Flask) -> None:
    """Let `flask` find the commands of `app`."""
    app.cli = LazyCommands(app.name)
