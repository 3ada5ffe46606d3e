"""A product's row that still refers to an account keeps it, and its table is named at once."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest
from flask import Flask
from sqlalchemy import text

from app.auth import admin
from app.errors import DeletionBlocked
from tests.support.app import services
from tests.support.client import EMAIL, Client, member, problem
from tests.support.mail import mails
from tests.support.product_tables import product_table
from tests.support.traces import traces

PATH = "/auth/account"
USER = "user_id VARCHAR(32){} REFERENCES users (id)"
NOTES = f"id VARCHAR(32) PRIMARY KEY, {USER}".format("")
Create = Callable[..., None]


@pytest.fixture
def create(app: Flask) -> Iterator[Create]:
    """A function that creates a table with one row: `create(name, columns, value, …)`."""
    with ExitStack() as tables:
        yield lambda *words: tables.enter_context(product_table(app, *words))


def names(log: io.StringIO) -> list[str]:
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line["reason"] for line in lines if line.get("event") == "deletion_blocked"]


def blocked(ada: Client, log: io.StringIO, table: str) -> None:
    """Check that nothing is deleted, what the owner is told, and what the operator reads."""
    before = traces(services(ada.app).database, ada.user_id, EMAIL)
    answer = problem(ada.protected("DELETE", PATH), 409, "deletion_blocked")
    assert "Ask whoever runs this site" in answer["detail"]
    assert table not in json.dumps(answer)
    assert names(log)[-1] == table
    done = ada.app.test_cli_runner().invoke(args=["users", "delete", EMAIL, "--yes"])
    assert done.exit_code == 1
    assert (
        f"Error: The account was not deleted, because rows refer to it in {table}. " in done.output
    )
    assert traces(services(ada.app).database, ada.user_id, EMAIL) == before
    assert mails(ada.app) == []
    assert ada.alive()


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "ON DELETE NO ACTION",
        "ON DELETE RESTRICT",
        "DEFERRABLE INITIALLY DEFERRED",
        "ON DELETE NO ACTION DEFERRABLE INITIALLY DEFERRED",
    ],
)
def test_a_row_that_refers_to_the_account(
    ada: Client, create: Create, log: io.StringIO, rule: str
) -> None:
    create("drafts", f"{USER.format('')} {rule}", ada.user_id)
    blocked(ada, log, "drafts")


def test_a_row_that_must_refer_to_the_account(
    ada: Client, create: Create, log: io.StringIO
) -> None:
    create("drafts", f"{USER.format(' NOT NULL')} ON DELETE SET NULL", ada.user_id)
    blocked(ada, log, "drafts")


@pytest.mark.parametrize("rule", ["", "DEFERRABLE INITIALLY DEFERRED"])
def test_a_row_that_refers_to_a_session(
    ada: Client, create: Create, log: io.StringIO, rule: str
) -> None:
    create("visits", f"sid VARCHAR(32) REFERENCES Families (Family_Id) {rule}", ada.session_id)
    blocked(ada, log, "visits")


def test_a_row_that_refers_to_a_row_that_would_go_too(
    ada: Client, create: Create, log: io.StringIO
) -> None:
    create("notes", f"{NOTES} ON DELETE CASCADE", "a note", ada.user_id)
    create("tags", "note VARCHAR(32) REFERENCES notes (id)", "a note")
    blocked(ada, log, "tags")


def test_what_goes_with_the_account_does_not_keep_it(
    app: Flask, ada: Client, create: Create
) -> None:
    """Nor what is only no longer linked, nor what refers to somebody else."""
    bob = member(app, "bob@example.com")
    create("notes", f"{NOTES} ON DELETE CASCADE", "a note", ada.user_id)
    create("tags", "note VARCHAR(32) REFERENCES notes (id) ON DELETE CASCADE", "a note")
    create("orders", f"{USER.format('')} ON DELETE SET NULL", ada.user_id)
    create("drafts", USER.format(""), bob.user_id)
    create("visits", "sid VARCHAR(32) REFERENCES families ON DELETE CASCADE", ada.session_id)
    assert ada.protected("DELETE", PATH).status_code == 204
    assert traces(services(app).database, ada.user_id, "a note") == []
    assert traces(services(app).database, bob.user_id)


def test_it_can_be_deleted_once_the_row_is_gone(
    app: Flask, ada: Client, create: Create, log: io.StringIO
) -> None:
    create("drafts", USER.format(""), ada.user_id)
    blocked(ada, log, "drafts")
    with services(app).database.transaction() as connection:
        connection.execute(text("DELETE FROM drafts"))
    assert ada.protected("DELETE", PATH).status_code == 204


def test_prune_never_meets_such_a_row(app: Flask, ada: Client, create: Create) -> None:
    own = services(app)
    create("drafts", USER.format(""), ada.user_id)
    with suppress(DeletionBlocked):
        admin.delete(own.auth, admin.find_user(own.auth, EMAIL))
    assert own.auth.pruning.prune().blocked == 0
