"""`@require_access(max_age=…)`: an old log-in is refused as RFC 9470 says, and ends nothing."""

import pytest
from flask import Flask

from app.web.guards import caller, require_access
from tests.support.app import clock_of, services
from tests.support.client import Client, claims, other_browser, problem
from tests.support.databases import one_database
from tests.support.forger import forge

pytestmark = one_database

CODE = "insufficient_user_authentication"
MAX_AGE = 300
LEEWAY = 5


@pytest.fixture
def app(app: Flask) -> Flask:
    """The application with a route of a product."""

    @app.get("/recent")
    @require_access(max_age=60)
    def recent() -> str:
        return caller().user_id

    return app


def grow_old(client: Client, seconds: int = MAX_AGE + LEEWAY + 1) -> Client:
    """Go on with the session until its log-in is that old; the access token is a new one."""
    clock_of(client.app).forward(seconds)
    assert client.refresh().status_code == 200
    return client


def test_a_recent_log_in_passes(ada: Client) -> None:
    """To the last second, with the leeway of the clocks."""
    assert grow_old(ada, 65).protected("GET", "/recent").text == ada.user_id


def test_an_old_log_in_is_refused(ada: Client) -> None:
    """With the age that is asked for, in the body and in the challenge; nothing ends."""
    answer = grow_old(ada, 66).protected("GET", "/recent")
    body = problem(answer, 401, CODE)
    assert body["max_age"] == 60
    assert answer.headers["WWW-Authenticate"] == (
        f'Bearer realm="latchkey", error="{CODE}", error_description="You last proved who you are'
        ' too long ago for this. Enter your password again.", max_age="60"'
    )
    assert "Set-Cookie" not in answer.headers
    assert ada.alive()


def test_a_bound_session_is_asked_under_its_own_scheme(holder: Client) -> None:
    answer = grow_old(holder, 66).protected("GET", "/recent")
    assert problem(answer, 401, CODE)["max_age"] == 60
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith(f'DPoP realm="latchkey", error="{CODE}"')
    assert challenge.endswith('max_age="60", algs="ES256"')
    assert answer.headers["DPoP-Nonce"]
    assert holder.reauthenticate().status_code == 200
    assert holder.protected("GET", "/recent").status_code == 200


def test_the_token_is_verified_first(ada: Client, thief: Client) -> None:
    """A stranger learns nothing of ages; an old log-in with a dead token is a dead token."""
    for token in (None, "rubbish"):
        problem(thief.ask("GET", "/recent", access=token), 401, "invalid_token")
    grow_old(ada)
    old = ada.access_token
    ada.log_out()
    problem(thief.ask("GET", "/recent", access=old), 401, "invalid_token")


def test_a_page_says_it_to_people(ada: Client) -> None:
    """Where a browser navigates; it has no access token, so this is for clients that send one."""
    grow_old(ada)
    answer = ada.ask("GET", "/recent", headers={"Accept": "text/html"}, access=ada.access_token)
    assert (answer.status_code, answer.mimetype) == (401, "text/html")
    assert "Confirm that it is you" in answer.text
    assert 'max_age="60"' in answer.headers["WWW-Authenticate"]


def test_a_time_in_the_future_is_no_way_around(ada: Client, thief: Client) -> None:
    """Only a holder of the key could write it, and it may not be after the token's own time."""
    now = services(ada.app).clock.now()
    problem(
        thief.ask("GET", "/recent", access=forge(ada, auth_time=now + 9)), 401, "invalid_token"
    )


def test_the_time_is_that_of_the_password_and_not_of_the_token(ada: Client) -> None:
    """No refresh makes a session look recent: whoever has the cookie alone gains nothing by it."""
    before = claims(ada.access_token)["auth_time"]
    for _ in range(3):
        grow_old(ada, 120)
        assert claims(ada.access_token)["auth_time"] == before
    problem(ada.protected("GET", "/recent"), 401, CODE)


def test_ending_another_session_needs_a_recent_proof(ada: Client) -> None:
    phone = other_browser(ada)
    path = f"/auth/sessions/{phone.session_id}"
    grow_old(ada)
    assert problem(ada.protected("DELETE", path), 401, CODE)["max_age"] == MAX_AGE
    problem(ada.protected("DELETE", f"/auth/sessions/{'A' * 22}"), 401, CODE)
    assert phone.refresh().status_code == 200
    assert ada.reauthenticate().status_code == 200
    assert ada.protected("DELETE", path).status_code == 204
    problem(phone.me(), 401, "invalid_token")


def test_ending_all_sessions_needs_a_recent_proof(ada: Client) -> None:
    phone = other_browser(ada)
    grow_old(ada)
    answer = ada.protected("POST", "/auth/logout-everywhere")
    assert problem(answer, 401, CODE)["max_age"] == MAX_AGE
    assert "Set-Cookie" not in answer.headers
    assert phone.refresh().status_code == 200
    assert ada.reauthenticate().status_code == 200
    assert ada.protected("POST", "/auth/logout-everywhere").status_code == 204
    problem(phone.me(), 401, "invalid_token")


def test_ending_ones_own_session_needs_none(ada: Client) -> None:
    """To leave is always possible: by the list of sessions as by the log-out."""
    grow_old(ada, 3600)
    assert ada.protected("DELETE", f"/auth/sessions/{ada.session_id}").status_code == 204
    ada.log_in()
    grow_old(ada, 3600)
    assert ada.log_out().status_code == 204
    problem(ada.me(), 401, "invalid_token")
