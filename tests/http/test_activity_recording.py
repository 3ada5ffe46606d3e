"""Whatever ends in the audit record of an account is in its owner's activity too."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.accounts.activity import Activity, Event, activity
from app.auth import admin
from app.auth.dependencies import Auth
from app.families.models import Reason
from tests.support.app import clock_of, services
from tests.support.client import (
    EMAIL,
    NEW_PASSWORD,
    PASSWORD,
    Client,
    member,
    other_browser,
    problem,
    program,
)

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:152.0) Gecko/20100101 Firefox/152.0"
ELSEWHERE = "198.51.100.9"


def told(app: Flask, user_id: str) -> list[Activity]:
    """Return the rows of an account but its first log-in, the oldest first."""
    statement = select(activity).where(activity.c.user_id == user_id).order_by(activity.c.at)
    with services(app).database.autocommit() as connection:
        return [Activity(*row) for row in connection.execute(statement)][1:]


def last(client: Client) -> dict[str, Any]:
    """Return the one thing that happened after the first log-in, without ids and time."""
    (row,) = told(client.app, client.user_id)
    assert row.at == clock_of(client.app).now()
    names = ("event", "reason", "sid", "ip", "user_agent", "session_user_agent", "count")
    return {name: getattr(row, name) for name in names if getattr(row, name) not in {"", 0}}


@pytest.fixture
def ada(app: Flask) -> Client:
    """Ada, who logged in a minute ago."""
    ada = member(app, agent=FIREFOX)
    clock_of(app).forward(60)
    return ada


@pytest.fixture
def auth(app: Flask) -> Auth:
    return services(app).auth


def thief(app: Flask, agent: str = "curl/8.0") -> Client:
    """Return a program at another address."""
    client = program(app, agent=agent, ip=ELSEWHERE)
    client.headers = {"User-Agent": agent}
    return client


def test_a_log_in(app: Flask, ada: Client) -> None:
    """From where, with what and which session."""
    phone = other_browser(ada, "curl/8.0")
    assert last(ada) == {
        "event": Event.LOGGED_IN,
        "sid": phone.session_id,
        "ip": "127.0.0.1",
        "user_agent": "curl/8.0",
    }
    assert told(app, ada.user_id)[0].id != phone.session_id


def test_a_log_in_that_replaces_a_session(app: Flask, ada: Client) -> None:
    """Both are there: the session that began, and the one that ended."""
    former = ada.session_id
    ada.log_in()
    rows = {row.event: row for row in told(app, ada.user_id)}
    assert rows.keys() == {Event.LOGGED_IN, Event.SESSION_REPLACED}
    assert rows[Event.LOGGED_IN].sid == ada.session_id
    replaced = rows[Event.SESSION_REPLACED]
    assert (replaced.sid, replaced.session_user_agent, replaced.count) == (former, FIREFOX, 1)


def test_refused_log_ins(app: Flask, ada: Client) -> None:
    """Counted, with the last of them; a disabled account's as well, and no session is named."""
    for agent in ("curl/7.0", "curl/8.0"):
        problem(thief(app, agent).log_in("wrong wrong wrong"), 401, "invalid_credentials")
    assert last(ada) == {
        "event": Event.LOG_IN_REFUSED,
        "ip": ELSEWHERE,
        "user_agent": "curl/8.0",
        "count": 2,
    }


def test_a_right_password_of_a_disabled_account_is_refused_and_counted(
    app: Flask, ada: Client, auth: Auth
) -> None:
    admin.disable(auth, admin.find_user(auth, EMAIL))
    problem(thief(app).log_in(PASSWORD), 401, "invalid_credentials")
    events = [row.event for row in told(app, ada.user_id)]
    assert sorted(events) == [Event.LOG_IN_REFUSED, Event.USER_DISABLED]


def test_a_limit_is_not_counted(app: Flask, ada: Client) -> None:
    """What no password was verified for costs no statement."""
    for _ in range(5):
        thief(app).log_in("wrong wrong wrong")
    problem(thief(app).log_in("wrong wrong wrong"), 429, "too_many_attempts")
    assert last(ada)["count"] == 5


def test_a_log_out(ada: Client) -> None:
    """Once, however often it is asked for."""
    access, refresh, sid = ada.access_token, ada.refresh_token, ada.session_id
    for _ in range(2):
        ada.ask("POST", "/auth/logout", cookie=refresh, access=access)
    assert last(ada) == {
        "event": Event.LOGGED_OUT,
        "sid": sid,
        "ip": "127.0.0.1",
        "user_agent": FIREFOX,
        "session_user_agent": FIREFOX,
        "count": 1,
    }


def test_a_log_out_everywhere(app: Flask, ada: Client) -> None:
    """One row says how many ended; where nothing is left to end, there is none."""
    other_browser(ada)
    clock_of(app).forward(1)
    assert ada.protected("POST", "/auth/logout-everywhere").status_code == 204
    row = told(app, ada.user_id)[-1]
    assert (row.event, row.count, row.sid) == (Event.LOGGED_OUT_EVERYWHERE, 2, "")


