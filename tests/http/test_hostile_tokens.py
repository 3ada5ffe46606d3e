import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from app import create_app
from app.auth.register import register_and_log_in
from app.families import queries
from app.families.issuer import PresentedCredentials
from app.families.models import Family
from app.infra import audit
from app.services import Services
from tests.http.bound_site import wire
from tests.support.app import PUBLIC_URL, close, services
from tests.support.client import Client, program
from tests.support.clock import NOW, SettableClock
from tests.support.forger import ACCESS, OTHER_SECRET, REFRESH, Forger
from tests.vectors.tokens.case import Case
from tests.vectors.tokens.cases import for_purpose

COOKIE = "__Host-Http-refresh"
OUT_OF_DATE = {"expired", "issued_in_future"}


@dataclass(frozen=True)
class Site:
    """The application with one account logged in, and the forgers of its tokens."""

    app: Flask
    access: Forger
    refresh: Forger

    def family(self) -> Family | None:
        """Return the family's row as it is now."""
        with services(self.app).database.autocommit() as connection:
            return queries.find(connection, self.access.family)


@pytest.fixture(scope="module")
def site(shared_app: Flask) -> Site:
    """One application for all cases: none of them may change anything in it."""
    app, settings = shared_app, services(shared_app).settings
    own: Services = services(app)
    grant = register_and_log_in(
        own.auth,
        "ada@example.com",
        "violet harbour anchors",
        audit.Client("192.0.2.1"),
        PresentedCredentials(),
    )
    claims = own.auth.issuer.refresh.verify(grant.refresh_token, NOW)
    ids = (claims.sub, claims.family_id, claims.jti)
    return Site(app, Forger(settings, ACCESS, NOW, *ids), Forger(settings, REFRESH, NOW, *ids))


@pytest.fixture
def visitor(site: Site) -> Client:
    """A client that sends what a test writes and keeps no cookies."""
    return program(site.app)


def ask(visitor: Client, authorization: str, path: str = "/api/me") -> TestResponse:
    """Ask the protected route with that Authorization header."""
    return visitor.ask("GET", path, environ={"HTTP_AUTHORIZATION": wire(authorization)})


def refresh(visitor: Client, token: str) -> TestResponse:
    """Refresh with that cookie."""
    cookie = wire(f"{COOKIE}={token}")
    return visitor.ask("POST", "/auth/refresh", environ={"HTTP_COOKIE": cookie})


def assert_invalid_token(answer: TestResponse) -> None:
    """Assert a refusal as RFC 6750 section 3 writes it, without a word about the reason."""
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="latchkey", error="invalid_token"'
    assert answer.headers["Cache-Control"] == "no-store"
    problem = answer.get_json()
    assert problem["code"] == "invalid_token"
    assert problem["detail"] == "This needs a valid access token."


def assert_session_ended(answer: TestResponse) -> None:
    """Assert the one refusal that takes the cookie back."""
    assert answer.status_code == 401
    assert answer.get_json()["code"] == "session_ended"
    assert answer.headers["Set-Cookie"].startswith(f"{COOKIE}=; ")
    assert "Max-Age=0" in answer.headers["Set-Cookie"]


def test_the_good_access_token_opens_the_route(site: Site, visitor: Client) -> None:
    """The token that every hostile one is a variant of is answered with 200."""
    answer = ask(visitor, f"Bearer {site.access.forge()}")
    assert answer.status_code == 200
    assert answer.get_json()["id"] == site.access.user


@pytest.mark.parametrize("case", for_purpose(ACCESS), ids=lambda case: case.name)
def test_a_hostile_access_token_is_refused(case: Case, site: Site, visitor: Client) -> None:
    """Each is a 401 with `invalid_token`, never a 500, and the reason stays inside."""
    assert_invalid_token(ask(visitor, f"Bearer {case.build(site.access)}"))


@pytest.mark.parametrize(
    "case", [case for case in for_purpose(REFRESH) if case.cookie], ids=lambda case: case.name
)
def test_a_hostile_refresh_cookie_revokes_nothing(case: Case, site: Site, visitor: Client) -> None:
    """Each is a 401 `session_ended`, and the family it speaks of stays exactly as it was."""
    before = site.family()
    assert_session_ended(refresh(visitor, case.build(site.refresh)))
    assert site.family() == before


def test_hostile_tokens_log_nobody_out(site: Site, visitor: Client) -> None:
    """Logging out takes a genuine token: with a forged one it says 204 and ends nothing."""
    before = site.family()
    for purpose, forger in ((ACCESS, site.access), (REFRESH, site.refresh)):
        for case in for_purpose(purpose):
            if case.reason in OUT_OF_DATE or not case.cookie:
                continue
            token = case.build(forger)
            bearer = {"HTTP_AUTHORIZATION": wire(f"Bearer {token}")}
            cookie = {"HTTP_COOKIE": wire(f"{COOKIE}={token}")}
            environ = bearer if purpose == ACCESS else cookie
            answer = visitor.ask("POST", "/auth/logout", environ=environ)
            assert (answer.status_code, site.family()) == (204, before), case.name


