"""`flask mail`: see what waits in the outbox, and send it."""

from __future__ import annotations

from typing import Final

import click
from flask.cli import AppGroup

from app.cli.exit_messages import as_exit_messages
from app.infra.clock import rfc3339
from app.mail import queries
from app.services import services

mail: Final = AppGroup("mail", help="See what waits in the outbox, and send it.")
MAX_LISTED: Final = 100


@mail.command("list")
def show() -> None:
    """List the messages that wait or were given up, the newest first."""
    with as_exit_messages():
        found = services().database.read(queries.unsent, MAX_LISTED)
        count, _ = services().database.read(queries.waiting)
    for one in found:
        state = "given up" if one.failed_at else f"{one.tries} tries"
        why = f": {one.failure}" if one.failure else ""
        address = one.address or "(deleted)"
        click.echo(f"{rfc3339(one.created_at)}  {one.kind}  {address}  {state}{why}")
    click.echo(f"{count} messages wait.")


@mail.command("send")
def send() -> None:
    """Send what is due now. The workers do this by themselves."""
    sender = services().sender
    if sender is None:
        raise click.ClickException("MAIL_URL is none: this deployment sends no mail.")
    with as_exit_messages():
        done = sender.send_due()
    click.echo(f"{done.sent} sent, {done.given_up} given up.")
    if done.failing:
        raise click.ClickException("The mail server does not accept mail; see the log above.")
