"""`flask attack`: run the attacks of the catalogue against one's own running deployment."""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

import click
from flask.cli import with_appcontext

from app.attacks.attacked_account import Account
from app.attacks.registry import ATTACKS
from app.attacks.run import Run, Verdict
from app.attacks.run import run as run_attack
from app.attacks.target import Forbidden, Target
from app.attacks.throwaway_accounts import throwaway
from app.cli.exit_messages import as_exit_messages
from app.infra import logs
from app.services import services
from app.threats import BY_SLUG

WORDS: Final[dict[Verdict, str]] = {
    "held": "held",
    "got_through": "GOT THROUGH",
    "inconclusive": "INCONCLUSIVE",
    "skipped": "skipped",
}
FAILED: Final = frozenset({"got_through", "inconclusive"})


@click.command("attack")
@click.argument("url")
@click.option(
    "--email", help="The account to attack; by default one is created and deleted afterwards."
)
@click.option("--password", help="Its password; prompted for when not given.")
@click.option(
    "--log",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The log file of the deployment, to search it for credentials.",
)
@click.option(
    "--only", multiple=True, type=click.Choice(list(ATTACKS)), help="Only this attack; repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@with_appcontext
def attack(  # noqa: PLR0913 - one parameter an option
    url: str,
    email: str | None,
    password: str | None,
    log: Path | None,
    only: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Run every attack that is possible from outside against the deployment at URL.

    Use the settings of that deployment: its secret is needed to forge tokens as an insider could.
    URL must be on this machine or be the deployment's PUBLIC_URL; nothing else is attacked. The
    exit status is 1 when an attack got through or could not be carried out.
    """
    target = _target(url, log)
    with logs.on_stderr(), as_exit_messages(), _account(email, password) as account:
        runs = _run(target, account, only or tuple(ATTACKS))
    held = not any(run.verdict in FAILED for run in runs)
    if as_json:
        click.echo(json.dumps({"target": url, "held": held, "attacks": [_json(r) for r in runs]}))
    else:
        _table(runs)
    if not held:
        raise SystemExit(1)


def _target(url: str, log: Path | None) -> Target:
    try:
        target = Target(url, services().settings, log)
        alive = target.send("GET", "/healthz", [("Host", "health")], b"").status
    except Forbidden as forbidden:
        raise click.UsageError(f"{url} is not yours to attack: {forbidden}.") from None
    except OSError as error:
        raise click.ClickException(f"Nothing answers at {url} ({error}).") from None
    if alive != 200:  # noqa: PLR2004 - healthy
        raise click.ClickException(f"{url}/healthz answers {alive}: this is not Latchkey.")
    return target


def _account(email: str | None, password: str | None) -> AbstractContextManager[Account]:
    if email is None:
        return throwaway(services().settings)
    password = password or click.prompt("Password", hide_input=True)
    return nullcontext(Account(email, password, lasting=True))


def _run(target: Target, account: Account, slugs: tuple[str, ...]) -> list[Run]:
    with click.progressbar(slugs, label="Attacking", file=sys.stderr, show_pos=True) as bar:
        return [run_attack(slug, target, account) for slug in bar]


def _json(run: Run) -> dict[str, object]:
    return {"name": BY_SLUG[run.slug].name, **run.as_json()}


def _table(runs: list[Run]) -> None:
    for run in runs:
        tries = len(run.record.findings)
        name = BY_SLUG[run.slug].name
        click.echo(f"{WORDS[run.verdict]:12} {name:46} {tries:3} tries {run.seconds:6.1f} s")
        for finding in run.record.findings:
            if not finding.held:
                click.echo(f"{'':12} {finding.text}; see {finding.by}")
        if run.why:
            click.echo(f"{'':12} {run.why}")
    counts = Counter(run.verdict for run in runs)
    parts = [f"{counts[verdict]} {WORDS[verdict]}" for verdict in WORDS if counts[verdict]]
    click.echo(f"{len(runs)} attacks: {', '.join(parts)}.")
