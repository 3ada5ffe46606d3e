"""The Host header: one name, and no other is answered for."""

import pytest
from flask import Flask

from tests.support.client import Client, problem, program
from tests.support.databases import one_database

pytestmark = one_database
one_proxy = pytest.mark.parametrize("environment", [{"TRUSTED_PROXIES": "1"}], indirect=True)

FOREIGN = (
    "evil.example",
    "127.0.0.1",
    "[::1]",
    "localhost.evil.example",
    "evil.localhost",
    "localhost.",
    "localhost,evil.example",
    "localhost@evil.example",
    "localhost:443:443",
)


# One of each blueprint.
PAGES = (
    "/",
    "/login?next=/account",
    "/account/sessions",
    "/account/email",
    "/email/confirm?token=x",
    "/register",
    "/reset/finish?token=x",
    "/secure?token=x",
)


@pytest.mark.parametrize("host", FOREIGN)
def test_foreign_host(ada: Client, thief: Client, host: str) -> None:
    """Pages lead to the right host, by name and never by the header; the rest is refused."""
    for path in PAGES:
        answer = thief.ask("GET", path, headers={"Host": host})
        assert answer.status_code in {308, 400}
        location = answer.headers.get("Location", "https://localhost/")
        assert location.startswith("https://localhost/")
    for method, path in (
        ("POST", "/login"),
        ("POST", "/auth/refresh"),
        ("GET", "/api/me"),
        ("GET", "/static/js/session.js"),
        ("GET", "/nowhere"),
        ("GET", "/fragments/account"),
    ):
        answer = thief.ask(
            method, path, cookie=ada.refresh_token, access=ada.access_token, headers={"Host": host}
        )
        assert answer.status_code in {421, 400}
        assert "Set-Cookie" not in answer.headers
    assert ada.alive()


def test_a_redirect_keeps_path_and_query(thief: Client) -> None:
    headers = {"Host": "127.0.0.1"}
    answer = thief.ask("GET", "/login?next=/account&notice=logged_out", headers=headers)
    assert answer.status_code == 308
    assert answer.location == "https://localhost/login?next=/account&notice=logged_out"
    for kept in (*PAGES, "/login?next=/X", "/login?next=/?"):
        assert thief.ask("GET", kept, headers=headers).location == f"https://localhost{kept}"
    problem(thief.ask("GET", "/api/me", headers=headers), 421, "misdirected")


def test_health_under_any_host(thief: Client) -> None:
    for path in ("/healthz", "/readyz"):
        assert thief.ask("GET", path, headers={"Host": "10.0.0.7:8000"}).status_code == 200


def test_default_port_is_the_same_host(thief: Client) -> None:
    assert thief.ask("GET", "/login", headers={"Host": "localhost:443"}).status_code == 200


@pytest.mark.parametrize("host", ["localhost:444", "localhost:8000", "localhost:8443"])
def test_port_of_a_proxy_is_no_other_host(ada: Client, thief: Client, host: str) -> None:
    """Over https a proxy stands before gunicorn, and writes the port it listens on itself.

    A redirect to the public port would come back from it with the same `Host`, for ever. A
    browser that is on that port has another origin: nothing of it changes anything.
    """
    assert thief.ask("GET", "/login", headers={"Host": host}).status_code == 200
    assert thief.ask("GET", "/login?a=b", headers={"Host": host}).location is None
    headers = {"Host": host, "Origin": f"https://{host}", "Sec-Fetch-Site": "same-origin"}
    answer = thief.ask("POST", "/auth/refresh", cookie=ada.refresh_token, headers=headers)
    problem(answer, 403, "cross_origin")
    assert ada.alive()


def test_forwarded_host_is_not_believed(ada: Client, thief: Client) -> None:
    """Without a trusted proxy the X-Forwarded headers are somebody's claim."""
    spoofed = {
        "X-Forwarded-Host": "localhost",
        "X-Forwarded-Proto": "https",
        "Forwarded": "host=localhost",
        "X-Original-Host": "localhost",
        "Host": "evil.example",
    }
    answer = thief.ask("GET", "/api/me", access=ada.access_token, headers=spoofed)
    problem(answer, 421, "misdirected")
    spoofed |= {"X-Forwarded-Host": "evil.example", "Host": "localhost"}
    assert thief.ask("GET", "/api/me", access=ada.access_token, headers=spoofed).status_code == 200


def test_path_overrides_are_not_believed(thief: Client) -> None:
    headers = {
        "X-Original-URL": "/api/me",
        "X-Rewrite-URL": "/api/me",
        "X-HTTP-Method-Override": "POST",
        "X-Script-Name": "/x",
        "X-Forwarded-Prefix": "/x",
    }
    answer = thief.ask("GET", "/healthz", headers=headers)
    assert answer.get_json() == {"status": "ok"}


@one_proxy
def test_forwarded_host_of_a_trusted_proxy(app: Flask) -> None:
    thief = program(app)
    inside = {"Host": "10.0.0.7:8000"}
    right = inside | {"X-Forwarded-Host": "localhost", "X-Forwarded-Proto": "https"}
    assert thief.ask("GET", "/login", headers=right).status_code == 200
    wrong = right | {"X-Forwarded-Host": "localhost, evil.example"}
    assert thief.ask("GET", "/login", headers=wrong).status_code == 308
    assert thief.ask("GET", "/login", headers=inside).status_code == 308


@one_proxy
def test_forwarded_host_with_a_port(app: Flask) -> None:
    thief = program(app)
    for host in ("localhost:8443", "localhost:443", "localhost"):
        headers = {"Host": "10.0.0.7:8000", "X-Forwarded-Host": host, "X-Forwarded-Port": "8443"}
        assert thief.ask("GET", "/login", headers=headers).status_code == 200
    for host in ("localhost.evil.example:443", "evil.example:443", "localhost:x", "localhost:"):
        headers = {"Host": "10.0.0.7:8000", "X-Forwarded-Host": host}
        assert thief.ask("GET", "/login", headers=headers).status_code in {308, 400}


@pytest.mark.parametrize("environment", [{"PUBLIC_URL": "http://localhost:8000"}], indirect=True)
def test_without_a_proxy_another_port_leads_to_the_right_one(app: Flask) -> None:
    """There the browser is where it says: the redirect ends at once."""
    thief = program(app)
    answer = thief.ask("GET", "/login", headers={"Host": "localhost:8001"})
    assert (answer.status_code, answer.location) == (308, "http://localhost:8000/login")
    assert thief.ask("GET", "/login", headers={"Host": "localhost:8000"}).status_code == 200
    problem(thief.ask("GET", "/api/me", headers={"Host": "localhost:8001"}), 421, "misdirected")


@pytest.mark.parametrize("environment", [{"PUBLIC_URL": "http://localhost"}], indirect=True)
def test_without_a_proxy_the_default_port_may_be_named(app: Flask) -> None:
    answer = program(app).ask("GET", "/login", headers={"Host": "localhost:80"})
    assert answer.status_code == 200
