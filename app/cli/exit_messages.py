"""Turn refusals and database errors into messages of commands, without a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click
from sqlalchemy.exc import SQLAlchemyError

from app.errors import DeletionBlocked, Refusal, WeakPassword

NOT_IN_REDIS: Final = (
    "Redis does not answer. The sessions are revoked in the database; running workers notice it "
    "within ten seconds, at the latest when the access tokens expire."
)
STILL_REFERRED: Final = "The account was not deleted, because rows refer to it in"
UNBLOCK: Final = (
    "Delete those rows first. Their feature should delete them in its `delete_rows`, or declare "
    "the reference ON DELETE CASCADE or SET NULL."
)
INSUFFICIENT_PRIVILEGE: Final = "42501"
# libpq and SQLite report no SQLSTATE, so their errors are recognised by these words.
FAULTS: Final = {
    "password authentication failed": "refuses the role or password of DATABASE_URL",
    "no password supplied": "requires a password, and DATABASE_URL has none",
    "does not exist": "does not exist or lacks a table: check the names in DATABASE_URL, then run "
    "'flask --app wsgi db upgrade'",
    "no such table": "is not migrated: run 'flask --app wsgi db upgrade'",
    "unable to open database file": "cannot be opened: check that the folder of DATABASE_URL "
    "exists and can be written",
    "readonly database": "cannot be written: check who owns the file of DATABASE_URL",
    "not a database": "is not an SQLite file: check DATABASE_URL",
}


@contextmanager
def as_exit_messages() -> Iterator[None]:
    """Turn a refusal or database error in the `with` block into a message and exit status 1.

    Raises:
        click.ClickException: instead of the refusal or the error.

    """
    try:
        yield
    except WeakPassword as weak:
        raise click.ClickException(" ".join(text for _, text in weak.reasons)) from None
    except DeletionBlocked as blocked:
        raise click.ClickException(f"{STILL_REFERRED} {blocked.tables}. {UNBLOCK}") from None
    except Refusal as refusal:
        raise click.ClickException(refusal.detail) from None
    except SQLAlchemyError as error:
        raise click.ClickException(f"The database {database_fault(error)}.") from None


def database_fault(error: SQLAlchemyError) -> str:
    """Return what is wrong with the database and what to do; it continues "The database ...".

    The driver's message is not quoted, because it may contain the host, the path or the
    statement, except PostgreSQL's sentence about a missing privilege.
    """
    driver = getattr(error, "orig", None)
    state, message = getattr(driver, "sqlstate", None), str(driver)
    if state == INSUFFICIENT_PRIVILEGE:
        reason = driver.diag.message_primary  # type: ignore[union-attr]  # an error of psycopg
        return (
            f"refuses this to the role of DATABASE_URL ({reason}); grant it, or use another role"
        )
    for phrase, fault in FAULTS.items():
        if phrase in message:
            return fault
    return f"does not answer ({type(error).__name__}); check DATABASE_URL"


def report(message: str, *, in_redis: bool) -> None:
    """Print `message` about revoked sessions.

    Raises:
        click.ClickException: when the denylist in Redis does not have them yet (`in_redis`).

    """
    click.echo(message)
    if not in_redis:
        raise click.ClickException(NOT_IN_REDIS)
