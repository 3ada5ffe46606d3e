"""GET and DELETE /auth/sessions."""

import pytest
from flask import Flask

from tests.support.client import (
    CLEARED,
    Client,
    cookie_lines,
    ended,
    member,
    other_browser,
    problem,
)
from tests.support.clock import SettableClock
from tests.support.databases import one_database

FIELDS = {
    "id",
    "current",
    "created_at",
    "last_used_at",
    "expires_at",
    "ip",
    "user_agent",
    "device",
    "remembered",
}


def test_lists_ones_own_live_sessions(app: Flask, ada: Client, clock: SettableClock) -> None:
    member(app, "bob@example.com")
    clock.forward(5)
    phone, ended_one = other_browser(ada), other_browser(ada)
    ended_one.log_out()
    listed = ada.sessions()
    assert [session["id"] for session in listed] == [phone.session_id, ada.session_id]
    assert [session["current"] for session in listed] == [False, True]
    assert all(session.keys() == FIELDS for session in listed)
    assert [session["device"] for session in listed] == ["curl", "Firefox on Windows"]
    assert {session["ip"] for session in listed} == {"127.0.0.1"}
    assert not any(session["remembered"] for session in listed)


def test_a_long_user_agent_is_cut(app: Flask) -> None:
    ada = Client(app, agent="a" * 300)
    ada.create_account()
    for step in (ada.log_in, ada.refresh):
        assert step().status_code == 200
        assert [session["user_agent"] for session in ada.sessions()] == ["a" * 256]


def test_expired_sessions_are_not_listed(ada: Client, clock: SettableClock) -> None:
    other_browser(ada)
    clock.forward(11 * 3600)
    ada.refresh()
    clock.forward(2 * 3600)
    assert ada.refresh().status_code == 200
    assert [session["current"] for session in ada.sessions()] == [True]


def test_ends_another_of_ones_sessions(ada: Client, thief: Client) -> None:
    phone = other_browser(ada)
    answer = ada.protected("DELETE", f"/auth/sessions/{phone.session_id}")
    assert (answer.status_code, answer.get_data()) == (204, b"")
    assert "Set-Cookie" not in answer.headers
    problem(phone.me(), 401, "invalid_token")
    ended(thief.refresh(phone.refresh_token))
    assert ada.alive()


def test_ending_the_current_one_is_logging_out(ada: Client) -> None:
    answer = ada.protected("DELETE", f"/auth/sessions/{ada.session_id}")
    assert answer.status_code == 204
    assert cookie_lines(answer) == [CLEARED]
    assert "Clear-Site-Data" in answer.headers
    problem(ada.me(), 401, "invalid_token")


def test_another_users_session_is_not_there(app: Flask, ada: Client) -> None:
    """404 as for one that does not exist; nothing tells the two apart, nothing ends."""
    bob = member(app, "bob@example.com")
    theirs = problem(ada.protected("DELETE", f"/auth/sessions/{bob.session_id}"), 404, "not_found")
    none = problem(ada.protected("DELETE", f"/auth/sessions/{'A' * 22}"), 404, "not_found")
    assert theirs | {"request_id": ""} == none | {"request_id": ""}
    assert bob.alive()


def test_a_session_ends_once(ada: Client) -> None:
    phone = other_browser(ada)
    path = f"/auth/sessions/{phone.session_id}"
    assert ada.protected("DELETE", path).status_code == 204
    problem(ada.protected("DELETE", path), 404, "not_found")


@pytest.mark.parametrize("name", ["%00", "a%00b", "%ff", "'%20OR%201=1--", "%25", "a" * 4000])
def test_names_that_no_session_has(ada: Client, name: str) -> None:
    problem(ada.protected("DELETE", f"/auth/sessions/{name}"), 404, "not_found")
    assert ada.alive()


@one_database
@pytest.mark.parametrize(
    ("agent", "device"),
    [
        ("", "Unknown browser"),
        ("<script>alert(1)</script>", "Unknown browser"),
        ("python-requests/2", "A Python program"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0 Safari/537.36",
            "Chrome on Linux",
        ),
        ("x" * 5000, "Unknown browser"),
    ],
)
def test_user_agents(app: Flask, agent: str, device: str) -> None:
    (session,) = member(app, agent=agent).sessions()
    assert session["device"] == device
    assert session["user_agent"] == agent[:256]


def test_user_agent_is_escaped_in_the_fragment(app: Flask) -> None:
    ada = member(app, agent='"><script>alert(1)</script>')
    page = ada.protected("GET", "/fragments/sessions").text
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_fragments_show_the_callers_own(app: Flask, ada: Client) -> None:
    bob = member(app, "bob@example.com")
    for name, shown in (("account", ada.email), ("sessions", ada.session_id), ("password", "")):
        answer = ada.protected("GET", f"/fragments/{name}")
        page = answer.text
        assert answer.status_code == 200
        assert answer.mimetype == "text/html"
        assert shown in page
        assert "bob@" not in page
        assert bob.session_id not in page
        assert answer.headers["Cache-Control"] == "no-store"
        assert ada.refresh_token not in page
        assert ada.access_token not in page
