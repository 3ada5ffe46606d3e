"""GET /auth/activity and its page."""

import re
from typing import Any

import pytest
from flask import Flask

from tests.support.app import clock_of, services
from tests.support.client import NEW_PASSWORD, Client, member, other_browser, problem, program
from tests.support.databases import one_database

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:152.0) Gecko/20100101 Firefox/152.0"
NAMES = {
    "id",
    "at",
    "event",
    "reason",
    "session_id",
    "current",
    "ip",
    "user_agent",
    "device",
    "ended_device",
    "count",
}


def listed(client: Client, query: str = "") -> dict[str, Any]:
    """Return one page."""
    answer = client.protected("GET", f"/auth/activity{query}")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    found: dict[str, Any] = answer.get_json()
    assert found.keys() == {"activity", "older"}
    assert all(item.keys() == NAMES for item in found["activity"])
    return found


@pytest.fixture
def ada(app: Flask) -> Client:
    return member(app, agent=FIREFOX)


def test_what_happened_is_listed(app: Flask, ada: Client) -> None:
    """The newest first, each with what it is about; this session is marked."""
    clock_of(app).forward(60)
    phone = other_browser(ada, "curl/8.0")
    clock_of(app).forward(60)
    ada.protected("DELETE", f"/auth/sessions/{phone.session_id}")
    ended, second, first = listed(ada)["activity"]
    assert first | {"id": ""} == {
        "id": "",
        "at": "2027-01-15T08:00:00Z",
        "event": "logged_in",
        "reason": "",
        "session_id": ada.session_id,
        "current": True,
        "ip": "127.0.0.1",
        "user_agent": FIREFOX,
        "device": "Firefox on Windows",
        "ended_device": "",
        "count": 0,
    }
    assert (second["session_id"], second["current"]) == (phone.session_id, False)
    assert second["device"] == "curl"
    assert (ended["event"], ended["device"]) == ("session_ended", "Firefox on Windows")
    assert (ended["ended_device"], ended["count"]) == ("curl", 1)
    assert len({one["id"] for one in (ended, second, first)}) == 3


def test_what_names_no_session_and_no_device(app: Flask, ada: Client) -> None:
    """A refused log-in has no session; an operator's command has no device either."""
    program(app, agent="").log_in("wrong wrong wrong")
    app.test_cli_runner().invoke(args=["users", "disable", ada.email])
    app.test_cli_runner().invoke(args=["users", "enable", ada.email])
    ada.log_in()
    found = {item["event"]: item for item in listed(ada)["activity"]}
    refused, disabled = found["log_in_refused"], found["user_disabled"]
    assert (refused["session_id"], refused["current"], refused["count"]) == (None, False, 1)
    assert refused["device"] != ""
    assert (disabled["device"], disabled["ip"], disabled["session_id"]) == ("", "", None)


def test_pages_follow_each_other(app: Flask, ada: Client) -> None:
    """By the cursor of the page before, also while more happens, and the last has none."""
    for _ in range(6):
        clock_of(app).forward(60)
        other_browser(ada, "curl/8.0")
    whole = [item["id"] for item in listed(ada)["activity"]]
    found, query = [], "?limit=3"
    while True:
        page = listed(ada, query)
        found += [item["id"] for item in page["activity"]]
        if page["older"] is None:
            break
        query = f"?limit=3&before={page['older']}"
        clock_of(app).forward(60)
        other_browser(ada, "curl/8.0")
    assert found == whole
    assert len(found) == 7


def test_a_page_has_twenty_unless_asked_otherwise(app: Flask, ada: Client) -> None:
    """Up to a hundred."""
    for _ in range(12):
        clock_of(app).forward(30)
        other_browser(ada).log_out()
    assert len(listed(ada)["activity"]) == 20
    assert len(listed(ada, "?limit=100")["activity"]) == 25


@one_database
@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=x",
        "limit=1.5",
        "limit=",
        "limit=1&limit=2",
        "before=",
        "before=x",
        "before=1",
        "before=1.",
        "before=-1.AAAAAAAAAAAAAAAAAAAAAA",
        "before=1.AAAAAAAAAAAAAAAAAAAAAA%0A",
        "before=1.AAAAAAAAAAAAAAAAAAAAA%27",
        "before=9999999999999999.AAAAAAAAAAAAAAAAAAAAAA",
        "before=1.AAAAAAAAAAAAAAAAAAAAAA&before=2.AAAAAAAAAAAAAAAAAAAAAA",
        "before=%00",
        "before=%ff",
    ],
)
def test_a_query_out_of_bounds_is_refused(ada: Client, query: str) -> None:
    """By the endpoint and by the fragment, in one sentence that names the parameter."""
    for path in ("/auth/activity", "/fragments/activity"):
        shown = problem(ada.protected("GET", f"{path}?{query}"), 400, "invalid_request")
        assert query.partition("=")[0] in shown["detail"]


def test_another_users_cursor_shows_ones_own(app: Flask, ada: Client) -> None:
    """A cursor is a place in time and no right: nothing of Bob's is in any page."""
    bob = member(app, "bob@example.com")
    for _ in range(3):
        clock_of(app).forward(60)
        other_browser(bob)
    older = listed(bob, "?limit=1")["older"]
    shown = listed(ada, f"?before={older}")
    assert [item["session_id"] for item in shown["activity"]] == [ada.session_id]
    assert bob.session_id not in str(shown)


def test_without_access_token_nothing_is_shown(ada: Client, thief: Client) -> None:
    """Not for the cookie; and after a log-out not for the token."""
    for path in ("/auth/activity", "/fragments/activity"):
        problem(thief.ask("GET", path, cookie=ada.refresh_token), 401, "invalid_token")
    ada.log_out()
    problem(ada.protected("GET", "/auth/activity"), 401, "invalid_token")


def test_the_fragment_shows_the_callers_own(app: Flask, ada: Client) -> None:
    """In words, with a time for script to tell, and the cursor of the next page."""
    bob = member(app, "bob@example.com")
    bob.log_in()
    ada.change_password(NEW_PASSWORD)
    page = ada.protected("GET", "/fragments/activity")
    assert page.mimetype == "text/html"
    assert page.headers["Cache-Control"] == "no-store"
    assert "Password changed" in page.text
    assert page.text.count("This session") == 1
    assert page.text.count("<li") == 2
    assert 'datetime="2027-01-15T08:00:00Z"' in page.text
    assert "data-before" not in page.text
    first = ada.protected("GET", "/fragments/activity?limit=1")
    (cursor,) = re.findall(r'data-before="([^"]+)"', first.text)
    assert ada.protected("GET", f"/fragments/activity?before={cursor}").text.count("<li") == 1


def test_an_account_without_rows_is_told_so(app: Flask, ada: Client) -> None:
    """As one is that logged in last before the table was there."""
    with services(app).database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM activity")
    assert listed(ada) == {"activity": [], "older": None}
    page = ada.protected("GET", "/fragments/activity").text
    assert "Nothing has happened yet." in page
    assert "<li" not in page


def test_a_hostile_browsers_name_stays_text(app: Flask) -> None:
    eve = member(app, agent='"><script>alert(1)</script>')
    page = eve.protected("GET", "/fragments/activity").text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
