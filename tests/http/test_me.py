"""GET /api/me."""

import pytest
from flask import Flask
from werkzeug.datastructures import Headers

from tests.support.client import Client, claims, problem
from tests.support.databases import one_database

pytestmark = one_database


def test_says_who_the_caller_is(ada: Client) -> None:
    """The id, the address and the session, and nothing else."""
    answer = ada.me()
    assert answer.status_code == 200
    body = answer.get_json()
    session = body.pop("session")
    assert body.keys() == {"id", "email", "created_at"}
    assert (body["id"], body["email"]) == (ada.user_id, ada.email)
    assert session.keys() == {"id", "created_at", "expires_at"}
    assert session["id"] == ada.session_id
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_user_id_is_opaque(app: Flask, ada: Client) -> None:
    """`sub` tells nothing about the person and cannot be counted through."""
    bob = Client(app, "bob@example.com")
    bob.register()
    assert claims(ada.access_token)["sub"] == ada.user_id
    assert len(ada.user_id) == len(bob.user_id) == 22
    assert "ada" not in ada.user_id


def test_no_token(thief: Client) -> None:
    """401 that names the scheme, and no error because nothing was shown."""
    answer = thief.ask("GET", "/api/me")
    problem(answer, 401, "invalid_token")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="latchkey"'


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer  {}",
        "Bearer {} ",
        "Bearer {},",
        "Bearer {}, Bearer {}",
        "Basic {}",
        "Token {}",
        "DPoP {}",
        "{}",
        "Bearer {}=",
        "Bearer\t{}",
    ],
)
def test_header_that_is_almost_right(ada: Client, thief: Client, header: str) -> None:
    """One scheme, one space, one token."""
    answer = thief.ask(
        "GET", "/api/me", headers={"Authorization": header.replace("{}", ada.access_token)}
    )
    problem(answer, 401, "invalid_token")
    scheme, more = ("DPoP", ', algs="ES256"') if header.startswith("DPoP") else ("Bearer", "")
    said = f'{scheme} realm="latchkey", error="invalid_token"{more}'
    assert answer.headers["WWW-Authenticate"] == said
    assert ada.me().status_code == 200


def test_scheme_in_any_case(ada: Client, thief: Client) -> None:
    """RFC 9110 section 11.1: the scheme is not case-sensitive."""
    for scheme in ("bearer", "BEARER", "Bearer"):
        headers = {"Authorization": f"{scheme} {ada.access_token}"}
        assert thief.ask("GET", "/api/me", headers=headers).status_code == 200


def test_two_headers(ada: Client) -> None:
    """Two Authorization headers are refused, also when both are the right one."""
    value = f"Bearer {ada.access_token}"
    both = Headers([("Authorization", value), ("Authorization", value)])
    problem(ada.ask("GET", "/api/me", headers=both), 401, "invalid_token")


@pytest.mark.parametrize("name", ["access_token", "token", "jwt", "Authorization"])
def test_token_elsewhere(ada: Client, thief: Client, name: str) -> None:
    """Neither a query parameter, nor a cookie, nor a form field is looked at."""
    token = ada.access_token
    problem(thief.ask("GET", f"/api/me?{name}={token}"), 401, "invalid_token")
    problem(
        thief.ask("GET", "/api/me", headers={"Cookie": f"{name}={token}"}), 401, "invalid_token"
    )
    problem(thief.ask("GET", "/api/me", data={name: token}), 401, "invalid_token")
    problem(thief.ask("GET", "/api/me", cookie=token), 401, "invalid_token")
    problem(thief.ask("GET", "/api/me", headers={"X-Access-Token": token}), 401, "invalid_token")


def test_refresh_token_is_no_access_token(ada: Client, thief: Client) -> None:
    """The two are told apart by type, audience and key."""
    problem(thief.me(ada.refresh_token), 401, "invalid_token")


def test_access_token_is_no_refresh_token(ada: Client, thief: Client) -> None:
    """Neither the other way round; and nothing is revoked by the attempt."""
    problem(thief.refresh(ada.access_token), 401, "session_ended")
    assert ada.alive()
