"""The owner deletes the account: at once, whole, and without a trace."""

import io

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.auth import admin
from app.auth.pruning import REVOKED_KEPT_SECONDS
from app.families.models import Family
from app.web.cookies import DEVICE
from tests.support.app import clock_of, running, services
from tests.support.client import (
    CLEARED,
    EMAIL,
    Client,
    cookie_lines,
    ended,
    member,
    other_browser,
    problem,
)
from tests.support.life import NOBODY, a_life
from tests.support.mail import mail, mails, text_of
from tests.support.servers.valkey import ValkeyServer
from tests.support.traces import traces

PATH = "/auth/account"


def delete(client: Client) -> TestResponse:
    return client.protected("DELETE", PATH)


def left(app: Flask, client: Client) -> list[str]:
    """Return what the database has about somebody."""
    return traces(services(app).database, client.user_id, client.email)


def test_nothing_is_left(app: Flask, ada: Client, thief: Client) -> None:
    bob = member(app, "bob@example.com")
    a_life(ada, thief)
    tables = {trace.partition(".")[0] for trace in left(app, ada)}
    assert tables == {"users", "families", "activity", "mails"}
    assert delete(ada).status_code == 204
    (last,) = left(app, ada)
    assert last == f"mails.address: {EMAIL}"
    assert len(mails(app)) == 2  # the last message, and the one that has nothing to do with her
    assert left(app, ada) == []
    assert bob.alive()
    assert traces(services(app).database, NOBODY)


def test_what_was_mailed_before_there_was_an_account_goes_too(app: Flask, visitor: Client) -> None:
    visitor.ask("POST", "/auth/reset", {"email": EMAIL})
    ada = member(app)
    assert delete(ada).status_code == 204
    assert [message["Subject"] for message in mails(app)] == ["Your Latchkey account was deleted"]
    assert left(app, ada) == []


def test_everything_ends_at_once(ada: Client) -> None:
    phone = other_browser(ada)
    assert delete(ada).status_code == 204
    for browser in (ada, phone):
        problem(browser.me(), 401, "invalid_token")
        problem(browser.protected("GET", "/auth/sessions"), 401, "invalid_token")
        ended(browser.refresh())
    problem(ada.log_in(), 401, "invalid_credentials")
    problem(delete(ada), 401, "invalid_token")


def test_the_browser_forgets(ada: Client) -> None:
    """As at a log-out; the mark of a known browser has the account's id."""
    answer = delete(ada)
    assert cookie_lines(answer) == [CLEARED, CLEARED.replace("refresh", "device")]
    assert answer.headers["Clear-Site-Data"] == '"storage"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert ada.cookies == {}


def test_the_last_message(app: Flask, ada: Client) -> None:
    """It says from where, because the owner may not have done it, and its link opens nothing."""
    assert delete(ada).status_code == 204
    last = mail(app)
    assert (last["To"], last["Subject"]) == (EMAIL, "Your Latchkey account was deleted")
    text = " ".join(text_of(last).split())
    assert "Firefox on Windows, network address 127.0.0.1" in text
    assert "token" not in text


@pytest.mark.usefixtures("valkey")
def test_without_mail_there_is_no_last_message(environment: dict[str, str]) -> None:
    with running(environment, MAIL_URL="none") as app:
        ada = member(app)
        assert delete(ada).status_code == 204
        assert left(app, ada) == []


@pytest.mark.parametrize("who", ["ada", "holder"])
def test_it_needs_a_recent_password(app: Flask, request: pytest.FixtureRequest, who: str) -> None:
    """Of a bound session too, which proves each of these requests."""
    person: Client = request.getfixturevalue(who)
    clock_of(app).forward(400)
    answer = delete(person)
    assert problem(answer, 401, "insufficient_user_authentication")["max_age"] == 300
    assert person.me().status_code == 200
    problem(person.reauthenticate("wrong wrong wrong"), 403, "wrong_password")
    problem(delete(person), 401, "insufficient_user_authentication")
    assert person.reauthenticate().status_code == 200
    assert delete(person).status_code == 204
    problem(person.me(), 401, "invalid_token")


def test_another_site_cannot_cause_it(ada: Client) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "same-site"}):
        answer = ada.ask("DELETE", PATH, headers=ada.bearer | headers)
        problem(answer, 403, "cross_origin")
    problem(ada.ask("DELETE", PATH), 401, "invalid_token")  # the cookie alone
    assert ada.alive()


@pytest.mark.parametrize("loss", ["flush", "restart_empty"])
def test_the_denylist_is_rebuilt_without_the_rows(
    app: Flask, ada: Client, valkey: ValkeyServer, loss: str
) -> None:
    """Some minutes long, the ids of the sessions are kept for that; nobody is named by them."""
    token, bob = ada.access_token, member(app, "bob@example.com")
    assert delete(ada).status_code == 204
    getattr(valkey, loss)()
    for _ in range(3):
        # Unlike /api/me, this answers without a row of the account.
        problem(ada.ask("GET", "/auth/sessions", access=token), 401, "invalid_token")
        assert bob.me().status_code == 200
    assert traces(services(app).database, ada.session_id) == [
        f"erased_families.family_id: {ada.session_id}"
    ]


def test_the_ids_of_the_sessions_go_with_the_last_access_token(app: Flask, ada: Client) -> None:
    own = services(app)
    assert delete(ada).status_code == 204
    for seconds, there in ((REVOKED_KEPT_SECONDS, True), (1, False)):
        clock_of(app).forward(seconds)
        own.auth.pruning.prune()
        assert bool(traces(own.database, ada.session_id)) is there


def test_the_audit_record_keeps_the_id_alone(ada: Client, log: io.StringIO) -> None:
    phone = other_browser(ada)
    log.seek(0)
    log.truncate()
    assert delete(ada).status_code == 204
    (line,) = [one for one in log.getvalue().splitlines() if "account_deleted" in one]
    assert f'"user_id": "{ada.user_id}"' in line
    assert '"families": 2' in line
    assert EMAIL not in log.getvalue()
    problem(phone.me(), 401, "invalid_token")


def test_a_session_that_ended_meanwhile_deletes_nothing(
    app: Flask, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody with a copy of the token loses against the owner who ends the session."""
    own = services(app)
    phone = other_browser(ada)
    monkeypatch.setattr(type(own.denylist), "denied", lambda *_, **__: False)
    phone.protected("DELETE", f"/auth/sessions/{ada.session_id}")
    problem(delete(ada), 401, "invalid_token")
    assert phone.alive()
    admin.disable(own.auth, admin.find_user(own.auth, EMAIL))
    problem(delete(phone), 401, "invalid_token")
    assert left(app, ada)


def test_the_mark_of_the_former_account_is_nothing_to_the_next(app: Flask, ada: Client) -> None:
    mark = ada.cookies[DEVICE]
    former: Family = ada.family()
    assert delete(ada).status_code == 204
    again = member(app)
    assert again.user_id != ada.user_id
    assert again.cookies[DEVICE] != mark
    again.cookies[DEVICE] = mark
    again.log_in()
    assert again.cookies[DEVICE] != mark
    assert traces(services(app).database, former.family_id) == [
        f"erased_families.family_id: {former.family_id}"
    ]
