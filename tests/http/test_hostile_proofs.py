from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from app.attacks.prover import Prover
from app.web.cookies import REFRESH as COOKIE
from tests.http.bound_site import Site, ask, assert_refused, refresh
from tests.support.app import PUBLIC_URL, services
from tests.support.client import EMAIL, PASSWORD, Client, dpop, member, program
from tests.support.clock import NOW
from tests.vectors.proofs.cases import GOOD, at_door
from tests.vectors.proofs.maker import PROTECTED, REFRESH, Case, Maker
from tests.vectors.proofs.signature import twin


@pytest.fixture(scope="module")
def site(shared_app: Flask) -> Site:
    """One application for all cases: none of them may change anything in it."""
    holder = member(shared_app, key=Prover())
    refreshing = Maker(holder.key, services(shared_app).nonces, NOW)
    url, token = f"{PUBLIC_URL}/api/me", holder.access_token
    protected = replace(refreshing, method="GET", url=url, access_token=token)
    return Site(shared_app, holder.session_id, token, refreshing, protected)


@pytest.fixture
def visitor(site: Site) -> Client:
    return program(site.app)


@pytest.mark.parametrize("case", at_door(REFRESH), ids=lambda case: case.name)
def test_a_hostile_proof_refreshes_nothing_and_ends_nothing(
    case: Case, site: Site, visitor: Client
) -> None:
    if case.first:
        assert refresh(site, visitor, case.first(site.refreshing)).status_code == 200
    before = site.family()
    answer = refresh(site, visitor, case.build(site.refreshing), dict(case.headers))
    assert_refused(site, answer, 400, case.reason)
    assert site.family() == before


@pytest.mark.parametrize("case", at_door(PROTECTED), ids=lambda case: case.name)
def test_a_hostile_proof_opens_nothing_and_ends_nothing(
    case: Case, site: Site, visitor: Client
) -> None:
    before = site.family()
    if case.first:
        assert ask(site, visitor, case.first(site.protected)).status_code == 200
    answer = ask(site, visitor, case.build(site.protected), dict(case.headers))
    assert_refused(site, answer, 401, case.reason)
    assert site.family() == before


@pytest.mark.parametrize("name", GOOD)
def test_a_good_proof_passes_both_doors(name: str, site: Site, visitor: Client) -> None:
    before = site.family()
    for door, send in ((site.protected, ask), (site.refreshing, refresh)):
        maker = replace(door, jti=f"{before.generation:020}{door.method:.>4}")
        assert send(site, visitor, GOOD[name](maker)).status_code == 200
    assert site.family().generation == before.generation + 1


def test_a_refused_proof_is_not_used_up(site: Site, visitor: Client) -> None:
    """A number that came in a bad proof is still good in the right one."""
    maker = replace(site.refreshing, jti="came-badly-first")
    stale = maker.forge(claims=maker.claims() | {"nonce": "stale"})
    assert_refused(site, refresh(site, visitor, stale), 400, "nonce")
    forged = maker.forge(sign=Prover().signature)
    assert_refused(site, refresh(site, visitor, forged), 400, "signature")
    assert refresh(site, visitor, maker.forge()).status_code == 200


def test_another_key_may_use_the_same_number(site: Site, visitor: Client) -> None:
    """A stranger cannot use up our numbers: they are remembered together with the key."""
    maker = replace(site.refreshing, jti="the-same-number")
    stranger = replace(maker, prover=Prover())
    environ = {"HTTP_DPOP": stranger.forge()}
    assert visitor.ask("POST", "/auth/refresh", environ=environ).status_code == 401
    assert refresh(site, visitor, maker.forge()).status_code == 200


def test_both_doors_use_up_one_number(site: Site, visitor: Client) -> None:
    refreshing = replace(site.refreshing, jti="one-number-for-two")
    protected = replace(site.protected, jti="one-number-for-two")
    assert refresh(site, visitor, refreshing.forge()).status_code == 200
    assert_refused(site, ask(site, visitor, protected.forge()), 401, "replayed")


def test_the_twin_of_an_unused_proof_counts_for_both(site: Site, visitor: Client) -> None:
    """Either signature is good once: s and n - s are the same proof."""
    maker = replace(site.protected, jti="twins-in-reverse")
    text = maker.forge()
    assert ask(site, visitor, twin(text)).status_code == 200
    assert_refused(site, ask(site, visitor, text), 401, "replayed")


