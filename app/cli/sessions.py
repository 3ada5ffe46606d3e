"""`flask sessions`, `flask prune` and `flask secrets`; `app.auth.admin` does the work."""

from __future__ import annotations

from typing import Final

import click
from flask.cli import AppGroup, with_appcontext

from app.auth import admin
from app.auth.sessions import active_sessions
from app.cli.exit_messages import as_exit_messages, report
from app.infra.clock import rfc3339
from app.infra.user_agents import describe
from app.services import services
from config import new_secret

sessions: Final = AppGroup("sessions", help="List and revoke sessions.")
secrets: Final = AppGroup("secrets", help="Make secrets.")


@sessions.command("list")
@click.option("--user", "email", required=True, help="E-mail address of the account.")
def show(email: str) -> None:
    """List the active sessions of an account."""
    with as_exit_messages():
        user = admin.find_user(services().auth, email)
        families = active_sessions(services().auth, user.id)
    for family in families:
        used = rfc3339(family.last_used_at)
        click.echo(f"{family.family_id}  {used}  {family.ip}  {describe(family.user_agent)}")
    click.echo(f"{len(families)} active sessions.")


@sessions.command("revoke")
@click.option("--user", "email", help="E-mail address of the account.")
@click.option("--all", "all_accounts", is_flag=True, help="The sessions of all accounts.")
def revoke(email: str | None, *, all_accounts: bool) -> None:
    """Revoke the sessions of one account, or of all accounts, at once."""
    if bool(email) == all_accounts:
        raise click.UsageError("Give either --user EMAIL or --all.")
    with as_exit_messages():
        user = admin.find_user(services().auth, email) if email else None
        count, in_redis = admin.revoke_sessions(services().auth, user)
        report(f"{count} sessions revoked.", in_redis=in_redis)


@click.command("prune")
@with_appcontext
def prune() -> None:
    """Delete families, activity, mails and erased accounts that are no longer needed."""
    with as_exit_messages():
        pruned = services().auth.pruning.prune()
    click.echo(
        f"{pruned.families} families, {pruned.accounts} erased accounts, {pruned.activity} rows "
        f"of activity and {pruned.mails} mails deleted."
    )
    if pruned.blocked:
        click.echo(
            f"{pruned.blocked} were not deleted, because rows of other tables refer to them by "
            f"{', '.join(pruned.referring_columns)}. Delete those rows first, or declare the "
            "references ON DELETE CASCADE or SET NULL."
        )


@secrets.command("new")
def new() -> None:
    """Print new random values for JWT_SECRET and SECRET_KEY."""
    click.echo(f"JWT_SECRET={new_secret()}\nSECRET_KEY={new_secret()}")
