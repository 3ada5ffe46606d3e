"""`flask doctor`: check what the application cannot check when it starts."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import click
from flask import current_app
from flask.cli import with_appcontext
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.cli.exit_messages import database_fault
from app.cli.migrations import newest_revisions
from app.cli.rights import missing_rights
from app.infra.redis import server_facts
from app.mail import queries as mails
from app.mail.links import DAY
from app.mail.transports import Failed
from app.services import Services, services
from app.web.guards import MARK

MAX_SKEW_SECONDS: Final = 2
MAX_WAITING_SECONDS: Final = 3600
OTHERS: Final = 0o077

JOURNAL_MODE: Final = text("PRAGMA journal_mode")
STATEMENT_TIMEOUT: Final = text("SHOW statement_timeout")


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """Check this deployment; the exit status is 1 when something is wrong.

    The variables of the environment need no check here: a wrong one stops every command with a
    report.
    """
    deployment, faulty = services(), False
    click.echo(f"ok    environment: {deployment.settings.env}, {deployment.settings.public_url}")
    for name, check in CHECKS:
        faults = list(check(deployment))
        faulty = faulty or bool(faults)
        for fault in faults:
            click.echo(f"FAULT {name}: {fault}")
        if not faults:
            click.echo(f"ok    {name}")
    if faulty:
        raise SystemExit(1)


def _database(deployment: Services) -> Iterator[str]:
    from alembic.migration import MigrationContext  # noqa: PLC0415 - see app/cli/migrations.py

    newest = newest_revisions()
    try:
        with deployment.database.autocommit() as connection:
            if connection.dialect.name == "postgresql":
                faults = list(missing_rights(connection, deployment.database.metadata.tables))
                yield from faults
                if faults:  # it may be the table with the revision that cannot be read
                    return
            current = MigrationContext.configure(connection).get_current_heads()
            if set(current) != newest:
                names = [", ".join(sorted(heads)) or "none" for heads in (current, newest)]
                yield "is at migration {}, not {}; run 'flask --app wsgi db upgrade'".format(
                    *names
                )
            if connection.dialect.name == "sqlite":
                yield from _sqlite(deployment, str(connection.scalar(JOURNAL_MODE)))
            elif connection.scalar(STATEMENT_TIMEOUT) == "0":
                yield (
                    "has no statement_timeout, and Latchkey cannot set it through a pooler; "
                    "run ALTER ROLE … SET statement_timeout = '5s'"
                )
    except SQLAlchemyError as error:
        yield database_fault(error)


def _sqlite(deployment: Services, journal: str) -> Iterator[str]:
    path = Path(deployment.database.engine.url.database or "")
    for file in (path, *path.parent.glob(f"{path.name}-*")):
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & OTHERS:
            yield f"{file.name} can be read by others ({mode:04o}); run 'chmod 600' on it"
    if journal != "wal":
        yield f"has journal mode {journal}, not wal; put it on a local disk"
    if deployment.database.write_lock and not deployment.database.write_lock.usable():
        yield (
            f"writers cannot queue at {deployment.database.write_lock.path}; "
            "let the server's user own the file and write its folder"
        )
    if deployment.settings.env == "production":
        click.echo("note  database: SQLite serves one machine; use PostgreSQL for more")


def _proxy(deployment: Services) -> Iterator[str]:
    s = deployment.settings
    if s.behind_proxy and not s.trusted_proxies and s.env in {"staging", "production"}:
        yield (
            "PUBLIC_URL is https and gunicorn speaks http, so there is a proxy, but "
            "TRUSTED_PROXIES=0 trusts none: all clients share the proxy's address and its "
            "limits; set it to the number of proxies"
        )


def _redis(deployment: Services) -> Iterator[str]:
    try:
        facts = server_facts(deployment.redis)
    except RedisError as error:
        yield f"does not answer ({type(error).__name__}); check REDIS_URL"
        return
    if facts.distrust:
        yield f"{facts.distrust}; until then the database is asked instead"
    if facts.persistent is False:
        yield "loses its data in a restart; set appendonly to yes"
    if (
        abs(facts.time - deployment.clock.now())
        > deployment.settings.clock_leeway + MAX_SKEW_SECONDS
    ):
        yield "has a clock that differs by more than CLOCK_LEEWAY; synchronise both machines"


def _mail(deployment: Services) -> Iterator[str]:
    sender, now = deployment.sender, deployment.clock.now()
    if sender is None:
        click.echo("note  mail: MAIL_URL is none, so nobody can reset a password by themselves")
        return
    try:
        with sender.transport.connect():
            pass
    except Failed as failure:
        yield f"cannot be sent: {failure}; check MAIL_URL"
    try:
        count, oldest = deployment.database.read(mails.waiting)
        failed = deployment.database.read(mails.failed_since, now - DAY)
    except SQLAlchemyError:
        return  # `_database` says what is wrong
    if oldest is not None and now - oldest > MAX_WAITING_SECONDS:
        hours = (now - oldest) // MAX_WAITING_SECONDS
        yield f"{count} messages wait, the oldest for {hours} h; see 'flask --app wsgi mail list'"
    if failed:
        yield f"{failed} messages were given up today; see 'flask --app wsgi mail list'"


def _lifetimes(deployment: Services) -> Iterator[str]:
    s = deployment.settings
    pairs = (
        ("REFRESH", s.refresh_idle_ttl, s.refresh_absolute_ttl),
        ("REMEMBER", s.remember_idle_ttl, s.remember_absolute_ttl),
    )
    for name, idle, absolute in pairs:
        if idle > absolute:
            yield f"{name}_IDLE_TTL is above {name}_ABSOLUTE_TTL and never takes effect"
        if idle < s.access_ttl:
            yield f"{name}_IDLE_TTL is below ACCESS_TOKEN_TTL; sessions end while in use"


def _routes(_deployment: Services) -> Iterator[str]:
    for endpoint, view in current_app.view_functions.items():
        if not hasattr(view, MARK):
            yield (
                f"{endpoint} is neither @public nor @require_access "
                "(it requires an access token); add one of them"
            )


def _passwords(deployment: Services) -> Iterator[str]:
    s = deployment.settings
    if s.env == "production" and not s.breached_passwords:
        click.echo(
            "note  passwords: BREACHED_PASSWORDS is not set, so a password that is known from a "
            "breach is accepted; see 'flask --app wsgi passwords import --help'"
        )
    yield from ()


CHECKS: Final[tuple[tuple[str, Callable[[Services], Iterator[str]]], ...]] = (
    ("database", _database),
    ("proxy", _proxy),
    ("redis", _redis),
    ("mail", _mail),
    ("lifetimes", _lifetimes),
    ("passwords", _passwords),
    ("routes", _routes),
)
