"""The command line: `flask --app wsgi …`."""

from __future__ import annotations

from flask import Flask

from app.cli import doctor, sessions, types, users


def install(app: Flask) -> None:
    """Add the commands."""
    for command in (
        users.users,
        sessions.sessions,
        sessions.prune,
        sessions.secrets,
        doctor.doctor,
        types.types,
    ):
        app.cli.add_command(command)
