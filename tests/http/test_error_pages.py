"""Errors: a page for people, a problem for programs, and nothing of the inside in either."""

import io
from typing import NoReturn

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.web.guards import public
from tests.support.client import Client, problem
from tests.support.databases import one_database

pytestmark = one_database

PEOPLE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PROGRAMS = {"Accept": "application/json"}
SECRET = "word-of-the-inside"


@pytest.fixture
def app(app: Flask) -> Flask:
    @app.get("/broken")
    @app.get("/api/broken")
    @public
    def broken() -> NoReturn:
        raise RuntimeError(SECRET)

    return app


def page(answer: TestResponse, status: int) -> str:
    """Check that an answer is an error page, and return it."""
    text = answer.text
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert f'<p class="status">{status}</p>' in text
    assert answer.headers["X-Request-Id"] in text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Content-Security-Policy" in answer.headers
    return text


def test_not_found_echoes_no_address(thief: Client) -> None:
    text = page(thief.ask("GET", "/<script>alert(1)</script>", headers=PEOPLE), 404)
    assert "alert" not in text
    problem(thief.ask("GET", "/nowhere", headers=PROGRAMS), 404, "not_found")
    problem(thief.ask("GET", "/api/nowhere", headers=PEOPLE), 404, "not_found")
    problem(thief.ask("GET", "/auth/nowhere"), 404, "not_found")


@pytest.mark.parametrize(
    "path", ["/static/nothing.js", "/static/../config.py", "/static/%2e%2e/config.py"]
)
def test_no_such_file(thief: Client, path: str) -> None:
    page(thief.ask("GET", path, headers=PEOPLE), 404)
    problem(thief.ask("GET", path, headers=PROGRAMS), 404, "not_found")


@pytest.mark.parametrize("headers", [PEOPLE, PROGRAMS])
def test_wrong_method_names_the_right_ones(thief: Client, headers: dict[str, str]) -> None:
    answer = thief.ask("DELETE", "/login", headers=headers)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}
    body = problem(thief.ask("GET", "/auth/refresh", headers=headers), 405, "method_not_allowed")
    assert body["title"] == "Method Not Allowed"


def test_cross_origin_in_both_forms(thief: Client) -> None:
    elsewhere = {"Origin": "https://evil.example"}
    page(thief.ask("POST", "/login", headers=PEOPLE | elsewhere), 403)
    problem(thief.ask("POST", "/auth/login", headers=PEOPLE | elsewhere), 403, "cross_origin")


def test_too_large_a_body(app: Flask, thief: Client) -> None:
    big = b'{"email": "' + b"a" * 65536 + b'"}'
    headers = {"Content-Type": "application/json"}
    answer = thief.ask("POST", "/auth/login", headers=headers, data=big)
    problem(answer, 413, "request_entity_too_large")
    tab = Client(app)
    fields = {"csrf_token": tab.open_form("/login"), "email": "a" * 66_000, "password": "x"}
    page(tab.ask("POST", "/login", data=fields, headers=PEOPLE), 413)


def test_crash(thief: Client, log: io.StringIO) -> None:
    """500 with a number and no trace; the trace is in the log under that number."""
    text = page(thief.ask("GET", "/broken", headers=PEOPLE), 500)
    answer = thief.ask("GET", "/api/broken")
    problem(answer, 500, "internal_error")
    for shown in (text, answer.text):
        assert SECRET not in shown
        assert "Traceback" not in shown
        assert "RuntimeError" not in shown
    *_, last = log.getvalue().splitlines()
    assert SECRET in last
    assert answer.headers["X-Request-Id"] in last


def test_request_numbers(thief: Client) -> None:
    """The client's word for the number is not taken."""
    seen = {
        thief.ask("GET", "/healthz", headers={"X-Request-Id": "mine"}).headers["X-Request-Id"]
        for _ in range(3)
    }
    assert len(seen) == 3
    assert "mine" not in seen