def test_a_session_that_its_owner_ends(app: Flask, ada: Client) -> None:
    """It names the session's browser, and the one that ended it; what is not there has no row."""
    phone = other_browser(ada, "curl/8.0")
    clock_of(app).forward(1)
    for status in (204, 404):
        path = f"/auth/sessions/{phone.session_id}"
        assert ada.protected("DELETE", path).status_code == status
    row = told(app, ada.user_id)[-1]
    assert (row.event, row.sid) == (Event.SESSION_ENDED, phone.session_id)
    assert (row.user_agent, row.session_user_agent) == (FIREFOX, "curl/8.0")
    assert len(told(app, ada.user_id)) == 2


def test_a_theft(app: Flask, ada: Client) -> None:
    """Once: whoever presents the token again is in no row."""
    spent = ada.refresh_token
    ada.refresh()
    for _ in range(3):
        thief(app).refresh(spent)
    assert last(ada) == {
        "event": Event.REFRESH_REFUSED,
        "reason": Reason.REUSE,
        "sid": ada.session_id,
        "ip": ELSEWHERE,
        "user_agent": "curl/8.0",
        "session_user_agent": FIREFOX,
        "count": 1,
    }


def test_what_is_no_theft_is_no_row(app: Flask, ada: Client) -> None:
    """Forged, expired and already ended: the audit record has it, and the owner's page not."""
    refresh = ada.refresh_token
    thief(app).refresh(refresh + "x")
    clock_of(app).forward(13 * 3600)
    thief(app).refresh(refresh)
    assert told(app, ada.user_id) == []


def test_a_password_change(app: Flask, ada: Client) -> None:
    """One row, of the new session, with the number of sessions that ended."""
    other_browser(ada)
    clock_of(app).forward(1)
    assert ada.change_password(NEW_PASSWORD).status_code == 200
    row = told(app, ada.user_id)[-1]
    assert (row.event, row.sid, row.count) == (Event.PASSWORD_CHANGED, ada.session_id, 2)
    assert row.session_user_agent == ""


@pytest.mark.parametrize(
    ("event", "guess"),
    [
        (Event.PASSWORD_CHANGE_REFUSED, lambda ada: ada.change_password(NEW_PASSWORD, "wrong")),
        (Event.REAUTHENTICATION_REFUSED, lambda ada: ada.reauthenticate("wrong")),
    ],
)
def test_a_refused_password_in_a_session(
    ada: Client, event: Event, guess: Callable[[Client], TestResponse]
) -> None:
    """Counted, with the session that asked for it."""
    for _ in range(2):
        problem(guess(ada), 403, "wrong_password")
    assert last(ada) == {
        "event": event,
        "sid": ada.session_id,
        "ip": "127.0.0.1",
        "user_agent": FIREFOX,
        "count": 2,
    }


def test_what_an_operator_does(app: Flask, ada: Client, auth: Auth) -> None:
    """No address: it came from the command line. Ending no session is nothing to tell."""
    user = admin.find_user(auth, EMAIL)
    for act in (
        lambda: admin.revoke_sessions(auth, user),
        lambda: admin.revoke_sessions(auth, user),
        lambda: admin.disable(auth, user),
        lambda: admin.enable(auth, user),
    ):
        clock_of(app).forward(1)
        act()
    rows = told(app, ada.user_id)
    assert [(row.event, row.count) for row in rows] == [
        (Event.SESSIONS_REVOKED, 1),
        (Event.USER_DISABLED, 0),
        (Event.USER_ENABLED, 0),
    ]
    assert {(row.ip, row.user_agent, row.sid) for row in rows} == {("", "", "")}


def test_everybody_is_told_when_all_sessions_are_revoked(
    app: Flask, ada: Client, auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with the number of their own, in batches; who had none is told nothing."""
    bob, carol = member(app, "bob@example.com"), member(app, "carol@example.com")
    other_browser(bob)
    carol.log_out()
    clock_of(app).forward(1)
    monkeypatch.setattr(admin, "BATCH", 1)
    assert admin.revoke_sessions(auth, None) == (3, True)
    found = {one.email: told(app, one.user_id)[-1:] for one in (ada, bob, carol)}
    counts = {
        email: [row.count for row in rows if row.event == Event.SESSIONS_REVOKED]
        for email, rows in found.items()
    }
    assert counts == {ada.email: [1], bob.email: [2], carol.email: []}


def test_an_erased_account_leaves_nothing(app: Flask, ada: Client, auth: Auth) -> None:
    """In the transaction that erases it; another account's rows stay."""
    bob = member(app, "bob@example.com")
    bob.log_in()
    ada.log_out()
    admin.delete(auth, admin.find_user(auth, EMAIL))
    with services(app).database.autocommit() as connection:
        owners = set(connection.scalars(select(activity.c.user_id)))
    assert owners == {bob.user_id}
