from dataclasses import asdict, replace
from typing import Any

import pytest
from flask import Flask

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
from tests.support.app import PUBLIC_URL, services
from tests.support.factories import a_family, a_user, revoke

PATH = "/api/me"
HOLDER, THIEF = Prover(), Prover()


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Run once: the statements behind a guard are tested on both databases elsewhere."""
    return sqlite_url


@pytest.fixture
def own(app: Flask) -> Services:
    return services(app)


@pytest.fixture
def living(own: Services) -> Family:
    return a_family(own.database, a_user(own.database))


def claims_of(own: Services, family: Family, holder: Prover | None = None) -> AccessTokenClaims:
    """Return the claims of an access token of that family, bound to the holder's key."""
    codec, now = own.auth.issuer.access, own.clock.now()
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


def proof_of(own: Services, prover: Prover, token: str) -> str:
    """Prove a request with an access token by that key, with the newest nonce."""
    said = {"nonce": own.nonce(), "iat": own.clock.now()}
    return prover.proof("GET", PUBLIC_URL + PATH, token, **said)


def refusal(app: Flask, headers: dict[str, str]) -> Refusal:
    """Ask with these headers and give what comes of it."""
    environ = {REQUEST_ID: "a request"}
    with (
        app.test_request_context(
            PATH, base_url=PUBLIC_URL, headers=headers, environ_overrides=environ
        ),
        pytest.raises((InvalidToken, InvalidProof)) as refused,
    ):
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
    """The answer is the same for all of them."""
    refused = refusal(app, headers)
    assert (type(refused), refused.reason, refused.status) == (InvalidToken, reason, 401)


def test_a_good_token_makes_a_caller(app: Flask, own: Services, living: Family) -> None:
    """With all that the token says."""
    claims = claims_of(own, living)
    headers = {"Authorization": f"Bearer {own.auth.issuer.access.sign(claims)}"}
    with app.test_request_context(PATH, base_url=PUBLIC_URL, headers=headers):
        authenticate()
        assert caller() == Caller(claims.sub, claims.sid, claims.auth_time, claims)


def test_a_good_token_under_another_scheme_is_none(
    app: Flask, own: Services, living: Family
) -> None:
    """It is not even read."""
    token = own.auth.issuer.access.sign(claims_of(own, living))
    assert refusal(app, {"Authorization": f"Token {token}"}).reason == "not_compact"


def test_a_token_of_an_ended_family_is_denied(app: Flask, own: Services, living: Family) -> None:
    """The family it names is not there, so it is not live."""
    claims = claims_of(own, living)
    admin.revoke_sessions(own.auth, None)
    refused = refusal(app, {"Authorization": f"Bearer {own.auth.issuer.access.sign(claims)}"})
    assert refused.reason == "denied"


@pytest.mark.parametrize(("scheme", "holder"), [("Bearer", HOLDER), ("DPoP", None)])
def test_a_token_has_one_scheme(
    app: Flask, own: Services, living: Family, scheme: str, holder: Prover | None
) -> None:
    """A bound one is no bearer token, and the other way round (RFC 9449 section 7.2)."""
    token = own.auth.issuer.access.sign(claims_of(own, living, holder))
    refused = refusal(app, {"Authorization": f"{scheme} {token}"})
    assert (type(refused), refused.reason) == (InvalidToken, "scheme")


@pytest.mark.parametrize(("prover", "reason"), [(None, "missing"), (THIEF, "foreign_key")])
def test_a_bound_token_needs_its_holders_proof(
    app: Flask, own: Services, living: Family, prover: Prover | None, reason: str
) -> None:
    """Nobody's and anybody else's are no good."""
    token = own.auth.issuer.access.sign(claims_of(own, living, HOLDER))
    headers = {"Authorization": f"DPoP {token}"}
    if prover:
        headers["DPoP"] = proof_of(own, prover, token)
    refused = refusal(app, headers)
    assert (type(refused), refused.reason, refused.status) == (InvalidProof, reason, 401)


def test_a_proof_is_good_for_one_request(app: Flask, own: Services, living: Family) -> None:
    """The very same request again is refused, and so is another with the same proof."""
    token = own.auth.issuer.access.sign(claims_of(own, living, HOLDER))
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof_of(own, HOLDER, token)}
    with app.test_request_context(PATH, base_url=PUBLIC_URL, headers=headers):
        authenticate()
    refused = refusal(app, headers)
    assert (type(refused), refused.reason) == (InvalidProof, "replayed")


def test_a_token_past_its_end_asks_the_database(app: Flask, own: Services, living: Family) -> None:
    """The leeway lets it live; the denylist's entry may be gone by the clock that wrote it."""
    own.denylist.denied(new_id())
    revoke(own.database, living, own.clock.now())  # and Redis knows nothing of it
    claims = claims_of(own, living)
    now = claims.iat
    late = replace(claims, auth_time=now - 4, iat=now - 3, exp=now - 1)
    headers = {"Authorization": f"Bearer {own.auth.issuer.access.sign(late)}"}
    assert refusal(app, headers).reason == "denied"
    headers = {"Authorization": f"Bearer {own.auth.issuer.access.sign(claims)}"}
    with app.test_request_context(PATH, base_url=PUBLIC_URL, headers=headers):
        authenticate()  # the control: Redis is believed


def test_a_mark_says_which() -> None:
    """The list of routes tells the open ones by it."""

    def view() -> str:
        return "seen"

    assert getattr(require_access(view), MARK) == "required"
    assert not hasattr(view, MARK)
    assert getattr(public(view), MARK) == "public"


def test_a_caller_has_the_claims_that_a_feature_added(own: Services, living: Family) -> None:
    """None where the token is older than the claim; a name that nobody added is a mistake."""
    make: Any = with_claims({"plan": str, "seats": int})
    claims = make(**{**asdict(claims_of(own, living)), "plan": "pro", "seats": None})
    who = Caller(living.user_id, living.family_id, own.clock.now(), claims)
    assert (who.claim("plan"), who.claim("seats")) == ("pro", None)
    with pytest.raises(AttributeError):
        who.claim("colour")


def test_each_decorator_marks_its_views() -> None:
    """The document of the API tells from it what a route asks for."""
    marks = [
        getattr(mark(lambda: ""), MARK) for mark in (public, require_access, require_operator)
    ]
    assert marks == ["public", "required", "operator"]
