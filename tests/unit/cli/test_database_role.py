"""What the commands say to a database role that may not do it."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest
from click.testing import Result
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from app import create_app
from app.cli.exit_messages import database_fault
from app.infra.database import metadata
from config import Settings
from tests.support.app import close
from tests.support.servers.postgres import PostgresServer
from tests.unit.cli.conftest import Run, on

ROLE = f"latchkey_app_{os.getpid()}"
EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"


def execute(url: str, *statements: str) -> None:
    """Do this as the owner of the database."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def role(postgres_url: str) -> Iterator[str]:
    """The URL of a role that may connect to the migrated database, and nothing else."""
    execute(
        postgres_url,
        f"CREATE ROLE {ROLE} LOGIN PASSWORD 'hunter2'",
        f"GRANT USAGE ON SCHEMA public TO {ROLE}",
    )
    own = make_url(postgres_url).set(username=ROLE, password="hunter2")
    yield own.render_as_string(hide_password=False)
    execute(postgres_url, f"DROP OWNED BY {ROLE}", f"DROP ROLE {ROLE}")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind; a test puts its own in its place."""
    return sqlite_url


@pytest.fixture
def typed(settings: Settings) -> Run:
    """What an operator types with a DATABASE_URL: `typed(url, "doctor")`."""

    def run(url: str, *words: str) -> Result:
        app = create_app(replace(settings, database_url=url))
        done = on(app, *words)
        close(app)
        assert "Traceback" not in done.output
        assert "hunter2" not in done.output
        return done

    return run


def faults(done: Result) -> list[str]:
    """List what the doctor finds wrong with the database."""
    head = "FAULT database: "
    lines = done.output.splitlines()
    return [line.removeprefix(head) for line in lines if line.startswith(head)]


def test_missing_grants_are_named_with_the_statement_that_mends_it(
    typed: Run, role: str, postgres_url: str
) -> None:
    tables = sorted(metadata.tables)
    assert {"families", "users"} <= set(tables)
    grants = [f"GRANT {EVERYTHING} ON {table} TO {ROLE}" for table in tables]
    assert faults(typed(role, "doctor")) == [
        f"role {ROLE} lacks rights; run 'GRANT SELECT ON alembic_version TO {ROLE}'",
        *(f"role {ROLE} lacks rights; run '{grant}'" for grant in grants),
    ]
    execute(
        postgres_url,
        f"GRANT SELECT ON alembic_version TO {ROLE}",
        *grants,
        f"REVOKE DELETE ON users FROM {ROLE}",
    )
    assert faults(typed(role, "doctor")) == [
        f"role {ROLE} lacks rights; run 'GRANT DELETE ON users TO {ROLE}'"
    ]
    execute(postgres_url, f"GRANT DELETE ON users TO {ROLE}")
    assert faults(typed(role, "doctor")) == []


def test_a_schema_out_of_reach_is_named(typed: Run, role: str, postgres_url: str) -> None:
    execute(postgres_url, f"ALTER ROLE {ROLE} SET search_path = nowhere")
    (fault,) = faults(typed(role, "doctor"))
    assert fault == (
        f"role {ROLE} may use no schema; run 'GRANT USAGE ON SCHEMA public TO {ROLE}'"
    )


def test_missing_tables_are_a_missing_migration(typed: Run, postgres: PostgresServer) -> None:
    (fault,) = faults(typed(postgres.create(), "doctor"))
    assert fault.startswith("is at migration none, not ")


def test_a_command_without_rights_says_so(typed: Run, role: str) -> None:
    done = typed(role, "sessions", "list", "--user", "ada@example.com")
    assert done.exit_code == 1
    assert done.output == (
        "Error: The database refuses this to the role of DATABASE_URL "
        "(permission denied for table users); grant it, or use another role.\n"
    )


def test_a_migration_without_rights_says_so(
    typed: Run, postgres: PostgresServer, role: str
) -> None:
    """In PostgreSQL 15 and later, only the owner may create tables by default."""
    url = postgres.create()
    execute(url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    own = make_url(role).set(database=make_url(url).database)
    done = typed(own.render_as_string(hide_password=False), "db", "upgrade")
    assert done.exit_code == 1
    said = done.output.splitlines()[-1]
    assert said.startswith("Error: The database refuses this to the role of DATABASE_URL (permi")
    assert typed(url, "db", "upgrade").exit_code == 0


def test_to_a_migration_a_role_that_does_not_exist_is_a_sentence(
    typed: Run, postgres_url: str
) -> None:
    url = make_url(postgres_url).set(username="nobody_here", password="hunter2")
    done = typed(url.render_as_string(hide_password=False), "db", "upgrade")
    assert done.exit_code == 1
    assert "Error: The database " in done.output


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("sqlite:////nowhere/hunter2.db", "cannot be opened: check that the folder"),
        ("postgresql+psycopg://u:hunter2@127.0.0.1:1/x", "does not answer (OperationalError)"),
    ],
)
def test_to_a_migration_a_database_out_of_reach_is_a_sentence_without_the_url(
    typed: Run, url: str, fault: str
) -> None:
    done = typed(url, "db", "upgrade")
    assert done.exit_code == 1
    assert f"Error: The database {fault}" in done.output


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (
            'connection failed: FATAL:  password authentication failed for user "hunter2"',
            "refuses the role or password of DATABASE_URL",
        ),
        ("fe_sendauth: no password supplied", "requires a password, and DATABASE_URL has none"),
        ("attempt to write a readonly database", "cannot be written"),
        ("file is not a database", "is not an SQLite file"),
        ("server closed the connection", "does not answer (OperationalError)"),
    ],
)
def test_a_driver_without_states_is_read_by_its_words(said: str, fault: str) -> None:
    """The words are not repeated, because they may contain a password."""
    told = database_fault(OperationalError("SELECT 1", {}, Exception(said)))
    assert told.startswith(fault)
    assert "hunter2" not in told
