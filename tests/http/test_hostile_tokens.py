import io
from dataclasses import dataclass

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.families.models import Family
from app.web.cookies import REFRESH as COOKIE
from tests.http.bound_site import wire
from tests.support.app import PUBLIC_URL, family_of, services
from tests.support.client import Client, claims, ended, invalid_token, member, program
from tests.support.clock import NOW
from tests.support.forger import ACCESS, REFRESH, Forger
from tests.support.log import records
from tests.vectors.tokens.case import Case
from tests.vectors.tokens.cases import for_purpose

OUT_OF_DATE = {"expired", "issued_in_future"}


@dataclass(frozen=True)
class Site:
    """The application with one account logged in, and the forgers of its tokens."""

    app: Flask
    access: Forger
    refresh: Forger

    def family(self) -> Family:
        return family_of(self.app, self.access.family)


@pytest.fixture(scope="module")
def site(shared_app: Flask) -> Site:
    """One application for all cases: none of them may change anything in it."""
    ada, settings = member(shared_app), services(shared_app).settings
    ids = (ada.user_id, ada.session_id, claims(ada.refresh_token)["jti"])
    access, refresh = (Forger(settings, purpose, NOW, *ids) for purpose in (ACCESS, REFRESH))
    return Site(shared_app, access, refresh)


@pytest.fixture
def visitor(site: Site) -> Client:
    return program(site.app)


def ask(visitor: Client, token: str) -> TestResponse:
    return visitor.ask("GET", "/api/me", environ={"HTTP_AUTHORIZATION": wire(f"Bearer {token}")})


def refresh(visitor: Client, token: str) -> TestResponse:
    cookie = wire(f"{COOKIE}={token}")
    return visitor.ask("POST", "/auth/refresh", environ={"HTTP_COOKIE": cookie})


def test_the_good_access_token_opens_the_route(site: Site, visitor: Client) -> None:
    answer = ask(visitor, site.access.forge())
    assert answer.status_code == 200
    assert answer.get_json()["id"] == site.access.user


@pytest.mark.parametrize("case", for_purpose(ACCESS), ids=lambda case: case.name)
def test_a_hostile_access_token_is_refused(case: Case, site: Site, visitor: Client) -> None:
    invalid_token(ask(visitor, case.build(site.access)))


@pytest.mark.parametrize(
    "case", [case for case in for_purpose(REFRESH) if case.cookie], ids=lambda case: case.name
)
def test_a_hostile_refresh_cookie_revokes_nothing(case: Case, site: Site, visitor: Client) -> None:
    before = site.family()
    ended(refresh(visitor, case.build(site.refresh)))
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
    answer = refresh(visitor, site.refresh.forge())
    assert answer.status_code == 200
    assert answer.get_json()["session"]["id"] == site.refresh.family


def test_a_refresh_token_elsewhere_is_not_looked_at(site: Site, visitor: Client) -> None:
    before, token = site.family(), site.refresh.forge()
    answers = [
        visitor.ask("POST", "/auth/refresh", body={"refresh_token": token}),
        visitor.ask("POST", "/auth/refresh", data={COOKIE: token}),
        visitor.ask("POST", "/auth/refresh", query_string={COOKIE: token}),
        visitor.ask("POST", "/auth/refresh", headers={"Authorization": f"Bearer {token}"}),
    ]
    for answer in answers:
        ended(answer)
    assert site.family() == before


def test_the_record_of_a_refusal_has_the_reason_and_no_token(
    site: Site, visitor: Client, log: io.StringIO
) -> None:
    forged = site.refresh.forge(key=b"x" * 32)
    refresh(visitor, forged)
    (record,) = records(log)
    assert (record["event"], record["reason"]) == ("refresh_refused", "signature")
    assert not any(part in log.getvalue() for part in forged.split("."))


def test_the_public_url_is_that_of_the_corpus(site: Site) -> None:
    """Cases that alter the issuer start from https, so that each alters one thing."""
    assert site.access.settings.public_url == PUBLIC_URL
    assert PUBLIC_URL.startswith("https://")
