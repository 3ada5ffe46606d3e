"""`flask catalogue`: print the catalogue of attacks, or update the documents made from it."""

from __future__ import annotations

import click

from app.contract import documents
from config import ROOT


@click.command("catalogue")
@click.option("--write", is_flag=True, help="Update the generated parts of the documents.")
def catalogue(*, write: bool) -> None:
    """Print each attack and mistake with its defense, as in docs/threats.md."""
    if write:
        for path in documents.write(ROOT):
            click.echo(f"{path} is updated.")
        return
    for part in ("threats", "further", "mistakes"):
        click.echo(documents.PARTS[part]())
