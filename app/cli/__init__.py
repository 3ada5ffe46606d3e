"""The command line: `flask --app wsgi …`."""

from __future__ import annotations

from flask import Flask

from app.cli import attack, catalogue, doctor, sessions, types, users


def install(app: Flask) -> None:
    """Add the commands."""
    for command in (
        users.users,
        sessions.sessions,
        sessions.prune,
        sessions.secrets,
        doctor.doctor,
        attack.attack,
        catalogue.catalogue,
        types.types,
    ):
        app.cli.add_command(command)
