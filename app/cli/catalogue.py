"""`flask catalogue`: README's threat table and list of mistakes, printed from the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Final

import click

from app.threats import FURTHER, MISTAKES, THREATS, Entry

TABLE: Final = """\
The same rows are at `/threats`. Each proof runs in `make test`; in development `/lab` runs each
attack before your eyes, and `flask --app wsgi attack URL` runs them against a deployment."""
BEYOND: Final = """\
Who is trusted with what, and what is out of reach, is in
[docs/threat-model.md](docs/threat-model.md)."""
LIST: Final = """\
The six mistakes that get JWT sessions breached, and why they cannot be made here. The same list
is at `/mistakes`."""


@click.command("catalogue")
def catalogue() -> None:
    """Print the threat table and the mistakes, as README has them."""
    click.echo("\n".join(sections()))


def sections() -> Iterator[str]:
    """Yield README's lines from its threat table on."""
    yield "## Threat table"
    yield ""
    yield TABLE
    yield ""
    yield from _table(THREATS)
    yield ""
    yield "### Further attacks"
    yield ""
    yield from _table(FURTHER)
    yield ""
    yield BEYOND
    yield ""
    yield "## What not to do"
    yield ""
    yield LIST
    yield ""
    for number, entry in enumerate(MISTAKES, 1):
        yield f"{number}. **{entry.name}.** {entry.attack} *Here:* {entry.defense}"
        yield f"   {entry.detail} *Not covered:* {entry.gap} {_evidence(entry)}"


def _table(entries: tuple[Entry, ...]) -> Iterator[str]:
    yield "| Attack | Defense | Implementation detail | Not covered | Proof |"
    yield "|---|---|---|---|---|"
    for entry in entries:
        attack = f"**{entry.name}.** {entry.attack} *It takes:* {entry.needs}"
        cells = (attack, entry.defense, entry.detail, entry.gap, _evidence(entry))
        yield f"| {' | '.join(cells)} |"


def _evidence(entry: Entry) -> str:
    links = [f"[{PurePath(proof).name}]({proof})" for proof in entry.proofs]
    return f"{', '.join(links)}; {', '.join(entry.standards)}"