@pytest.mark.parametrize("second", ["good", "rubbish", "empty"])
def test_two_headers_are_refused(site: Site, visitor: Client, second: str) -> None:
    """Two DPoP headers, each of them good, are no proof (RFC 9449 section 4.3)."""
    before = site.family()
    for door, status in ((site.refreshing, 400), (site.protected, 401)):
        other = replace(door, jti="the-second-header").forge()
        more = {"good": other, "rubbish": "rubbish", "empty": ""}[second]
        for pair in ((door.forge(), more), (more, door.forge())):
            headers = Headers([("DPoP", text) for text in pair])
            if status == 400:
                headers.add("Cookie", f"{COOKIE}={site.cookie()}")
                answer = visitor.ask("POST", "/auth/refresh", headers=headers)
            else:
                headers.extend(dpop(site.access_token))
                answer = visitor.ask("GET", "/api/me", headers=headers)
            assert_refused(site, answer, status, "not_compact")
    assert site.family() == before


def test_without_a_proof_the_protected_door_stays_shut(site: Site, visitor: Client) -> None:
    before = site.family()
    answer = visitor.ask("GET", "/api/me", headers=dpop(site.access_token))
    assert_refused(site, answer, 401, "missing")
    assert site.family() == before


@pytest.mark.parametrize("path", ["/auth/login", "/auth/refresh"])
def test_a_proof_is_about_one_address(site: Site, visitor: Client, path: str) -> None:
    before = site.family()
    elsewhere = {"/auth/login": "/auth/refresh", "/auth/refresh": "/auth/login"}[path]
    maker = replace(site.refreshing, jti="about-one-address", url=PUBLIC_URL + elsewhere)
    answer = visitor.ask(
        "POST",
        path,
        body={"email": EMAIL, "password": PASSWORD},
        headers={"DPoP": maker.forge(), "Cookie": f"{COOKIE}={site.cookie()}"},
    )
    assert_refused(site, answer, 400, "request")
    assert site.family() == before


def asked_as(host: str, site: Site, visitor: Client) -> list[TestResponse]:
    """Ask at both doors as that host, with good credentials and a proof that is about it."""
    answers = []
    for door in (site.refreshing, site.protected):
        path = door.url.removeprefix(PUBLIC_URL)
        maker = replace(door, jti="about-another-host", url=f"https://{host}{path}")
        headers = dpop(site.access_token, maker.forge()) | {"Cookie": f"{COOKIE}={site.cookie()}"}
        environ = {"HTTP_HOST": host}
        answers.append(visitor.ask(door.method, path, headers=headers, environ=environ))
    return answers


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:443",
        "localhost.evil.example",
        "localhost, evil.example",
        "localhost@evil.example",
    ],
)
def test_another_host_is_misdirected(site: Site, visitor: Client, host: str) -> None:
    """A proof about the host that a client wrote down proves nothing: nothing is looked at."""
    before = site.family()
    for answer in asked_as(host, site, visitor):
        assert (answer.status_code, answer.get_json()["code"]) == (421, "misdirected")
        assert "Set-Cookie" not in answer.headers
    assert site.family() == before


def test_port_of_a_proxy_proves_nothing(site: Site, visitor: Client) -> None:
    """The request passes as one for the public host, and the proof has to be about that one."""
    before = site.family()
    answers = asked_as("localhost:8443", site, visitor)
    assert [answer.status_code for answer in answers] == [400, 401]
    assert {answer.get_json()["code"] for answer in answers} == {"invalid_dpop_proof"}
    assert site.family() == before


def test_a_good_proof_does_not_depend_on_forwarded_headers(site: Site, visitor: Client) -> None:
    headers = {
        "X-Forwarded-Host": "forwarded.example",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Prefix": "/prefix",
        "Forwarded": "host=forwarded.example",
    }
    maker = replace(site.protected, jti="forwarded-and-good")
    assert ask(site, visitor, maker.forge(), headers).status_code == 200


def test_the_query_is_no_part_of_what_a_proof_is_about(site: Site, visitor: Client) -> None:
    """`htu` is without query and fragment (RFC 9449 section 4.2), the request may have one."""
    headers = dpop(site.access_token, replace(site.protected, jti="asked-with-a-query").forge())
    assert visitor.ask("GET", "/api/me?x=1&y=2", headers=headers).status_code == 200


