"""`flask sessions`, `flask prune`, `flask secrets`."""

from __future__ import annotations

from typing import Final

import click
from flask.cli import AppGroup, with_appcontext

from app.auth import admin
from app.auth.sessions import active_sessions
from app.cli.exit_messages import as_sentences, report
from app.infra.clock import rfc3339
from app.services import services
from app.web.user_agents import describe
from config import new_secret

sessions: Final = AppGroup("sessions", help="List and revoke sessions.")
secrets: Final = AppGroup("secrets", help="Make secrets.")


@sessions.command("list")
@click.option("--user", "email", required=True, help="E-mail address of the account.")
def show(email: str) -> None:
    """List the live sessions of an account."""
    with as_sentences():
        user = admin.find_user(services().auth, email)
        families = active_sessions(services().auth, user.id)
    for family in families:
        used = rfc3339(family.last_used_at)
        click.echo(f"{family.family_id}  {used}  {family.ip}  {describe(family.user_agent)}")
    click.echo(f"{len(families)} live sessions.")


@sessions.command("revoke")
@click.option("--user", "email", help="E-mail address of the account.")
@click.option("--all", "everybody", is_flag=True, help="Everybody's sessions.")
def revoke(email: str | None, *, everybody: bool) -> None:
    """End the sessions of one account, or of everybody, at once."""
    if bool(email) == everybody:
        raise click.UsageError("Say either --user EMAIL or --all.")
    with as_sentences():
        user = admin.find_user(services().auth, email) if email else None
        count, told = admin.revoke_sessions(services().auth, user)
        report(f"{count} sessions revoked.", told=told)


@click.command("prune")
@with_appcontext
def prune() -> None:
    """Delete families and erased accounts that nothing needs any more, in batches."""
    with as_sentences():
        pruned = services().auth.pruning.prune()
    click.echo(f"{pruned.families} families and {pruned.accounts} erased accounts deleted.")
    if pruned.blocked:
        click.echo(
            f"{pruned.blocked} were not deleted, because rows of other tables refer to them by "
            f"{', '.join(pruned.referring_columns)}. Delete those rows first, or declare the "
            "references ON DELETE CASCADE or SET NULL."
        )


@secrets.command("new")
def new() -> None:
    """Print fresh values for JWT_SECRET and SECRET_KEY."""
    click.echo(f"JWT_SECRET={new_secret()}\nSECRET_KEY={new_secret()}")
