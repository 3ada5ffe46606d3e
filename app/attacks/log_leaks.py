"""Credentials in the log, where operators, collectors and thieves of backups read them."""

from __future__ import annotations

from pathlib import Path

from app.attacks import defenses
from app.attacks.context import AttackContext
from app.attacks.obstacles import Inconclusive, Missing
from app.attacks.password_tries import try_password


def log_leaks(context: AttackContext) -> None:
    """Use a session from log-in to log-out, and search the log for its credentials.

    Raises:
        Missing: when the target names no log.
        Inconclusive: when the file that it names is not the log.

    """
    log = context.target.log
    if log is None:
        raise Missing("the log is not at hand: name it with --log FILE")
    before = log.stat().st_size
    _use_a_session(context)
    written = _written_since(log, before)
    if '"event"' not in written:
        raise Inconclusive(f"nothing of this was written to {log.name}: it is not the log")
    secrets = {*context.record.secrets, context.account.password}
    leaked = sum(secret in written for secret in secrets)
    text = f"{leaked} of {len(secrets)} credentials are in the log"
    context.found(text, defenses.AUDIT_RECORD, held=leaked == 0)


def _use_a_session(context: AttackContext) -> None:
    context.say("A session from log-in to log-out, with credentials in wrong places.")
    try_password(context, context.account.email, f"{context.account.password}x")
    owner = context.owner()
    context.works(owner.refresh(), "The owner's refresh")
    owner.ask("GET", f"/api/me?access_token={owner.access}")
    owner.ask("GET", f"/{owner.refresh_token}")
    owner.ask("GET", "/api/me", headers={"Authorization": f"Bearer {owner.access}x"})
    owner.protected("POST", "/auth/logout")


def _written_since(log: Path, start: int) -> str:
    with log.open("rb") as file:
        file.seek(start)
        return file.read().decode("utf-8", "replace")
