"""GET and DELETE /auth/thefts, and the notices on the account pages."""

import io
from typing import Any

import pytest
from flask import Flask

from app.accounts.activity import Event
from app.families.models import Reason
from tests.support.app import clock_of
from tests.support.client import (
    NEW_PASSWORD,
    Client,
    ended,
    member,
    other_browser,
    problem,
    program,
)
from tests.support.log import records

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:152.0) Gecko/20100101 Firefox/152.0"
ELSEWHERE = "198.51.100.9"
DAY = 86400


def stolen(client: Client) -> str:
    """Have another session of the client's stolen; return its id."""
    phone = other_browser(client, FIREFOX)
    spent = phone.refresh_token
    phone.refresh()
    ended(program(client.app, ip=ELSEWHERE).refresh(spent))
    return phone.session_id


def listed(client: Client) -> list[dict[str, Any]]:
    """Return the notices."""
    answer = client.protected("GET", "/auth/thefts")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return list(answer.get_json()["thefts"])


def ids(client: Client) -> list[str]:
    return [theft["id"] for theft in listed(client)]


def dismiss(client: Client, family_id: str) -> Any:  # noqa: ANN401 - an answer
    return client.protected("DELETE", f"/auth/thefts/{family_id}")


def test_a_theft_is_listed(app: Flask, ada: Client) -> None:
    """Which session, when, from where and why; another user is told nothing."""
    assert listed(ada) == []
    clock_of(app).forward(60)
    sid = stolen(ada)
    assert listed(ada) == [
        {
            "id": sid,
            "device": "Firefox on Windows",
            "created_at": "2027-01-15T08:01:00Z",
            "ended_at": "2027-01-15T08:01:00Z",
            "ip": ELSEWHERE,
            "reason": Reason.REUSE,
        }
    ]
    assert listed(member(app, "bob@example.com")) == []


def test_a_dismissed_theft_is_gone(ada: Client) -> None:
    """The other one stays."""
    first, second = stolen(ada), stolen(ada)
    answer = dismiss(ada, first)
    assert (answer.status_code, answer.get_data()) == (204, b"")
    assert ids(ada) == [second]
    assert ada.alive()


def test_a_theft_is_dismissed_once(ada: Client) -> None:
    """As in a second tab, which still shows it."""
    sid = stolen(ada)
    assert dismiss(ada, sid).status_code == 204
    problem(dismiss(ada, sid), 404, "not_found")


def test_another_users_theft_is_not_there(app: Flask, ada: Client) -> None:
    """404 as for one that does not exist; nothing tells the two apart, and it stays."""
    bob = member(app, "bob@example.com")
    sid = stolen(bob)
    theirs = problem(dismiss(ada, sid), 404, "not_found")
    none = problem(dismiss(ada, "A" * 22), 404, "not_found")
    assert theirs | {"request_id": ""} == none | {"request_id": ""}
    assert ids(bob) == [sid]


def test_a_session_that_was_not_stolen_is_not_there(ada: Client) -> None:
    """Neither a live one nor one that its owner ended."""
    phone = other_browser(ada)
    problem(dismiss(ada, ada.session_id), 404, "not_found")
    phone.log_out()
    problem(dismiss(ada, phone.session_id), 404, "not_found")
    assert ada.alive()


@pytest.mark.parametrize("name", ["%00", "%ff", "'%20OR%201=1--", "a" * 4000])
def test_names_that_no_session_has(ada: Client, name: str) -> None:
    problem(dismiss(ada, name), 404, "not_found")


def test_a_password_change_dismisses_all(app: Flask, ada: Client) -> None:
    """What the thief held has ended with it. A later theft is shown."""
    sid = stolen(ada)
    clock_of(app).forward(60)
    ada.change_password(NEW_PASSWORD)
    assert listed(ada) == []
    problem(dismiss(ada, sid), 404, "not_found")
    assert ids(ada) == []
    later = stolen(ada)
    assert ids(ada) == [later]


def test_a_notice_is_shown_for_thirty_days(app: Flask, ada: Client) -> None:
    sid = stolen(ada)
    clock_of(app).forward(30 * DAY)
    ada.log_in()
    assert ids(ada) == [sid]
    clock_of(app).forward(1)
    assert listed(ada) == []
    problem(dismiss(ada, sid), 404, "not_found")


def test_the_activity_keeps_the_theft_and_who_dismissed_it(
    app: Flask, ada: Client, log: io.StringIO
) -> None:
    """A thief in another session may want the owner not to know."""
    sid = stolen(ada)
    clock_of(app).forward(60)
    for _ in range(2):
        dismiss(ada, sid)
    found = ada.protected("GET", "/auth/activity").get_json()["activity"]
    (dismissed,) = [one for one in found if one["event"] == Event.THEFT_DISMISSED]
    assert (dismissed["session_id"], dismissed["ip"]) == (sid, "127.0.0.1")
    assert [one["session_id"] for one in found if one["event"] == Event.REFRESH_REFUSED] == [sid]
    (line,) = records(log, "theft_dismissed")
    assert (line["sid"], line["user_id"], line["ip"]) == (sid, ada.user_id, "127.0.0.1")


def test_both_pages_show_the_notice_until_it_is_dismissed(ada: Client) -> None:
    """The overview and the sessions; with what happened, and the id for the button."""
    sid = stolen(ada)
    paths = ("/fragments/account", "/fragments/sessions")
    for path in paths:
        page = ada.protected("GET", path).text
        assert f'data-theft="{sid}"' in page
        assert "A session on Firefox on Windows was ended to protect you" in page
        assert f"A request from {ELSEWHERE} reused an old session cookie" in page
    dismiss(ada, sid)
    for path in paths:
        assert "ended to protect you" not in ada.protected("GET", path).text


def test_without_access_token_nothing_is_shown_or_dismissed(ada: Client, thief: Client) -> None:
    sid = stolen(ada)
    for method, path in (("GET", "/auth/thefts"), ("DELETE", f"/auth/thefts/{sid}")):
        answer = thief.ask(method, path, cookie=ada.refresh_token)
        problem(answer, 401, "invalid_token")
    assert ids(ada) == [sid]