def test_a_proof_elsewhere_is_not_looked_at(site: Site, visitor: Client) -> None:
    text = replace(site.protected, jti="put-elsewhere").forge()
    token = dpop(site.access_token)
    answers = [
        visitor.ask("GET", "/api/me", headers=token, query_string={"DPoP": text, "dpop": text}),
        visitor.ask("GET", "/api/me", headers=token | {"Cookie": f"DPoP={text}"}),
        visitor.ask("GET", "/api/me", headers=token | {"X-DPoP": text}),
        visitor.ask("GET", "/api/me", headers=dpop(f"{site.access_token} {text}")),
        visitor.ask("GET", "/api/me", headers=dpop(f"{site.access_token}, DPoP {text}")),
    ]
    assert [answer.status_code for answer in answers] == [401] * len(answers)


SCHEMES: dict[str, Callable[[str], str]] = {
    "bearer": lambda token: f"Bearer {token}",
    "basic": lambda token: f"Basic {token}",
    "no-scheme": lambda token: token,
    "dpop-alone": lambda _: "DPoP",
    "dpop-and-space": lambda _: "DPoP ",
    "two-spaces": lambda token: f"DPoP  {token}",
    "tab": lambda token: f"DPoP\t{token}",
    "colon": lambda token: f"DPoP: {token}",
    "twice": lambda token: f"DPoP DPoP {token}",
    "both": lambda token: f"DPoP {token}, Bearer {token}",
    "quoted": lambda token: f'DPoP "{token}"',
}


@pytest.mark.parametrize("spell", SCHEMES.values(), ids=SCHEMES.keys())
def test_another_spelling_of_the_token_is_refused(
    spell: Callable[[str], str], site: Site, visitor: Client
) -> None:
    environ = {
        "HTTP_AUTHORIZATION": spell(site.access_token),
        "HTTP_DPOP": replace(site.protected, jti="spelled-otherwise").forge(),
    }
    answer = visitor.ask("GET", "/api/me", environ=environ)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "invalid_token")
    assert answer.headers["WWW-Authenticate"].endswith(('token"', 'algs="ES256"'))


@pytest.mark.parametrize("word", ["DPoP", "dpop", "DPOP"])
def test_the_scheme_is_matched_without_case(word: str, site: Site, visitor: Client) -> None:
    """An authentication scheme is case-insensitive (RFC 9110 section 11.1)."""
    maker = replace(site.protected, jti=f"the-scheme-{word}")
    environ = {"HTTP_AUTHORIZATION": f"{word} {site.access_token}", "HTTP_DPOP": maker.forge()}
    assert visitor.ask("GET", "/api/me", environ=environ).status_code == 200


def test_a_proof_without_a_token_opens_nothing(site: Site, visitor: Client) -> None:
    """Who sends no token is told the scheme and no error, whatever the proof is worth."""
    answer = visitor.ask("GET", "/api/me", headers={"DPoP": site.protected.forge()})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "invalid_token")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="latchkey"'
    assert answer.headers["DPoP-Nonce"] == services(site.app).nonces.current(NOW)


def test_an_encoded_path_is_proved_as_it_is_meant(site: Site, visitor: Client) -> None:
    """The server compares the path it answers for: whatever the client wrote it as."""
    spelled = "/%61pi/m%65"
    good = replace(site.protected, jti="asked-encoded-0001")
    headers = dpop(site.access_token, good.forge())
    assert visitor.ask("GET", spelled, headers=headers).status_code == 200
    verbatim = replace(good, jti="asked-encoded-0002", url=PUBLIC_URL + spelled)
    headers = dpop(site.access_token, verbatim.forge())
    assert_refused(site, visitor.ask("GET", spelled, headers=headers), 401, "request")


def test_the_corpus_has_not_ended_the_session(site: Site, visitor: Client) -> None:
    last = replace(site.protected, jti="the-last-one")
    assert ask(site, visitor, last.forge()).status_code == 200
    last = replace(site.refreshing, jti="the-last")
    assert refresh(site, visitor, last.forge()).status_code == 200
    assert (site.family().revoked_at, site.family().retries) == (None, 0)
