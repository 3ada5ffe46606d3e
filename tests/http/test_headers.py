"""The headers of every response there is."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.web.headers import CONTENT_SECURITY_POLICY
from tests.support.app import running
from tests.support.client import Client, program
from tests.support.contract import path_of


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One kind: what goes into a header does not depend on it."""
    return sqlite_url


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "FOO")
EXPECTED = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
}


def check(answer: TestResponse) -> None:
    for name, value in EXPECTED.items():
        assert answer.headers.getlist(name) == [value]
    assert len(answer.headers.getlist("Permissions-Policy")) == 1
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-Id"])
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
    assert "Server" not in answer.headers
    assert "X-Powered-By" not in answer.headers
    if not (answer.request.path.startswith("/static/") and answer.status_code < 400):
        assert answer.headers.getlist("Cache-Control") == ["no-store"]


def paths(app: Flask) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        yield path_of(rule, "x")
    yield from ("/nowhere", "/auth/nowhere", "/api/", "/static/js/session.js", "/login/")


def test_every_response_has_the_headers(app: Flask, ada: Client, thief: Client) -> None:
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for path in paths(app):
        for method in METHODS:
            check(thief.ask(method, path))
        check(thief.ask("POST", path, headers=preflight))
        check(thief.ask("OPTIONS", path, headers=preflight))
        check(thief.ask("GET", path, access="rubbish"))
        check(ada.protected("GET", path))
        for origin in ("https://evil.example", "null", "https://localhost"):
            check(ada.ask("GET", path, headers={"Origin": origin} | ada.bearer))


def test_methods_that_are_not_answered(app: Flask, thief: Client) -> None:
    adapter = app.url_map.bind("localhost", url_scheme="https")
    for rule in app.url_map.iter_rules():
        path = path_of(rule, "x")
        allowed = set(adapter.allowed_methods(path))
        assert not allowed & {"OPTIONS", "TRACE", "CONNECT"}
        for method in set(METHODS) - allowed:
            assert thief.ask(method, path).status_code == 405, (method, path)


def test_static_files_have_them_also_when_the_browser_has_the_file(thief: Client) -> None:
    path = "/static/js/session.js"
    answer = thief.ask("GET", path)
    check(answer)
    assert answer.mimetype == "text/javascript"
    again = thief.ask("GET", path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    check(again)


def test_policy_is_strict() -> None:
    policy = dict(part.split(" ", 1) for part in CONTENT_SECURITY_POLICY.split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    for weak in ("unsafe", "http:", "https:", "data:", "*", "nonce-"):
        assert weak not in CONTENT_SECURITY_POLICY


def test_hsts_only_with_https(environment: dict[str, str]) -> None:
    """A browser that once saw it would never reach http://localhost again."""
    with running(environment, PUBLIC_URL="http://localhost") as app:
        answer = program(app).ask("GET", "/")
    assert answer.status_code == 200
    assert "Strict-Transport-Security" not in answer.headers
    assert "Content-Security-Policy" in answer.headers
