"""The command line: `flask --app wsgi …`. A command's module is imported when it is used."""

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
    "prune": "app.cli.sessions",
    "secrets": "app.cli.sessions",
    "sessions": "app.cli.sessions",
    "types": "app.cli.types",
    "users": "app.cli.users",
}


class LazyCommands(AppGroup):
    """The commands of the application; `COMMANDS` names the module of each of ours.

    A worker that serves requests never runs one, so it does not hold their code in memory.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*super().list_commands(ctx), *COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, which imports its module; None when there is none of that name."""
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            self.add_command(getattr(import_module(COMMANDS[cmd_name]), cmd_name))
        return super().get_command(ctx, cmd_name)


def install(app: Flask) -> None:
    """Have `flask` find the commands of `app`."""
    app.cli = LazyCommands(app.name)
