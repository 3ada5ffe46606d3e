"""Sessions that are bound to a key: how they are bound, and what a proof opens."""

from flask import Flask

from app.attacks.prover import Prover
from app.families import queries
from app.families.models import Reason
from tests.support.app import PUBLIC_URL, family_of, services
from tests.support.at_once import at_once
from tests.support.bound import new_keys, present
from tests.support.client import (
    EMAIL,
    PASSWORD,
    Client,
    bearer,
    claims,
    cookie_of,
    dpop,
    ended,
    problem,
    program,
)
from tests.support.clock import NOW
from tests.support.databases import one_database


def test_a_log_in_with_a_proof_binds(app: Flask) -> None:
    holder = Client(app, key=Prover())
    holder.create_account()
    body = holder.log_in().get_json()
    assert body["token_type"] == "DPoP"
    assert claims(body["access_token"])["cnf"] == {"jkt": holder.key.thumbprint}
    assert "cnf" not in claims(holder.refresh_token)
    assert (holder.family().jkt, holder.family().generation) == (holder.key.thumbprint, 0)
    assert holder.me().status_code == 200


def test_a_log_in_without_a_proof_does_not(ada: Client) -> None:
    assert "cnf" not in claims(ada.access_token)
    assert ada.refresh().get_json()["token_type"] == "Bearer"
    assert family_of(ada.app, ada.session_id).jkt is None
    assert ada.alive()


def test_a_log_in_with_a_bad_proof_begins_nothing(app: Flask) -> None:
    """It is refused, not taken for a log-in without a key."""
    holder = Client(app, key=Prover())
    holder.create_account()
    body = {"email": EMAIL, "password": PASSWORD}
    for proof, code in (
        ("rubbish", "invalid_dpop_proof"),
        (holder.proof("/auth/refresh"), "invalid_dpop_proof"),
        (holder.key.proof("POST", f"{PUBLIC_URL}/auth/login", iat=NOW), "use_dpop_nonce"),
    ):
        answer = holder.ask("POST", "/auth/login", body, {"DPoP": proof})
        problem(answer, 400, code)
        assert "Set-Cookie" not in answer.headers
    assert holder.log_in().status_code == 200
    assert len(holder.sessions()) == 1


def test_the_first_refresh_with_a_proof_binds(app: Flask, ada: Client) -> None:
    """Trust on first use: the statement that rotates also binds."""
    holder = Client(app, key=Prover())
    holder.cookies, before = ada.cookies, family_of(app, ada.session_id)
    body = holder.refresh().get_json()
    assert body["token_type"] == "DPoP"
    assert claims(body["access_token"])["cnf"] == {"jkt": holder.key.thumbprint}
    after = family_of(app, ada.session_id)
    assert (after.jkt, after.generation) == (holder.key.thumbprint, before.generation + 1)
    assert holder.alive()


def test_the_answer_that_bound_was_lost(app: Flask, ada: Client) -> None:
    """The first proof's own retry is served: its key is the family's by then."""
    key, first = Prover(), ada.refresh_token
    bound = present(app, first, key)
    again = present(app, first, key)
    assert (bound.status_code, again.status_code) == (200, 200)
    assert cookie_of(again) == cookie_of(bound)
    ended(present(app, first, Prover()))
    assert family_of(app, ada.session_id).revoked_reason == Reason.FOREIGN_KEY


def test_many_keys_race_to_bind(app: Flask, ada: Client) -> None:
    """At most one wins; that another came with the same token ends the family."""
    token = ada.refresh_token
    keys = new_keys(12)
    answers = at_once(12, lambda number: present(app, token, keys[number]))
    assert [answer.status_code for answer in answers].count(200) == 1
    family = family_of(app, ada.session_id)
    assert (family.generation, family.retries) == (1, 0)
    assert family.revoked_reason == Reason.FOREIGN_KEY


def test_a_binding_stays(holder: Client) -> None:
    for generation in range(1, 6):
        body = holder.refresh().get_json()
        assert body["token_type"] == "DPoP"
        family = holder.family()
        assert (family.jkt, family.generation) == (holder.key.thumbprint, generation)
    assert holder.me().status_code == 200


def test_the_form_binds_when_it_comes_with_a_proof(app: Flask, visitor: Client) -> None:
    visitor.create_account()
    key, path = Prover(), "/login"
    fields = {"email": EMAIL, "password": PASSWORD}
    for proof, status in (("rubbish", 400), (program(app, key=key).proof(path), 303)):
        fields["csrf_token"] = visitor.open_form(path)
        page = visitor.ask("POST", path, data=fields, headers={"DPoP": proof})
        assert page.status_code == status
    with services(app).database.autocommit() as connection:
        (family,) = queries.active_families(connection, visitor.user_id, NOW)
    assert family.jkt == key.thumbprint


