"""`flask types`: print the types of the JSON endpoints as TypeScript."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from app.contract.types import declarations


@click.command("types")
@click.argument("feature", required=False)
@with_appcontext
def types(feature: str | None) -> None:
    """Print `static/js/types.d.ts`, or the types of FEATURE's endpoints."""
    click.echo(declarations(current_app, feature), nl=False)
