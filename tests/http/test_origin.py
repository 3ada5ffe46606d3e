"""The cross-origin rule: a state change must have begun here."""

from itertools import product

import pytest
from flask import Flask

from tests.support.client import NEW_PASSWORD, PASSWORD, Client, from_here, other_browser, problem
from tests.support.contract import path_of
from tests.support.databases import one_database

pytestmark = one_database

FORGED = (
    {"Origin": "https://evil.example"},
    {"Origin": "https://evil.localhost"},
    {"Origin": "https://localhost.evil.example"},
    {"Origin": "https://localhost:444"},
    {"Origin": "https://localhost:443"},
    {"Origin": "http://localhost"},
    {"Origin": "https://localhost/"},
    {"Origin": "https://LOCALHOST"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "https://localhost,https://evil.example"},
    {"Origin": "https://localhost https://evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "cors"},
    {"Sec-Fetch-Site": ""},
    {"Sec-Fetch-Site": "same-origin, cross-site"},
    from_here() | {"Origin": "https://evil.example"},
    from_here() | {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Origin": "null"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1"},
)
PASSING: tuple[dict[str, str], ...] = (
    {},
    from_here(),
    {"Origin": "https://localhost"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
)


def changes(app: Flask) -> list[tuple[str, str]]:
    """List every endpoint that changes something."""
    return [
        (method, path_of(rule, "x"))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
    ]


def test_forged_request_consumes_nothing(app: Flask, ada: Client, thief: Client) -> None:
    """403 on every one, with both credentials attached; the session is as it was."""
    phone = other_browser(ada)
    assert len(changes(app)) >= 9
    for headers, (method, path) in product(FORGED, changes(app)):
        answer = thief.ask(
            method, path, cookie=ada.refresh_token, access=ada.access_token, headers=headers
        )
        assert answer.status_code == 403, (headers, method, path)
        assert "Set-Cookie" not in answer.headers
        if path.startswith("/auth/"):
            problem(answer, 403, "cross_origin")
    assert len(ada.sessions()) == 2
    assert ada.alive()
    assert phone.alive()


def test_the_origin_is_checked_before_anything_else(ada: Client, thief: Client) -> None:
    elsewhere = {"Origin": "https://evil.example"}
    for method, path in (
        ("POST", "/auth/login"),
        ("POST", "/auth/password"),
        ("DELETE", "/auth/sessions/x"),
        ("PUT", "/api/me"),
        ("POST", "/auth/nowhere"),
    ):
        problem(thief.ask(method, path, headers=elsewhere), 403, "cross_origin")
    body = {"email": ada.email, "password": PASSWORD}
    for _ in range(6):
        answer = thief.ask("POST", "/auth/login", headers=elsewhere, body=body)
        problem(answer, 403, "cross_origin")
    assert ada.log_in().status_code == 200


@pytest.mark.parametrize("headers", PASSING, ids=str)
def test_own_requests_and_programs_pass(
    ada: Client, thief: Client, headers: dict[str, str]
) -> None:
    answer = thief.ask("POST", "/auth/refresh", cookie=ada.refresh_token, headers=headers)
    assert answer.status_code == 200
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    answer = thief.ask("POST", "/auth/password", body, headers, access=ada.access_token)
    assert answer.status_code == 200


def test_reading_is_not_asked_where_from(ada: Client, thief: Client) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    for path in ("/", "/login", "/account"):
        assert thief.ask("GET", path, headers=headers).status_code == 200
    assert thief.ask("GET", "/api/me", access=ada.access_token, headers=headers).status_code == 200
    assert thief.ask("HEAD", "/login", headers=headers).status_code == 200
    assert thief.ask("OPTIONS", "/login", headers=headers).status_code == 405


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
)
def test_a_simple_request_is_no_json(thief: Client, content_type: str) -> None:
    """A form of another site could send it without a preflight."""
    body = b'{"email": "ada@example.com", "password": "quarry lantern umbrella nine"}'
    for path in ("/auth/login", "/auth/register"):
        answer = thief.ask("POST", path, headers={"Content-Type": content_type}, data=body)
        problem(answer, 415, "unsupported_media_type")
