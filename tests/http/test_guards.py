"""Who may pass: every route says it, and what says nothing is shut."""

import pytest
from flask import Flask

from app.web.guards import MARK, caller, public, require_access
from tests.support.client import Client, problem
from tests.support.contract import path_of
from tests.support.databases import one_database

pytestmark = one_database

REQUIRED = {
    "session.post_logout_everywhere",
    "session.get_sessions",
    "session.delete_session",
    "session.post_password",
    "reauthentication.post_reauthenticate",
    "account.get_me",
    "fragments.account",
    "fragments.sessions",
    "fragments.password",
}


def test_every_route_is_marked(app: Flask) -> None:
    marks = {
        rule.endpoint: getattr(app.view_functions[rule.endpoint], MARK, None)
        for rule in app.url_map.iter_rules()
    }
    assert {endpoint for endpoint, mark in marks.items() if mark != "public"} >= REQUIRED
    assert set(marks.values()) <= {"required", "operator", "public"}


def test_every_protected_route_is_shut(app: Flask, thief: Client, ada: Client) -> None:
    dead = ada.access_token
    ada.log_out()
    ada.log_in()
    cookie = ada.refresh_token
    tokens = (None, "", "rubbish", dead, cookie)
    for rule in app.url_map.iter_rules():
        if getattr(app.view_functions[rule.endpoint], MARK) != "public":
            path = path_of(rule, ada.session_id)
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                answers = [thief.ask(method, path, access=token) for token in tokens]
                for answer in (*answers, thief.ask(method, path, cookie=cookie)):
                    problem(answer, 401, "invalid_token")
                    assert "Set-Cookie" not in answer.headers
    assert ada.alive()


@pytest.fixture
def built_on(app: Flask) -> Flask:
    @app.get("/forgotten")
    def forgotten() -> str:
        return "forgotten"

    @app.get("/open")
    @public
    def opened() -> str:
        return "open"

    @app.get("/closed/<word>")
    @require_access
    def closed(word: str) -> str:
        return f"{word} {caller().user_id} {caller().sid} {caller().auth_time}"

    return app


@pytest.mark.usefixtures("built_on")
def test_forgotten_route_is_shut(ada: Client, thief: Client) -> None:
    problem(thief.ask("GET", "/forgotten"), 401, "invalid_token")
    problem(thief.ask("GET", "/forgotten", access="rubbish"), 401, "invalid_token")
    assert ada.protected("GET", "/forgotten").get_data() == b"forgotten"
    ada.log_out()
    problem(ada.protected("GET", "/forgotten"), 401, "invalid_token")


@pytest.mark.usefixtures("built_on")
def test_public_route_ignores_an_invalid_token(thief: Client) -> None:
    assert thief.ask("GET", "/open").get_data() == b"open"
    assert thief.ask("GET", "/open", access="rubbish").get_data() == b"open"


@pytest.mark.usefixtures("built_on")
def test_protected_route_knows_its_caller(ada: Client, thief: Client) -> None:
    said = ada.protected("GET", "/closed/hello").text.split()
    assert said[:3] == ["hello", ada.user_id, ada.session_id]
    assert int(said[3]) > 0
    problem(thief.ask("GET", "/closed/hello"), 401, "invalid_token")
