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
NO_RIGHT: Final = "42501"
# libpq and SQLite give no state, but these words.
FAULTS: Final = {
    "password authentication failed": "refuses the role or password of DATABASE_URL",
    "no password supplied": "wants a password, and DATABASE_URL has none",
    "does not exist": "lacks something: check the names in DATABASE_URL, then run "
    "'flask --app wsgi db upgrade'",
    "no such table": "is not migrated: run 'flask --app wsgi db upgrade'",
    "unable to open database file": "cannot be opened: check that the folder of DATABASE_URL "
    "exists and can be written",
    "readonly database": "cannot be written: check who owns the file of DATABASE_URL",
    "not a database": "is no SQLite file: check DATABASE_URL",
}


@contextmanager
def as_sentences() -> Iterator[None]:
    """Turn refusals and database faults into one sentence, and exit status 1."""
    try:
        yield
    except WeakPassword as weak:
        raise click.ClickException(" ".join(text for _, text in weak.reasons)) from None
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from None
    except SQLAlchemyError as error:
        raise click.ClickException(f"The database {database_fault(error)}.") from None


def database_fault(error: SQLAlchemyError) -> str:
    """Say what a database refused and how to mend it: a sentence's end, after "The database".

    Only what the server says of a table or schema is quoted. A driver's message may name the
    host, the path or the statement.
    """
    driver = getattr(error, "orig", None)
    state, said = getattr(driver, "sqlstate", None), str(driver)
    if state == NO_RIGHT:
        why = driver.diag.message_primary  # type: ignore[union-attr]  # psycopg's, for it has a state
        return f"refuses this to the role of DATABASE_URL ({why}); grant it, or use another role"
    for phrase, fault in FAULTS.items():
        if phrase in said:
            return fault
    return f"does not answer ({type(error).__name__}); check DATABASE_URL"


def report(done: str, *, told: bool) -> None:
    """Say what was done; fail when Redis does not know of it yet."""
    click.echo(done)
    if not told:
        raise click.ClickException(UNTOLD)
