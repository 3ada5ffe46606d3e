"""`flask attack`: every attack of the catalogue, against one's own running deployment."""

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
from app.attacks.run import Run, Verdict, run
from app.attacks.target import Forbidden, Target
from app.attacks.throwaway_accounts import throwaway
from app.cli.exit_messages import as_sentences
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
@click.option("--email", help="An account of your own to attack; by default one is thrown away.")
@click.option("--password", help="Its password; asked for when not given.")
@click.option(
    "--log",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The log that the deployment writes, to be searched for credentials.",
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
    """Run every attack that can be run from outside against the deployment at URL.

    Run it with that deployment's settings: the secret is needed to forge what only an insider
    could. URL is on this machine, or the deployment's own PUBLIC_URL; nothing else is attacked.
    Exit status 1 when an attack got through, or could not be carried out.
    """
    target = _target(url, log)
    with logs.on_stderr(), as_sentences(), _account(email, password) as account:
        runs = _run(target, account, only or tuple(ATTACKS))
    if as_json:
        held = not any(one.verdict in FAILED for one in runs)
        click.echo(json.dumps({"target": url, "held": held, "attacks": [_json(r) for r in runs]}))
    else:
        _table(runs)
    if any(one.verdict in FAILED for one in runs):
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
        raise click.ClickException(f"{url}/healthz answers {alive}: this is no Latchkey.")
    return target


def _account(email: str | None, password: str | None) -> AbstractContextManager[Account]:
    if email is None:
        return throwaway(services().settings)
    given = password or click.prompt("Password", hide_input=True)
    return nullcontext(Account(email, given, lasting=True))


def _run(target: Target, account: Account, slugs: tuple[str, ...]) -> list[Run]:
    with click.progressbar(slugs, label="Attacking", file=sys.stderr, show_pos=True) as bar:
        return [run(slug, target, account) for slug in bar]


def _json(one: Run) -> dict[str, object]:
    return {"name": BY_SLUG[one.slug].name, **one.as_json()}


def _table(runs: list[Run]) -> None:
    for one in runs:
        tries = len(one.record.findings)
        name = BY_SLUG[one.slug].name
        click.echo(f"{WORDS[one.verdict]:12} {name:46} {tries:3} tries {one.seconds:6.1f} s")
        for finding in one.record.findings:
            if not finding.held:
                click.echo(f"{'':12} {finding.text}; see {finding.by}")
        if one.why:
            click.echo(f"{'':12} {one.why}")
    counts = Counter(one.verdict for one in runs)
    told = ", ".join(f"{counts[verdict]} {WORDS[verdict]}" for verdict in WORDS if counts[verdict])
    click.echo(f"{len(runs)} attacks: {told}.")
