"""`flask users`: create, disable, enable and delete accounts; `app.auth` does the work."""

from __future__ import annotations

from typing import Final

import click
from flask.cli import AppGroup

from app.auth import admin
from app.auth.register import register
from app.cli.exit_messages import as_exit_messages, report
from app.infra.audit import Client
from app.mail.messages import RESET_PATH, Site
from app.services import services

users: Final = AppGroup("users", help="Create, disable, enable and delete accounts.")
TERMINAL: Final = Client(ip="127.0.0.1", user_agent="command line")


@users.command("create")
@click.argument("email")
@click.password_option(help="Prompted for when not given; given here, the shell may store it.")
def create(email: str, password: str) -> None:
    """Create an account for EMAIL."""
    with as_exit_messages():
        user = register(services().auth, email, password, TERMINAL)
    click.echo(f"Created {user.email} with id {user.id}.")


@users.command("reset-link")
@click.argument("email")
def reset_link(email: str) -> None:
    """Print a link with which the owner of EMAIL chooses a new password.

    It works once, for an hour. Whoever has it has the account, so hand it over in person or on a
    call, not by a chat that others read.
    """
    with as_exit_messages():
        token = admin.reset_token(services().auth, admin.find_user(services().auth, email))
    site = Site(services().settings.product_name, services().settings.public_url)
    click.echo(site.link("", RESET_PATH, token).url)


@users.command("disable")
@click.argument("email")
def disable(email: str) -> None:
    """Disable the account of EMAIL and end its sessions at once."""
    with as_exit_messages():
        count, in_redis = admin.disable(services().auth, admin.find_user(services().auth, email))
        report(f"Disabled. {count} sessions ended.", in_redis=in_redis)


@users.command("enable")
@click.argument("email")
def enable(email: str) -> None:
    """Enable the account of EMAIL again."""
    with as_exit_messages():
        admin.enable(services().auth, admin.find_user(services().auth, email))
    click.echo("Enabled.")


@users.command("delete")
@click.argument("email")
@click.confirmation_option(prompt="Delete this account for good?")
def delete(email: str) -> None:
    """Erase the account of EMAIL and end its sessions at once."""
    with as_exit_messages():
        count, in_redis = admin.delete(services().auth, admin.find_user(services().auth, email))
        report(f"Deleted. {count} sessions ended.", in_redis=in_redis)