@one_database
def test_a_bound_token_under_bearer_is_refused(holder: Client) -> None:
    """Without the proof it would be a bearer token; with one it must say so."""
    proof = holder.proof("/api/me", "GET", holder.access_token)
    for headers in (bearer(holder.access_token), bearer(holder.access_token) | {"DPoP": proof}):
        problem(holder.ask("GET", "/api/me", headers=headers), 401, "invalid_token")
    assert holder.alive()


@one_database
def test_an_unbound_token_under_dpop_is_refused(app: Flask, ada: Client) -> None:
    proof = program(app, key=Prover()).proof("/api/me", "GET", ada.access_token)
    for headers in (dpop(ada.access_token), dpop(ada.access_token, proof)):
        answer = ada.ask("GET", "/api/me", headers=headers)
        problem(answer, 401, "invalid_token")
        challenge = 'DPoP realm="latchkey", error="invalid_token", algs="ES256"'
        assert answer.headers["WWW-Authenticate"] == challenge
    assert ada.alive()


@one_database
def test_a_proof_opens_one_request(holder: Client) -> None:
    path = "/api/me"
    proof = holder.proof(path, "GET", holder.access_token)
    headers, before = dpop(holder.access_token, proof), holder.family()
    assert holder.ask("GET", path, headers=headers).status_code == 200
    answer = holder.ask("GET", path, headers=headers)
    problem(answer, 401, "invalid_dpop_proof")
    challenge = 'DPoP realm="latchkey", error="invalid_dpop_proof", algs="ES256"'
    assert answer.headers["WWW-Authenticate"] == challenge
    assert answer.headers["DPoP-Nonce"] == services(holder.app).nonce()
    assert "Set-Cookie" not in answer.headers
    assert holder.family() == before
    assert holder.alive()


@one_database
def test_a_stolen_access_token_opens_nothing(app: Flask, holder: Client) -> None:
    path, token, before = "/api/me", holder.access_token, holder.family()
    own = holder.proof(path, "GET", "another token")
    for proof in (None, program(app, key=Prover()).proof(path, "GET", token), own, "rubbish", ""):
        answer = program(app).ask("GET", path, headers=dpop(token, proof))
        problem(answer, 401, "invalid_dpop_proof")
    assert holder.family() == before
    assert holder.alive()


@one_database
def test_a_proof_for_a_former_token_is_none_for_the_next(holder: Client) -> None:
    """`ath` ties a proof to the one token it was made for."""
    former, path = holder.access_token, "/api/me"
    holder.refresh()
    proof = holder.proof(path, "GET", former)
    answer = holder.ask("GET", path, headers=dpop(holder.access_token, proof))
    problem(answer, 401, "invalid_dpop_proof")
    assert holder.ask("GET", path, headers=dpop(former, proof)).status_code == 200


@one_database
def test_a_revoked_token_is_refused_with_the_best_proof(holder: Client) -> None:
    token = holder.access_token
    holder.log_out()
    for _ in range(2):
        proof = holder.proof("/api/me", "GET", token)
        answer = holder.ask("GET", "/api/me", headers=dpop(token, proof))
        problem(answer, 401, "invalid_token")


@one_database
def test_every_protected_route_takes_a_proof_of_its_own(holder: Client) -> None:
    """Path and method are the request's: also where the path holds an id, or a body is sent."""
    other = Client(holder.app, key=Prover())
    other.log_in()
    assert holder.protected("DELETE", f"/auth/sessions/{other.session_id}").status_code == 204
    for path in ("/fragments/account", "/fragments/sessions", "/fragments/password"):
        assert holder.protected("GET", path).status_code == 200
    assert holder.protected("HEAD", "/api/me").status_code == 200
    assert holder.protected("POST", "/auth/logout-everywhere").status_code == 204


@one_database
def test_an_unmarked_route_is_shut_to_bound_sessions_too(app: Flask) -> None:
    """What carries no mark is guarded alike, and an unknown address is just that."""
    app.add_url_rule("/api/forgotten", "forgotten", lambda: "secret")
    holder = Client(app, key=Prover())
    holder.create_account()
    holder.log_in()
    path = "/api/forgotten"
    problem(holder.ask("GET", path), 401, "invalid_token")
    answer = holder.ask("GET", path, headers=dpop(holder.access_token))
    problem(answer, 401, "invalid_dpop_proof")
    assert holder.protected("GET", path).status_code == 200
    problem(holder.protected("GET", "/api/unknown"), 404, "not_found")
