"""POST /auth/reauthenticate."""

import pytest
from flask import Flask

from app.attacks.prover import Prover
from tests.support.app import clock_of, family_of
from tests.support.client import (
    NEW_PASSWORD,
    PASSWORD,
    Client,
    claims,
    member,
    other_browser,
    problem,
    program,
)
from tests.support.clock import NOW

PATH = "/auth/reauthenticate"


@pytest.fixture
def ada(ada: Client) -> Client:
    """Somebody who logged in a while ago."""
    clock_of(ada.app).forward(400)
    return ada


def test_the_session_goes_on_with_a_newer_proof(ada: Client) -> None:
    """An access token of the same session that says so, with the life of any other."""
    before, family = ada.session_id, ada.family()
    answer = ada.reauthenticate()
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.get_json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "session", "user"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    assert body["session"]["id"] == before
    found = claims(ada.access_token)
    assert (found["auth_time"], found["iat"], found["amr"]) == (NOW + 400, NOW + 400, ["pwd"])
    assert ada.family().idle_expires_at == family.idle_expires_at
    assert ada.alive()


def test_the_browser_keeps_its_cookie(ada: Client) -> None:
    """Nothing is rotated, and a late answer cannot put a spent token in the successor's place."""
    cookies, family = dict(ada.cookies), ada.family()
    answer = ada.reauthenticate()
    assert "Set-Cookie" not in answer.headers
    assert ada.refresh_token not in answer.text
    assert ada.cookies == cookies
    assert (ada.family().jti, ada.family().generation) == (family.jti, family.generation)
    assert ada.refresh().status_code == 200
    assert claims(ada.access_token)["auth_time"] == NOW + 400


def test_older_access_tokens_keep_their_time(ada: Client, thief: Client) -> None:
    """They go on, and open what they opened; what asks for a recent proof refuses them."""
    older = ada.access_token
    assert ada.reauthenticate().status_code == 200
    assert thief.me(older).status_code == 200
    answer = thief.ask("POST", "/auth/logout-everywhere", access=older)
    problem(answer, 401, "insufficient_user_authentication")


def test_a_lost_answer_costs_nothing(ada: Client) -> None:
    """The same request again, with the same access token, is answered again."""
    lost = program(ada.app).ask("POST", PATH, {"password": PASSWORD}, access=ada.access_token)
    assert lost.status_code == 200
    assert ada.reauthenticate().status_code == 200
    assert ada.protected("POST", "/auth/logout-everywhere").status_code == 204


def test_a_refresh_overtakes_the_answer(ada: Client) -> None:
    """Whichever answer comes last, the cookie is the successor and the time the newer one."""
    older = ada.access_token
    tab = program(ada.app)
    assert ada.refresh().status_code == 200
    assert tab.ask("POST", PATH, {"password": PASSWORD}, access=older).status_code == 200
    assert ada.refresh().status_code == 200
    assert claims(ada.access_token)["auth_time"] == NOW + 400


def test_a_wrong_password_ends_nothing(ada: Client) -> None:
    """403, and neither the time changes nor the session ends."""
    answer = ada.reauthenticate("quarry lantern umbrella ten")
    assert problem(answer, 403, "wrong_password")["detail"] == "The password is wrong."
    assert "Set-Cookie" not in answer.headers
    assert ada.family().auth_time == NOW
    assert ada.alive()


@pytest.mark.parametrize(
    "body", [{}, {"password": ""}, {"password": 5}, {"current_password": "x"}]
)
def test_the_password_is_a_text(ada: Client, body: dict[str, object]) -> None:
    problem(ada.protected("POST", PATH, body), 400, "invalid_request")


@pytest.mark.parametrize("password", ["x" * 5000, "\ud800"])
def test_a_text_that_is_no_password_is_refused(ada: Client, password: str) -> None:
    """Too long, or not Unicode; it is not counted as a guess."""
    for _ in range(12):
        problem(ada.protected("POST", PATH, {"password": password}), 400, "invalid_request")
    assert ada.reauthenticate().status_code == 200


def test_the_cookie_alone_raises_nothing(ada: Client, thief: Client) -> None:
    """Neither as a credential, nor by the access token that it is exchanged for."""
    cookie = ada.refresh_token
    answer = thief.ask("POST", PATH, {"password": PASSWORD}, cookie=cookie)
    problem(answer, 401, "invalid_token")
    access = thief.refresh(cookie).get_json()["access_token"]
    assert claims(access)["auth_time"] == NOW
    problem(thief.ask("POST", PATH, {"password": "a guess"}, access=access), 403, "wrong_password")
    assert family_of(ada.app, ada.session_id).auth_time == NOW


def test_guesses_are_limited(ada: Client) -> None:
    """With the password's change together: neither is a way around the other's count."""
    for number in range(10):
        answer = (
            ada.reauthenticate("wrong")
            if number % 2
            else ada.change_password(NEW_PASSWORD, current="wrong")
        )
        problem(answer, 403, "wrong_password")
    answer = ada.reauthenticate()
    problem(answer, 429, "too_many_attempts")
    assert int(answer.headers["Retry-After"]) > 0
    assert ada.alive()


def test_thief_without_the_owners_browser_is_limited_sooner(ada: Client, thief: Client) -> None:
    """Five guesses with a stolen access token, and the owner's browser is not held up."""
    answers = [
        thief.ask("POST", PATH, {"password": "wrong"}, access=ada.access_token) for _ in range(6)
    ]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert ada.reauthenticate().status_code == 200


def test_another_session_of_the_user_is_as_old_as_it_was(ada: Client) -> None:
    phone = other_browser(ada)
    clock_of(ada.app).forward(400)
    assert ada.refresh().status_code == 200
    assert ada.reauthenticate().status_code == 200
    assert phone.refresh().status_code == 200
    problem(
        phone.protected("DELETE", f"/auth/sessions/{ada.session_id}"),
        401,
        "insufficient_user_authentication",
    )


def test_a_bound_session_needs_its_proof_and_stays_bound(app: Flask, thief: Client) -> None:
    """The access token alone proves nothing, and the new one is of use with the key only."""
    holder = member(app, key=Prover())
    clock_of(app).forward(400)
    body = {"password": PASSWORD}
    problem(thief.ask("POST", PATH, body, access=holder.access_token), 401, "invalid_token")
    answer = holder.reauthenticate()
    assert (answer.status_code, answer.get_json()["token_type"]) == (200, "DPoP")
    assert claims(holder.access_token)["cnf"] == {"jkt": holder.key.thumbprint}
    problem(thief.me(holder.access_token), 401, "invalid_token")
    assert holder.alive()


def test_a_session_that_was_bound_meanwhile_gives_out_no_bearer_token(ada: Client) -> None:
    """A tab refreshed with a proof; the token of the other tab is still a bearer token."""
    older = ada.access_token
    ada.key = Prover()
    assert ada.refresh().get_json()["token_type"] == "DPoP"
    tab = program(ada.app)
    answer = tab.ask("POST", PATH, {"password": PASSWORD}, access=older)
    assert (answer.status_code, answer.get_json()["token_type"]) == (200, "DPoP")
    problem(tab.me(answer.get_json()["access_token"]), 401, "invalid_token")
