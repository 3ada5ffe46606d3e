"""Four workers write the activity of one account at once: nothing is lost or counted twice."""

from collections import Counter

from sqlalchemy import select

from app.accounts.activity import Activity, Event, activity
from app.infra.database import Database
from app.web.cookies import DEVICE
from tests.support.at_once import at_once
from tests.support.client import Client, cookie_of, pair, program

BROWSERS = 3
GUESSES = 8
WRONG = "wrong wrong wrong"


def rows(wire: Client) -> list[Activity]:
    """Return what the account's owner is told."""
    database = Database(wire.server.settings.database_url)
    with database.autocommit() as connection:
        found = connection.execute(select(activity).where(activity.c.user_id == wire.user_id))
        told = [Activity(*row) for row in found]
    database.engine.dispose()
    return told


def test_refused_log_ins_at_once_are_one_row(wire: Client) -> None:
    """Its count is the number of answers that refused a password; known browsers may try more."""
    browsers = [program(wire.server, wire.email) for _ in range(BROWSERS)]
    for browser in browsers:
        browser.cookies[DEVICE] = cookie_of(browser.log_in(), DEVICE)
    answers = at_once(
        BROWSERS * GUESSES, lambda number: browsers[number % BROWSERS].log_in(WRONG).status_code
    )
    refused = [row for row in rows(wire) if row.event == Event.LOG_IN_REFUSED]
    assert set(answers) <= {401, 503}
    assert answers.count(401) >= GUESSES
    # The clock of the server may have struck the hour meanwhile.
    assert len(refused) in {1, 2}
    assert sum(row.count for row in refused) == answers.count(401)


def test_one_end_of_a_session_is_one_row(wire: Client) -> None:
    """Whatever ends it, and however often: the one that did is told."""
    for _ in range(3):
        access, refresh = pair(wire.log_in())
        own, _ = pair(wire.log_in())
        listed = wire.ask("GET", "/auth/sessions", access=access).get_json()["sessions"]
        (sid,) = [session["id"] for session in listed if session["current"]]

        def end(number: int, access: str = access, refresh: str = refresh, own: str = own) -> None:
            if number % 2:
                wire.ask("POST", "/auth/logout", cookie=refresh, access=access)
            else:
                wire.ask("DELETE", f"/auth/sessions/{sid}", access=own)  # noqa: B023 - called here

        at_once(12, end)
        ends = {Event.LOGGED_OUT, Event.SESSION_ENDED}
        assert len([row for row in rows(wire) if row.sid == sid and row.event in ends]) == 1


def test_a_theft_is_one_row(wire: Client) -> None:
    """Of twenty uses of a spent token, one ended the session."""
    _, refresh = pair(wire.log_in())
    at_once(20, lambda _: wire.refresh(refresh))
    thefts = [row for row in rows(wire) if row.event == Event.REFRESH_REFUSED]
    assert [(row.reason, row.count) for row in thefts] == [("reuse", 1)]


def test_a_theft_is_dismissed_by_one(wire: Client) -> None:
    """Of twelve tabs of one person, one is answered that it dismissed the notice."""
    _, refresh = pair(wire.log_in())
    at_once(2, lambda _: wire.refresh(refresh))
    access, _ = pair(wire.log_in())
    (theft,) = wire.ask("GET", "/auth/thefts", access=access).get_json()["thefts"]
    path = f"/auth/thefts/{theft['id']}"
    statuses = at_once(12, lambda _: wire.ask("DELETE", path, access=access).status_code)
    assert sorted(statuses) == [204] + [404] * 11
    assert len([row for row in rows(wire) if row.event == Event.THEFT_DISMISSED]) == 1


def test_every_log_in_is_told_with_what_it_ended(wire: Client) -> None:
    """One row for each log-in, and one for each session that gave way."""
    first = wire.log_in()
    wire.cookies[DEVICE] = cookie_of(first, DEVICE)
    answers = at_once(20, lambda _: wire.log_in().status_code)
    told = Counter(row.event for row in rows(wire))
    log_ins = 1 + answers.count(200)
    assert told == {Event.LOGGED_IN: log_ins} | (
        {Event.SESSION_REPLACED: log_ins - 20} if log_ins > 20 else {}
    )
