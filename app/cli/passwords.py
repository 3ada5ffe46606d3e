"""`flask passwords`: make the filter of passwords that are known from breaches."""

from __future__ import annotations

from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import Final

import click
from flask.cli import AppGroup

from app.accounts.breach_import import ListRefused, import_list
from app.services import services

PROGRESS_LINES: Final = 10_000_000

passwords: Final = AppGroup("passwords", help="Import passwords that are known from breaches.")


@passwords.command("import")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The filter to make; by default that of BREACHED_PASSWORDS.",
)
def import_(file: BufferedReader, target: Path | None) -> None:
    """Make a filter from FILE, a list with a SHA-1 in hex, a colon and a count in each line.

    FILE is plain or gzip, in any order and of any size; '-' reads standard input. The filter
    replaces the former one when it is complete, and takes effect at once.
    """
    configured = services().settings.breached_passwords
    path = target.absolute() if target else configured
    if path is None:
        raise click.UsageError("Name the filter with --to PATH, or set BREACHED_PASSWORDS.")
    try:
        entries = import_list(file, path, _progress())
    except ListRefused as refused:
        raise click.ClickException(f"{refused} The filter is what it was before.") from None
    except OSError as error:
        raise click.ClickException(
            f"The import stopped ({error.strerror}). The filter is what it was before."
        ) from None
    click.echo(f"{entries:,} passwords are in {path}, {path.stat().st_size:,} bytes.")
    if path != configured:
        click.echo(f"Set BREACHED_PASSWORDS={path}, then reload the workers.")


def _progress() -> Callable[[int], None]:
    """Return what prints the number of lines after each ten million."""
    told = 0

    def report(lines: int) -> None:
        nonlocal told
        if lines - told >= PROGRESS_LINES:
            told = lines
            click.echo(f"{lines:,} lines are read.", err=True)

    return report
