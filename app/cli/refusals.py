"""Refusals at a terminal: one sentence and exit status 1, never a trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click
from sqlalchemy.exc import SQLAlchemyError

from app.errors import Refusal, WeakPassword

UNTOLD: Final = (
    "Redis could not be told. The sessions are revoked in the database; running workers see it "
    "as soon as they lose or regain Redis, at the latest when the access tokens expire."
)


@contextmanager
def as_sentences() -> Iterator[None]:
    """Turn refusals and database faults into a sentence."""
    try:
        yield
    except WeakPassword as weak:
        raise click.ClickException(" ".join(text for _, text in weak.reasons)) from None
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from None
    except SQLAlchemyError as error:
        name = type(error).__name__
        raise click.ClickException(
            f"The database does not answer ({name}). Is DATABASE_URL right and migrated?"
        ) from None


def report(done: str, *, told: bool) -> None:
    """Say what was done; fail when Redis does not know of it yet."""
    click.echo(done)
    if not told:
        raise click.ClickException(UNTOLD)
