"""`flask users`: create, disable, enable and delete accounts; `app.auth` does the work."""

from __future__ import annotations

import sys
from typing import Final

import click
from flask.cli import AppGroup

from app.accounts.password_policy import MAX_PASSWORD_BYTES
from app.auth import admin
from app.cli.exit_messages import as_exit_messages, report
from app.mail.messages import RESET_PATH
from app.mail.wording import Site
from app.services import services

users: Final = AppGroup("users", help="Create, disable, enable and delete accounts.")
# One byte more than the longest password and a line break, so that a longer one is refused.
MAX_INPUT: Final = MAX_PASSWORD_BYTES + len(b"\r\n") + 1


@users.command("create")
@click.argument("email")
@click.option(
    "--password", help="Prompted for when not given; given here, the shell may store it."
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create(email: str, password: str | None, *, password_stdin: bool) -> None:
    """Create an account for EMAIL, without any mail: you vouch for the address."""
    with as_exit_messages():
        if password_stdin and password is not None:
            raise click.UsageError("Give either --password or --password-stdin.")
        if password_stdin:
            password = _read_password()
        elif password is None:
            password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
        user = admin.create(services().auth, email, password)
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


def _read_password() -> str:
    """Return what is on standard input, without the line break at its end.

    Raises:
        click.ClickException: when it is not UTF-8.

    """
    text = sys.stdin.buffer.read(MAX_INPUT)
    try:
        return text.removesuffix(b"\n").removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        raise click.ClickException("The password on standard input is not UTF-8.") from None