def test_the_good_refresh_cookie_still_rotates(site: Site, visitor: Client) -> None:
    """After all that the genuine cookie is worth what it was worth before."""
    answer = refresh(visitor, site.refresh.forge())
    assert answer.status_code == 200
    assert answer.get_json()["session"]["id"] == site.refresh.family


@pytest.mark.parametrize("word", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_is_matched_without_case(word: str, site: Site, visitor: Client) -> None:
    """An authentication scheme is case-insensitive (RFC 9110 section 11.1)."""
    assert ask(visitor, f"{word} {site.access.forge()}").status_code == 200


SCHEMES: dict[str, Callable[[str], str]] = {
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


@pytest.mark.parametrize("spell", SCHEMES.values(), ids=SCHEMES.keys())
def test_another_spelling_of_the_header_is_refused(
    spell: Callable[[str], str], site: Site, visitor: Client
) -> None:
    """A good token opens nothing unless the header is the word, one space and the token."""
    assert_invalid_token(ask(visitor, spell(site.access.forge())))


def test_two_authorization_headers_are_refused(site: Site, visitor: Client) -> None:
    """Two headers, each of them good, are no credential."""
    good = ("Authorization", f"Bearer {site.access.forge()}")
    assert visitor.ask("GET", "/api/me", headers=Headers([good])).status_code == 200
    assert_invalid_token(visitor.ask("GET", "/api/me", headers=Headers([good, good])))


def test_without_a_header_no_error_is_named(visitor: Client) -> None:
    """Who sent no token is told the scheme and no error (RFC 6750 section 3.1)."""
    answer = visitor.ask("GET", "/api/me")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="latchkey"'


@pytest.mark.parametrize("name", ["access_token", "token", "bearer_token", "jwt", "authorization"])
def test_a_token_elsewhere_is_not_looked_at(name: str, site: Site, visitor: Client) -> None:
    """In a query, a form field, a cookie or another header a good token is no credential."""
    token = site.access.forge()
    cookies = f"{name}={token}; {COOKIE}={token}"
    answers = [
        visitor.ask("GET", "/api/me", query_string={name: token}),
        visitor.ask("GET", "/api/me", environ={"HTTP_COOKIE": cookies}),
        visitor.ask("GET", "/api/me", headers={f"X-{name.replace('_', '-')}": f"Bearer {token}"}),
        visitor.ask("GET", "/api/me", headers={"Proxy-Authorization": f"Bearer {token}"}),
        visitor.ask("POST", "/auth/logout-everywhere", data={name: token}),
        visitor.ask("POST", "/auth/logout-everywhere", body={name: token}),
    ]
    for answer in answers:
        assert answer.status_code == 401
        assert "error" not in answer.headers["WWW-Authenticate"]


def test_a_refresh_token_elsewhere_is_not_looked_at(site: Site, visitor: Client) -> None:
    """Only its cookie carries a refresh token: not a body, a query or the bearer header."""
    before, token = site.family(), site.refresh.forge()
    answers = [
        visitor.ask("POST", "/auth/refresh", body={"refresh_token": token}),
        visitor.ask("POST", "/auth/refresh", data={COOKIE: token}),
        visitor.ask("POST", "/auth/refresh", query_string={COOKIE: token}),
        visitor.ask("POST", "/auth/refresh", headers={"Authorization": f"Bearer {token}"}),
    ]
    for answer in answers:
        assert_session_ended(answer)
    assert site.family() == before


def test_two_refresh_cookies_are_refused(site: Site, visitor: Client) -> None:
    """Of two cookies one was planted: neither is used, and neither is taken back."""
    before, token = site.family(), site.refresh.forge()
    cookies = f"{COOKIE}={token}; {COOKIE}={token}"
    answer = visitor.ask("POST", "/auth/refresh", environ={"HTTP_COOKIE": cookies})
    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers
    assert site.family() == before


def test_a_token_of_a_former_secret_opens_the_route(site: Site) -> None:
    """While the former secret is listed its tokens work; once it is not, they do not."""
    former = site.access.settings.jwt_secret
    for previous, status in (((former,), 200), ((), 401)):
        settings = replace(
            site.access.settings, jwt_secret=OTHER_SECRET, jwt_secret_previous=previous
        )
        app = create_app(settings, SettableClock(NOW))
        assert program(app).me(site.access.forge()).status_code == status
        close(app)


def test_the_record_of_a_refusal_has_the_reason_and_no_token(site: Site, visitor: Client) -> None:
    """Whoever reads the audit record learns why, and nothing that could be used."""
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("latchkey.audit")
    logger.addHandler(handler)
    forged = site.refresh.forge(key=b"x" * 32)
    refresh(visitor, forged)
    logger.removeHandler(handler)
    record = json.loads(lines[0])
    assert (record["event"], record["reason"]) == ("refresh_refused", "signature")
    assert not any(part in lines[0] for part in forged.split("."))


def test_the_public_url_is_that_of_the_corpus(site: Site) -> None:
    """Cases that alter the issuer start from https, so that each alters one thing."""
    assert site.access.settings.public_url == PUBLIC_URL
    assert PUBLIC_URL.startswith("https://")
