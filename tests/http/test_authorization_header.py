"""Where an access token is looked for: in one `Authorization` header, spelled in one way."""

from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.datastructures import Headers

from app.web.cookies import REFRESH
from tests.http.bound_site import wire
from tests.support.client import Client, bearer, invalid_token, member, problem, program


@pytest.fixture(scope="module")
def ada(shared_app: Flask) -> Client:
    return member(shared_app)


@pytest.fixture
def thief(shared_app: Flask) -> Client:
    return program(shared_app)


@pytest.mark.parametrize("word", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_is_matched_without_case(ada: Client, thief: Client, word: str) -> None:
    """An authentication scheme is case-insensitive (RFC 9110 section 11.1)."""
    headers = {"Authorization": f"{word} {ada.access_token}"}
    assert thief.ask("GET", "/api/me", headers=headers).status_code == 200


SPELLINGS: dict[str, Callable[[str], str]] = {
    "empty": lambda _: "",
    "blank": lambda _: " ",
    "no-scheme": lambda token: token,
    "basic": lambda token: f"Basic {token}",
    "token": lambda token: f"Token {token}",
    "jwt": lambda token: f"JWT {token}",
    "digest": lambda token: f'Digest username="{token}"',
    "bearer-alone": lambda _: "Bearer",
    "bearer-and-space": lambda _: "Bearer ",
    "bearer-glued": lambda token: f"Bearer{token}",
    "bearer-twice": lambda token: f"Bearer Bearer {token}",
    "bearer-colon": lambda token: f"Bearer: {token}",
    "bearer-comma": lambda token: f"Bearer, {token}",
    "bearer-equals": lambda token: f"Bearer={token}",
    "two-spaces": lambda token: f"Bearer  {token}",
    "tab": lambda token: f"Bearer\t{token}",
    "no-break-space": lambda token: f"Bearer\xa0{token}",
    "leading-space": lambda token: f" Bearer {token}",
    "trailing-space": lambda token: f"Bearer {token} ",
    "trailing-comma": lambda token: f"Bearer {token},",
    "trailing-equals": lambda token: f"Bearer {token}=",
    "parameter": lambda token: f"Bearer {token}, realm=x",
    "named-parameter": lambda token: f"Bearer token={token}",
    "quoted": lambda token: f'Bearer "{token}"',
    "in-angle-brackets": lambda token: f"Bearer <{token}>",
    "two-tokens-by-space": lambda token: f"Bearer {token} {token}",
    "two-headers-joined": lambda token: f"Bearer {token},Bearer {token}",
    "two-headers-joined-with-space": lambda token: f"Bearer {token}, Bearer {token}",
    "basic-then-bearer": lambda token: f"Basic AAAA, Bearer {token}",
    "long-s": lambda token: f"Bearer\u017f {token}",
    "kelvin-sign": lambda token: f"\u212aearer {token}",
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_another_spelling_is_refused(
    ada: Client, thief: Client, spell: Callable[[str], str]
) -> None:
    environ = {"HTTP_AUTHORIZATION": wire(spell(ada.access_token))}
    invalid_token(thief.ask("GET", "/api/me", environ=environ))


def test_two_headers_are_refused(ada: Client, thief: Client) -> None:
    good = ("Authorization", f"Bearer {ada.access_token}")
    assert thief.ask("GET", "/api/me", headers=Headers([good])).status_code == 200
    invalid_token(thief.ask("GET", "/api/me", headers=Headers([good, good])))


def test_without_a_header_no_error_is_named(thief: Client) -> None:
    """Who sent no token is told the scheme and no error (RFC 6750 section 3.1)."""
    answer = thief.ask("GET", "/api/me")
    problem(answer, 401, "invalid_token")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="latchkey"'


@pytest.mark.parametrize("name", ["access_token", "token", "bearer_token", "jwt", "Authorization"])
def test_a_token_elsewhere_is_not_looked_at(ada: Client, thief: Client, name: str) -> None:
    token, header = ada.access_token, f"X-{name.replace('_', '-')}"
    for answer in (
        thief.ask("GET", "/api/me", query_string={name: token}),
        thief.ask("GET", "/api/me", query_string={name.lower(): token}),
        thief.ask("GET", "/api/me", data={name: token}),
        thief.ask("GET", "/api/me", headers={"Cookie": f"{name}={token}; {REFRESH}={token}"}),
        thief.ask("GET", "/api/me", headers={header: token}),
        thief.ask("GET", "/api/me", headers={header: f"Bearer {token}"}),
        thief.ask("GET", "/api/me", headers={"Proxy-Authorization": f"Bearer {token}"}),
        thief.ask("POST", "/auth/logout-everywhere", data={name: token}),
        thief.ask("POST", "/auth/logout-everywhere", {name: token}),
    ):
        problem(answer, 401, "invalid_token")
        assert "error" not in answer.headers["WWW-Authenticate"]
    assert thief.ask("GET", "/api/me", headers=bearer(token)).status_code == 200
