from dataclasses import asdict, replace
from typing import Any

import pytest
from flask import Flask
from flask.ctx import RequestContext

from app.attacks.prover import Prover
from app.auth import admin
from app.errors import InvalidProof, InvalidToken, Refusal
from app.families.issuer import new_id
from app.families.models import Family
from app.services import Services
from app.tokens.claims import AccessTokenClaims, with_claims
from app.web.client import REQUEST_ID
from app.web.guards import (
    MARK,
    Caller,
    authenticate,
    caller,
    public,
    require_access,
    require_operator,
)
from tests.support.app import PUBLIC_URL
from tests.support.app import services as services_of
from tests.support.client import bearer, dpop
from tests.support.factories import a_family, a_user, revoke

PATH = "/api/me"
HOLDER, THIEF = Prover(), Prover()


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Only one: the statements behind a guard are tested on both elsewhere."""
    return sqlite_url


@pytest.fixture
def services(app: Flask) -> Services:
    return services_of(app)


@pytest.fixture
def active(services: Services) -> Family:
    return a_family(services.database, a_user(services.database))


def claims_of(
    services: Services, family: Family, holder: Prover | None = None
) -> AccessTokenClaims:
    """Return the claims of an access token of that family, bound to the holder's key."""
    codec, now = services.auth.issuer.access, services.clock.now()
    return codec.claims_type(
        iss=codec.rules.issuer,
        aud=codec.rules.audience,
        sub=family.user_id,
        sid=family.family_id,
        jti=new_id(),
        iat=now,
        exp=now + 60,
        auth_time=now - 1,
        cnf={"jkt": holder.thumbprint} if holder else None,
    )


def token_of(services: Services, family: Family, holder: Prover | None = None) -> str:
    return services.auth.issuer.access.sign(claims_of(services, family, holder))


def proof_of(services: Services, prover: Prover, token: str) -> str:
    """Prove a request with an access token by that key, with the newest nonce."""
    said = {"nonce": services.nonce(), "iat": services.clock.now()}
    return prover.proof("GET", PUBLIC_URL + PATH, token, **said)


def request(app: Flask, headers: dict[str, str]) -> RequestContext:
    environ = {REQUEST_ID: "a request"}
    return app.test_request_context(
        PATH, base_url=PUBLIC_URL, headers=headers, environ_overrides=environ
    )


def refusal(app: Flask, headers: dict[str, str]) -> Refusal:
    """Ask with these headers; return what refuses them."""
    with request(app, headers), pytest.raises((InvalidToken, InvalidProof)) as refused:
        authenticate()
    return refused.value


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "missing"),
        ({"Authorization": "Basic YTpi"}, "not_compact"),
        ({"Authorization": "Bearer "}, "not_compact"),
        ({"Authorization": "Bearer " + "a" * 5000}, "too_long"),
    ],
)
def test_what_is_no_token_is_refused_for_its_reason(
    app: Flask, headers: dict[str, str], reason: str
) -> None:
    refused = refusal(app, headers)
    assert (type(refused), refused.reason, refused.status) == (InvalidToken, reason, 401)


def test_a_good_token_makes_a_caller(app: Flask, services: Services, active: Family) -> None:
    claims = claims_of(services, active)
    with request(app, bearer(services.auth.issuer.access.sign(claims))):
        authenticate()
        assert caller() == Caller(claims.sub, claims.sid, claims.auth_time, claims)


def test_a_good_token_under_another_scheme_is_none(
    app: Flask, services: Services, active: Family
) -> None:
    headers = {"Authorization": f"Token {token_of(services, active)}"}
    assert refusal(app, headers).reason == "not_compact"


def test_a_token_of_a_revoked_family_is_denied(
    app: Flask, services: Services, active: Family
) -> None:
    token = token_of(services, active)
    admin.revoke_sessions(services.auth, None)
    assert refusal(app, bearer(token)).reason == "denied"


@pytest.mark.parametrize(("scheme", "holder"), [("Bearer", HOLDER), ("DPoP", None)])
def test_a_token_has_one_scheme(
    app: Flask, services: Services, active: Family, scheme: str, holder: Prover | None
) -> None:
    """A bound token is no bearer token, an unbound one no DPoP token (RFC 9449 section 7.2)."""
    token = token_of(services, active, holder)
    refused = refusal(app, {"Authorization": f"{scheme} {token}"})
    assert (type(refused), refused.reason) == (InvalidToken, "scheme")


@pytest.mark.parametrize(("prover", "reason"), [(None, "missing"), (THIEF, "foreign_key")])
def test_a_bound_token_needs_its_holders_proof(
    app: Flask, services: Services, active: Family, prover: Prover | None, reason: str
) -> None:
    token = token_of(services, active, HOLDER)
    proof = proof_of(services, prover, token) if prover else None
    refused = refusal(app, dpop(token, proof))
    assert (type(refused), refused.reason, refused.status) == (InvalidProof, reason, 401)


def test_a_proof_is_good_for_one_request(app: Flask, services: Services, active: Family) -> None:
    token = token_of(services, active, HOLDER)
    headers = dpop(token, proof_of(services, HOLDER, token))
    with request(app, headers):
        authenticate()
    refused = refusal(app, headers)
    assert (type(refused), refused.reason) == (InvalidProof, "replayed")


def test_for_a_token_past_its_end_the_database_is_asked(
    app: Flask, services: Services, active: Family
) -> None:
    """It is accepted within the leeway, when its denylist entry may have expired."""
    services.denylist.denied(new_id())
    revoke(services.database, active, services.clock.now())  # and Redis knows nothing of it
    claims = claims_of(services, active)
    now = claims.iat
    late = replace(claims, auth_time=now - 4, iat=now - 3, exp=now - 1)
    sign = services.auth.issuer.access.sign
    assert refusal(app, bearer(sign(late))).reason == "denied"
    with request(app, bearer(sign(claims))):
        authenticate()  # the control: Redis is believed


def test_a_caller_has_the_claims_that_a_feature_added(services: Services, active: Family) -> None:
    """None when the token is older than the claim."""
    make: Any = with_claims({"plan": str, "seats": int})
    claims = make(**{**asdict(claims_of(services, active)), "plan": "pro", "seats": None})
    who = Caller(active.user_id, active.family_id, services.clock.now(), claims)
    assert (who.claim("plan"), who.claim("seats")) == ("pro", None)
    with pytest.raises(AttributeError):
        who.claim("colour")


def test_each_decorator_marks_what_it_returns() -> None:
    def view() -> str:
        return "seen"

    assert getattr(require_operator(view), MARK) == "operator"
    assert getattr(require_access(view), MARK) == "required"
    assert not hasattr(view, MARK)
    assert getattr(public(view), MARK) == "public"
