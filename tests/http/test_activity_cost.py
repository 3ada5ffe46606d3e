"""What it costs to tell an owner what happened, and what happens when that cannot be written."""

import io
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.accounts import activity
from tests.support.app import services
from tests.support.client import Client, member, other_browser, problem, program
from tests.support.log import records
from tests.support.statements import statements

WRONG = "wrong wrong wrong"


def about_activity(sent: list[str]) -> list[str]:
    """Return the first three words of each statement about activity."""
    return [" ".join(one.split()[:3]) for one in sent if "activity" in one]


def count(app: Flask) -> int:
    """Return how many rows there are, those of strangers among them."""
    with services(app).database.autocommit() as connection:
        return int(connection.execute(text("SELECT count(*) FROM activity")).scalar_one())


def failing(*_: object) -> None:
    """Stand for a database that cannot write."""
    raise OperationalError("INSERT", {}, sqlite3.OperationalError("disk full"))


def test_refresh_and_guard_have_no_more_statements(app: Flask, ada: Client) -> None:
    """The hot paths do not know of it."""
    with statements(app) as sent:
        assert ada.refresh().status_code == 200
        assert ada.me().status_code == 200
        assert ada.sessions()
    assert sent
    assert about_activity(sent) == []


@pytest.mark.parametrize("replaces", [False, True])
def test_a_log_in_has_one_more_statement(
    app: Flask, ada: Client, monkeypatch: pytest.MonkeyPatch, *, replaces: bool
) -> None:
    """In the transaction that it has anyway, also when it tells of two things."""
    monkeypatch.setattr("app.auth.pruning.secrets.randbelow", lambda bound: bound - 1)
    with statements(app) as sent:
        if replaces:
            ada.log_in()
        else:
            other_browser(ada)
    assert about_activity(sent) == ["INSERT INTO activity"]
    assert count(app) == (3 if replaces else 2)


def test_strangers_cost_the_same_statements(app: Flask, ada: Client) -> None:
    """One statement, for a known and for an unknown address, in its first hour and after."""
    seen = []
    for email in (ada.email, "nobody@example.com", ada.email, "nobody@example.com"):
        with statements(app) as sent:
            answer = program(app, email).log_in(WRONG)
            problem(answer, 401, "invalid_credentials")
        assert about_activity(sent) == ["INSERT INTO activity"]
        seen.append(sent)
    assert seen[0] == seen[1] == seen[2] == seen[3]
    assert count(app) == 3


def test_a_refusal_stands_when_it_cannot_be_counted(
    app: Flask, ada: Client, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is the same, the audit record has its line, and the log says what is missing."""
    monkeypatch.setattr(activity, "count_refusal", failing)
    for email in (ada.email, "nobody@example.com"):
        problem(program(app, email).log_in(WRONG), 401, "invalid_credentials")
    assert len(records(log, "log_in_refused")) == 2
    assert log.getvalue().count("a refusal was not counted: OperationalError") == 2
    assert "disk full" not in log.getvalue()


@pytest.mark.parametrize(
    "act",
    [
        lambda ada: ada.log_out(),
        lambda ada: ada.log_in(),
        lambda ada: ada.protected("POST", "/auth/logout-everywhere"),
        lambda ada: ada.protected("DELETE", f"/auth/sessions/{ada.session_id}"),
        lambda ada: ada.change_password("another marble teapot wanders"),
    ],
    ids=["log-out", "log-in", "everywhere", "end", "password"],
)
def test_nothing_happens_without_its_row(
    app: Flask,
    log: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[Client], Any],
) -> None:
    """Both are one transaction: 503, nothing has changed, and no line says that it has."""
    ada = member(app)
    log.truncate(0)
    log.seek(0)
    with monkeypatch.context() as patch:
        patch.setattr(activity, "insert_rows", failing)
        problem(act(ada), 503, "unavailable")
    assert [line for line in records(log) if "event" in line] == []
    assert ada.alive()
    assert ada.log_in().status_code == 200
