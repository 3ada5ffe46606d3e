"""Sessions that are bound to a key: the honest retry is served, the thief never."""

from __future__ import annotations

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import flask_migrate
import pytest
from flask import template_rendered
from sqlalchemy import insert, inspect, text

from app import create_app
from app.accounts import queries as accounts
from app.accounts.models import users
from app.attacks.prover import Prover
from app.auth import admin
from app.families import queries, revocation, rotation
from app.families.issuer import TokenIssuer
from app.families.models import Reason
from app.infra.audit import Client
from app.infra.clock import rfc3339
from app.infra.database import Database
from app.services import NAME
from app.tokens.dpop import Proof
from app.tokens.nonces import PROOF_SECONDS
from config import Settings
from tests.conftest import PUBLIC_URL, close
from tests.support.client import (
    CLEARED,
    EMAIL,
    NEW_PASSWORD,
    PASSWORD,
    Actor,
    Thief,
    bearer,
    claims,
    cookie_lines,
    ended,
    form_token,
    member,
    problem,
)
from tests.support.clock import SettableClock
from tests.support.forger import REFRESH, Forger

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator

    from flask import Flask
    from werkzeug.test import TestResponse

    from app.families.models import Family
    from app.services import Services
    from tests.support.servers.postgres import PostgresServer
    from tests.support.servers.valkey import ValkeyServer

# The first second of a nonce's slot.
NOW = 1_800_000_000
HOUR = 3600
ELSEWHERE = "203.0.113.66"


class StillClock(SettableClock):
    """A clock that stands still until a test moves it."""

    def now(self) -> int:
        """Return the time it is set to."""
        return NOW + self.ahead


class Holder(Actor):
    """An honest user in a browser that holds a key: it proves each request."""

    def __init__(self, app: Flask, email: str = EMAIL, **more: str) -> None:
        super().__init__(app, email, **more)
        self.key = Prover()

    @property
    def own(self) -> Services:
        """The application's own parts."""
        return services(self.app)

    def family(self) -> Family:
        """Give the row of the session."""
        return row(self.app, self.session_id)

    def proof(self, path: str, method: str = "POST", token: str | None = None) -> str:
        """Prove one request, with the newest nonce."""
        return prove(self.app, self.key, path, method, token)

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: dict[str, str] | None = None,
        **more: Any,  # noqa: ANN401 - werkzeug's own
    ) -> TestResponse:
        """Send a request; where a session begins or goes on, with a proof."""
        proven = {"DPoP": self.proof(path)} if path in {"/auth/login", "/auth/refresh"} else {}
        return super().ask(method, path, body, proven | (headers or {}), **more)

    def protected(self, method: str, path: str, body: object = None) -> TestResponse:
        """Send a request with the access token and a proof of holding its key."""
        proof = self.proof(path, method, self.access_token)
        return self.ask(method, path, body, dpop(self.access_token, proof))


def services(app: Flask) -> Services:
    """Give the application's own parts."""
    own: Services = app.extensions[NAME]
    return own


def row(app: Flask, sid: str) -> Family:
    """Give a family's row as it is now, read on a connection of its own."""
    with services(app).database.autocommit() as connection:
        family = queries.find(connection, sid)
    assert family is not None
    return family


def prove(
    app: Flask, key: Prover, path: str, method: str = "POST", token: str | None = None
) -> str:
    """Prove one request by any key, with the newest nonce and the time of the server."""
    own = services(app)
    said: dict[str, Any] = {"nonce": own.nonce(), "iat": own.clock.now()}
    return key.proof(method, PUBLIC_URL + path, token, **said)


def dpop(token: str, proof: str | None = None) -> dict[str, str]:
    """Spell the headers of a bound request."""
    headers = {"Authorization": f"DPoP {token}"}
    return headers if proof is None else headers | {"DPoP": proof}


def present(app: Flask, cookie: str | None, key: Prover | None = None) -> TestResponse:
    """Present a refresh token from elsewhere, proved by that key if there is one."""
    headers = {"DPoP": prove(app, key, "/auth/refresh")} if key else {}
    place = {"REMOTE_ADDR": ELSEWHERE}
    return Thief(app).ask("POST", "/auth/refresh", cookie, None, headers, environ_overrides=place)


def events(log: io.StringIO, event: str) -> list[dict[str, Any]]:
    """Give the audit lines of one event."""
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in lines if line.get("event") == event]


def cookie_of(answer: TestResponse) -> str:
    """Give the refresh token that an answer hands out."""
    (line,) = [one for one in cookie_lines(answer) if "refresh" in one]
    return line.split("=", 1)[1].split(";", maxsplit=1)[0]


@pytest.fixture
def clock() -> StillClock:
    """Give the clock of the app."""
    return StillClock()


@pytest.fixture
def holder(app: Flask) -> Holder:
    """Give somebody who is logged in, bound from the start."""
    holder = Holder(app)
    assert holder.register().status_code == 201
    assert holder.log_in().status_code == 200
    return holder


# -- binding -------------------------------------------------------------------------------------


def test_a_log_in_with_a_proof_binds(app: Flask) -> None:
    """The family is the key's from its first row, and its tokens say so."""
    holder = Holder(app)
    holder.register()
    body = holder.log_in().get_json()
    assert body["token_type"] == "DPoP"
    assert claims(body["access_token"])["cnf"] == {"jkt": holder.key.thumbprint}
    assert "cnf" not in claims(holder.refresh_token)
    assert (holder.family().jkt, holder.family().generation) == (holder.key.thumbprint, 0)
    assert holder.me().status_code == 200


def test_a_log_in_without_a_proof_does_not(ada: Actor) -> None:
    """A client without a key gets what it always got."""
    assert "cnf" not in claims(ada.access_token)
    assert ada.refresh().get_json()["token_type"] == "Bearer"
    assert row(ada.app, ada.session_id).jkt is None
    assert ada.alive()


def test_a_log_in_with_a_bad_proof_begins_nothing(app: Flask) -> None:
    """It is refused, not taken for a log-in without a key."""
    holder = Holder(app)
    holder.register()
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


def test_the_first_refresh_with_a_proof_binds(app: Flask, ada: Actor) -> None:
    """Trust on first use: the statement that rotates also binds."""
    holder = Holder(app)
    holder.browser, before = ada.browser, row(app, ada.session_id)
    body = holder.refresh().get_json()
    assert body["token_type"] == "DPoP"
    assert claims(body["access_token"])["cnf"] == {"jkt": holder.key.thumbprint}
    after = row(app, ada.session_id)
    assert (after.jkt, after.generation) == (holder.key.thumbprint, before.generation + 1)
    assert holder.alive()


def test_the_answer_that_bound_was_lost(app: Flask, ada: Actor) -> None:
    """The first proof's own retry is served: its key is the family's by then."""
    key, first = Prover(), ada.refresh_token
    bound = present(app, first, key)
    again = present(app, first, key)
    assert (bound.status_code, again.status_code) == (200, 200)
    assert cookie_of(again) == cookie_of(bound)
    ended(present(app, first, Prover()))
    assert row(app, ada.session_id).revoked_reason == Reason.FOREIGN_KEY


def test_many_keys_race_to_bind(app: Flask, ada: Actor) -> None:
    """At most one wins; that another came with the same token ends the family."""
    token = ada.refresh_token
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda key: present(app, token, key), _keys(12)))
    assert [answer.status_code for answer in answers].count(200) == 1
    family = row(app, ada.session_id)
    assert (family.generation, family.retries) == (1, 0)
    assert family.revoked_reason == Reason.FOREIGN_KEY


def _keys(number: int) -> list[Prover]:
    return [Prover() for _ in range(number)]


def test_a_binding_stays(holder: Holder) -> None:
    """It neither changes nor degrades, however often the session goes on."""
    for generation in range(1, 6):
        body = holder.refresh().get_json()
        assert body["token_type"] == "DPoP"
        family = holder.family()
        assert (family.jkt, family.generation) == (holder.key.thumbprint, generation)
    assert holder.me().status_code == 200


def test_the_form_binds_when_it_comes_with_a_proof(app: Flask, visitor: Actor) -> None:
    """A form that script sends binds at log-in too; with a bad proof nobody is logged in."""
    visitor.register()
    key, path = Prover(), "/login"
    fields = {"email": EMAIL, "password": PASSWORD}
    for proof, status in (("rubbish", 400), (prove(app, key, path), 303)):
        fields["csrf_token"] = form_token(visitor.browser, path)
        page = visitor.browser.post(path, data=fields, headers={"DPoP": proof})
        assert page.status_code == status
    with services(app).database.autocommit() as connection:
        (family,) = queries.active_families(connection, visitor.user_id, NOW)
    assert family.jkt == key.thumbprint


# -- protected requests --------------------------------------------------------------------------


def test_a_bound_token_under_bearer_is_refused(holder: Holder) -> None:
    """Without the proof it would be a bearer token; with one it must say so."""
    proof = holder.proof("/api/me", "GET", holder.access_token)
    for headers in (bearer(holder.access_token), bearer(holder.access_token) | {"DPoP": proof}):
        problem(holder.ask("GET", "/api/me", headers=headers), 401, "invalid_token")
    assert holder.alive()


def test_an_unbound_token_under_dpop_is_refused(app: Flask, ada: Actor) -> None:
    """A proof by whomever makes no bound token of it."""
    proof = prove(app, Prover(), "/api/me", "GET", ada.access_token)
    for headers in (dpop(ada.access_token), dpop(ada.access_token, proof)):
        answer = ada.ask("GET", "/api/me", headers=headers)
        problem(answer, 401, "invalid_token")
        assert answer.headers["WWW-Authenticate"].startswith("DPoP ")
    assert ada.alive()


def test_a_proof_opens_one_request(holder: Holder) -> None:
    """The first time 200, replayed 401, and the next proof 200 again."""
    path = "/api/me"
    proof = holder.proof(path, "GET", holder.access_token)
    headers, before = dpop(holder.access_token, proof), holder.family()
    assert holder.ask("GET", path, headers=headers).status_code == 200
    answer = holder.ask("GET", path, headers=headers)
    problem(answer, 401, "invalid_dpop_proof")
    challenge = 'DPoP realm="latchkey", error="invalid_dpop_proof", algs="ES256"'
    assert answer.headers["WWW-Authenticate"] == challenge
    assert answer.headers["DPoP-Nonce"] == holder.own.nonce()
    assert "Set-Cookie" not in answer.headers
    assert holder.family() == before
    assert holder.alive()


def test_a_stolen_access_token_opens_nothing(app: Flask, holder: Holder) -> None:
    """Not without proof, not with the thief's, not with one made for another token."""
    path, token, before = "/api/me", holder.access_token, holder.family()
    own = holder.proof(path, "GET", "another token")
    for proof in (None, prove(app, Prover(), path, "GET", token), own, "rubbish", ""):
        answer = Thief(app).ask("GET", path, headers=dpop(token, proof))
        problem(answer, 401, "invalid_dpop_proof")
    assert holder.family() == before
    assert holder.alive()


def test_a_proof_for_a_former_token_is_none_for_the_next(holder: Holder) -> None:
    """`ath` ties a proof to the one token it was made for."""
    former, path = holder.access_token, "/api/me"
    holder.refresh()
    proof = holder.proof(path, "GET", former)
    problem(
        holder.ask("GET", path, headers=dpop(holder.access_token, proof)),
        401,
        "invalid_dpop_proof",
    )
    assert holder.ask("GET", path, headers=dpop(former, proof)).status_code == 200


def test_a_revoked_token_is_refused_with_the_best_proof(holder: Holder) -> None:
    """The proof does not stand in for the session."""
    token = holder.access_token
    holder.log_out()
    for _ in range(2):
        proof = holder.proof("/api/me", "GET", token)
        answer = holder.ask("GET", "/api/me", headers=dpop(token, proof))
        problem(answer, 401, "invalid_token")


def test_every_protected_route_takes_a_proof_of_its_own(holder: Holder) -> None:
    """Path and method are the request's: also where the path holds an id, or a body is sent."""
    other = Holder(holder.app)
    other.log_in()
    assert holder.protected("DELETE", f"/auth/sessions/{other.session_id}").status_code == 204
    for path in ("/fragments/account", "/fragments/sessions", "/fragments/password"):
        assert holder.protected("GET", path).status_code == 200
    assert holder.protected("HEAD", "/api/me").status_code == 200
    assert holder.protected("POST", "/auth/logout-everywhere").status_code == 204


def test_an_unmarked_route_is_shut_to_bound_sessions_too(app: Flask) -> None:
    """What carries no mark is guarded alike, and an unknown address is just that."""
    app.add_url_rule("/api/forgotten", "forgotten", lambda: "secret")
    holder = Holder(app)
    holder.register()
    holder.log_in()
    path = "/api/forgotten"
    problem(holder.ask("GET", path), 401, "invalid_token")
    answer = holder.ask("GET", path, headers=dpop(holder.access_token))
    problem(answer, 401, "invalid_dpop_proof")
    assert holder.protected("GET", path).status_code == 200
    problem(holder.protected("GET", "/api/unknown"), 404, "not_found")


# -- the honest retry ----------------------------------------------------------------------------


def test_a_lost_answer_is_given_again(holder: Holder, log: io.StringIO) -> None:
    """The predecessor with a proof gets the very same successor, as often as it asks."""
    app, first = holder.app, holder.refresh_token
    holder.refresh()
    successor, before = holder.refresh_token, holder.family()
    for number in range(1, 5):
        answer = present(app, first, holder.key)
        assert answer.status_code == 200
        assert cookie_of(answer) == successor
        assert holder.family() == replace(before, retries=number)
    assert len(events(log, "refresh_retried")) == 4
    assert events(log, "refresh_retried")[0]["sid"] == holder.session_id
    assert events(log, "refresh_refused") == []
    assert holder.alive()


def test_a_retry_after_hours_extends_nothing(holder: Holder, clock: StillClock) -> None:
    """The lid was shut during the refresh: eight hours later it is still the same session."""
    app, first = holder.app, holder.refresh_token
    holder.refresh()
    successor, before = holder.refresh_token, holder.family()
    for hours in (1, 7):
        clock.forward(hours * HOUR)
        answer = present(app, first, holder.key)
        assert (answer.status_code, cookie_of(answer)) == (200, successor)
        body = answer.get_json()
        assert claims(body["access_token"])["iat"] == clock.now()
        proof = prove(app, holder.key, "/api/me", "GET", body["access_token"])
        opened = Thief(app).ask("GET", "/api/me", headers=dpop(body["access_token"], proof))
        assert opened.status_code == 200
    after = holder.family()
    assert after == replace(before, retries=2, last_used_at=clock.now())
    assert after.idle_expires_at == NOW + 12 * HOUR
    assert holder.refresh().status_code == 200


def test_a_retry_ends_with_the_predecessor(holder: Holder, clock: StillClock) -> None:
    """The predecessor's own end is the end of it, and ends nothing else."""
    first = holder.refresh_token
    clock.forward(HOUR)
    holder.refresh()
    clock.forward(11 * HOUR + 5)
    before = holder.family()
    ended(present(holder.app, first, holder.key))
    assert holder.family() == before
    assert holder.refresh().status_code == 200


def test_a_retry_does_not_outlive_the_family(holder: Holder, clock: StillClock) -> None:
    """Shortly before the absolute end both halves are shorter, and no retry moves that."""
    clock.forward(11 * HOUR)
    holder.refresh()
    former = holder.refresh_token
    clock.forward(11 * HOUR)
    holder.refresh()
    clock.forward(2 * HOUR - 120)
    assert holder.family().absolute_expires_at == NOW + 24 * HOUR
    ended(present(holder.app, former, holder.key))
    assert holder.family().revoked_at is None
    body = holder.refresh().get_json()
    assert body["expires_in"] == 120
    assert claims(holder.refresh_token)["exp"] == NOW + 24 * HOUR


def test_a_remembered_cookie_is_not_kept_longer_by_a_retry(
    holder: Holder, clock: StillClock
) -> None:
    """Its Max-Age is what is left, so that the cookie ends when its token does."""
    holder.log_in(remember=True)
    first = holder.refresh_token
    holder.refresh()
    clock.forward(24 * HOUR)
    answer = present(holder.app, first, holder.key)
    assert cookie_of(answer) == holder.refresh_token
    assert f"Max-Age={6 * 24 * HOUR};" in answer.headers["Set-Cookie"]


def test_an_overtaken_token_is_a_retry(holder: Holder) -> None:
    """A request or a Set-Cookie that arrives after others went on twice throws nobody out."""
    first = holder.refresh_token
    for _ in range(3):
        assert holder.refresh().status_code == 200
    answer = present(holder.app, first, holder.key)
    assert (answer.status_code, cookie_of(answer)) == (200, holder.refresh_token)
    assert holder.family().retries == 1
    ended(present(holder.app, first))


def test_the_successor_was_presented(holder: Holder, clock: StillClock) -> None:
    """From then on, and after the burst, it is a spent token, and a proof does not help it."""
    first = holder.refresh_token
    clock.forward(rotation.IN_FLIGHT_SECONDS + 1)
    holder.refresh()
    assert present(holder.app, first, holder.key).status_code == 200
    clock.forward(rotation.IN_FLIGHT_SECONDS + 1)
    holder.refresh()
    ended(present(holder.app, first, holder.key))
    assert holder.family().revoked_reason == Reason.REUSE
    problem(holder.me(), 401, "invalid_token")
    ended(holder.refresh())


def test_retries_of_a_retried_token(holder: Holder) -> None:
    """Answers may come in any order: each step has its own retry, until the next."""
    for generation in range(1, 6):
        spent = holder.refresh_token
        assert holder.refresh().status_code == 200
        late = present(holder.app, spent, holder.key)
        assert cookie_of(late) == holder.refresh_token
        family = holder.family()
        assert (family.generation, family.retries) == (generation, generation)
    assert holder.alive()


def test_a_retry_keeps_where_the_rotation_came_from(holder: Holder) -> None:
    """It changes neither address nor browser of the session."""
    first = holder.refresh_token
    holder.refresh()
    present(holder.app, first, holder.key)
    assert (holder.family().ip, holder.family().retries) == ("127.0.0.1", 1)


# -- theft ---------------------------------------------------------------------------------------

# Which token, whose proof, and what the record says.
THEFTS: dict[str, tuple[int, str, str]] = {
    "current-without-proof": (-1, "none", Reason.NO_PROOF),
    "current-by-a-foreign-key": (-1, "foreign", Reason.FOREIGN_KEY),
    "predecessor-without-proof": (-2, "none", Reason.NO_PROOF),
    "predecessor-by-a-foreign-key": (-2, "foreign", Reason.FOREIGN_KEY),
    "older-without-proof": (0, "none", Reason.NO_PROOF),
    "older-by-a-foreign-key": (0, "foreign", Reason.FOREIGN_KEY),
    "older-by-its-own-key": (0, "own", Reason.REUSE),
}


def spend(holder: Holder, times: int = 3) -> list[str]:
    """Go on a few times, no two in one burst; give all refresh tokens, the current one last."""
    tokens = [holder.refresh_token]
    for _ in range(times):
        cast("StillClock", holder.own.clock).forward(rotation.IN_FLIGHT_SECONDS + 1)
        assert holder.refresh().status_code == 200
        tokens.append(holder.refresh_token)
    return tokens


def steal(holder: Holder, which: int, whose: str) -> TestResponse:
    """Present one of the tokens, as a thief or as somebody who has the key itself."""
    key = {"none": None, "foreign": Prover(), "own": holder.key}[whose]
    return present(holder.app, spend(holder)[which], key)


@pytest.mark.parametrize(("which", "whose", "reason"), THEFTS.values(), ids=THEFTS.keys())
def test_a_theft_ends_the_family(  # noqa: PLR0913, PLR0917 - a theft has this many sides
    holder: Holder, clock: StillClock, log: io.StringIO, which: int, whose: str, reason: str
) -> None:
    """It is committed and denied before the answer; row and record tell what the answer hides."""
    clock.forward(60)
    phone = Holder(holder.app, agent="curl/8.0")
    phone.log_in()
    answer = steal(holder, which, whose)
    ended(answer)
    family = holder.family()
    assert (family.revoked_reason, family.revoked_ip) == (reason, ELSEWHERE)
    assert (family.revoked_at, family.retries) == (clock.now(), 0)
    (line,) = events(log, "refresh_refused")
    assert (line["reason"], line["ip"], line["sid"]) == (reason, ELSEWHERE, family.family_id)
    assert (line["user_id"], line["request_id"]) == (
        holder.user_id,
        answer.headers["X-Request-Id"],
    )
    for hidden in (reason, ELSEWHERE, family.family_id):
        assert hidden not in answer.get_data(as_text=True)
    problem(holder.me(), 401, "invalid_token")
    ended(holder.refresh())
    assert phone.alive()


def test_a_second_look_changes_nothing(holder: Holder, clock: StillClock) -> None:
    """When and how it ended stays what it was, whoever comes later."""
    token = holder.refresh_token
    ended(present(holder.app, token))
    before = holder.family()
    clock.forward(60)
    for key in (None, Prover(), holder.key):
        ended(present(holder.app, token, key))
    assert holder.family() == before


def test_all_causes_look_alike(holder: Holder) -> None:
    """One answer, byte for byte but for the number of the request, whatever the cause."""
    app, seen = holder.app, set()

    def look(answer: TestResponse) -> None:
        ended(answer)
        number = answer.headers.pop("X-Request-Id")
        answer.headers.pop("Set-Cookie")  # as `ended` saw it; its Expires is the time of day
        answer.headers.pop("DPoP-Nonce")  # the time of day, too
        body = answer.get_data(as_text=True).replace(number, "")
        seen.add((answer.status, body, str(sorted(answer.headers))))

    for which, whose, _ in THEFTS.values():
        holder.log_in()
        look(steal(holder, which, whose))
    for key in (None, holder.key, Prover()):
        look(present(app, "rubbish", key))
        look(present(app, None, key))
        look(holder.ask("POST", "/auth/refresh", headers={"Cookie": "x=1"}))
    holder.log_in()
    token = holder.refresh_token
    holder.log_out()
    look(present(app, token, holder.key))
    look(present(app, token))
    assert len(seen) == 1


def use_up(holder: Holder, proof: str) -> None:
    """Have a proof been used before."""
    holder.own.auth.replay_cache.consume(
        Proof(holder.key.thumbprint, claims(proof)["jti"], holder.own.clock.now() + 10)
    )


def test_a_bad_proof_ends_nothing(holder: Holder, clock: StillClock) -> None:
    """Malformed, about something else, stale or used: refused, and all is as it was."""
    app, path = holder.app, "/auth/refresh"
    tokens = spend(holder)
    used, stale = holder.proof(path), holder.proof(path)
    use_up(holder, used)
    clock.forward(PROOF_SECONDS + 10)
    replayed = holder.proof(path)
    use_up(holder, replayed)
    before = holder.family()
    tampered = holder.proof(path)[:-8] + "AAAAAAAA"
    for proof, code in (
        ("", "invalid_dpop_proof"),
        ("rubbish", "invalid_dpop_proof"),
        (tampered, "invalid_dpop_proof"),
        (prove(app, Prover(), "/auth/login"), "invalid_dpop_proof"),
        (holder.proof("/api/me", "GET", holder.access_token), "invalid_dpop_proof"),
        (stale, "use_dpop_nonce"),
        (used, "use_dpop_nonce"),
        (replayed, "invalid_dpop_proof"),
    ):
        for token in (tokens[-1], tokens[-2], tokens[0]):
            answer = Thief(app).ask("POST", path, token, headers={"DPoP": proof})
            problem(answer, 400, code)
            assert "Set-Cookie" not in answer.headers
            assert answer.headers["DPoP-Nonce"] == holder.own.nonce()
    assert holder.family() == before
    assert holder.alive()


@pytest.mark.parametrize("proved", ["no-proof", "foreign", "own"])
def test_a_token_of_no_use_revokes_nothing(holder: Holder, clock: StillClock, proved: str) -> None:
    """Nobody but the holder of a valid token can end a family, proof or no proof."""
    app, settings = holder.app, holder.own.settings
    forger = Forger(settings, REFRESH, NOW, holder.user_id, holder.session_id)
    own = claims(holder.refresh_token)
    expired = replace(forger, now=NOW - 10**6, jti=own["jti"]).forge()
    tokens = [
        None,
        "",
        "rubbish",
        holder.access_token,
        holder.refresh_token[:-1],
        replace(forger, jti=own["jti"]).forge(key=b"x" * 32),
        replace(forger, family="f" * 22).forge(),
        replace(forger, user="u" * 22, jti=own["jti"]).forge(),
        expired,
    ]
    before = holder.family()
    key = {"no-proof": None, "foreign": Prover(), "own": holder.key}[proved]
    for token in tokens:
        ended(present(app, token, key))
    clock.forward(1)
    assert holder.family() == before
    assert holder.alive()


def test_an_expired_token_of_a_bound_family_ends_nothing(
    holder: Holder, clock: StillClock
) -> None:
    """What ran out by itself is no theft: the record says so."""
    token = holder.refresh_token
    clock.forward(12 * HOUR + 5)
    for key in (None, Prover(), holder.key):
        ended(present(holder.app, token, key))
    assert holder.family().revoked_at is None


@pytest.mark.parametrize("proved", [False, True], ids=["no-proof", "a-proof"])
def test_an_unbound_session_is_strict(
    app: Flask, ada: Actor, clock: StillClock, log: io.StringIO, *, proved: bool
) -> None:
    """A spent token one second old ends the family; a proof does not make it a retry."""
    spent = ada.refresh_token
    ada.refresh()
    clock.forward(1)
    ended(present(app, spent, Prover() if proved else None))
    family = row(app, ada.session_id)
    assert (family.revoked_reason, family.jkt) == (Reason.REUSE, None)
    assert [line["reason"] for line in events(log, "refresh_refused")] == [Reason.REUSE]
    problem(ada.me(), 401, "invalid_token")
    ended(ada.refresh())


# -- many at once --------------------------------------------------------------------------------


def at_once(number: int, act: Callable[[int], TestResponse]) -> list[TestResponse]:
    """Do something many times in parallel, all let go at one moment."""
    gate = threading.Barrier(number)

    def run(index: int) -> TestResponse:
        gate.wait()
        return act(index)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


@pytest.mark.parametrize("number", [2, 20])
def test_parallel_refreshes_get_one_successor(holder: Holder, number: int) -> None:
    """One rotates, the others are retries of it: one row, one step, nobody thrown out."""
    app, token = holder.app, holder.refresh_token
    answers = at_once(number, lambda _: present(app, token, holder.key))
    assert [answer.status_code for answer in answers] == [200] * number
    (successor,) = {cookie_of(answer) for answer in answers}
    family = holder.family()
    assert (family.generation, family.retries) == (1, number - 1)
    assert (family.jti, family.previous_jti) == (claims(successor)["jti"], claims(token)["jti"])
    assert present(app, successor, holder.key).status_code == 200


def test_parallel_thieves_get_nothing(holder: Holder) -> None:
    """Twenty at once with keys of their own: not one is served, and the family is over."""
    token, keys = holder.refresh_token, _keys(20)
    answers = at_once(20, lambda index: present(holder.app, token, keys[index]))
    assert [answer.status_code for answer in answers] == [401] * 20
    family = holder.family()
    assert (family.revoked_reason, family.generation) == (Reason.FOREIGN_KEY, 0)
    problem(holder.me(), 401, "invalid_token")


def test_the_owner_among_thieves(holder: Holder) -> None:
    """Whoever is first: no thief is ever served, and in the end the family is over."""
    token, keys = holder.refresh_token, [holder.key, *_keys(3), holder.key, *_keys(3)]
    answers = at_once(8, lambda index: present(holder.app, token, keys[index]))
    served = [keys[index] for index, one in enumerate(answers) if one.status_code == 200]
    assert all(key is holder.key for key in served)
    assert holder.family().revoked_reason == Reason.FOREIGN_KEY
    for answer in answers:
        if answer.status_code == 200:
            token = answer.get_json()["access_token"]
            proof = prove(holder.app, holder.key, "/api/me", "GET", token)
            opened = Thief(holder.app).ask("GET", "/api/me", headers=dpop(token, proof))
            problem(opened, 401, "invalid_token")


def test_one_proof_many_times_at_once(holder: Holder) -> None:
    """Of parallel copies of one proof exactly one passes, at either door."""
    app, token = holder.app, holder.refresh_token
    headers = {"DPoP": holder.proof("/auth/refresh")}
    answers = at_once(8, lambda _: Thief(app).ask("POST", "/auth/refresh", token, headers=headers))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    assert (holder.family().generation, holder.family().retries) == (1, 0)
    proof = holder.proof("/api/me", "GET", holder.access_token)
    access = dpop(holder.access_token, proof)
    answers = at_once(8, lambda _: Thief(app).ask("GET", "/api/me", headers=access))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7


# -- the other ways a session goes on or ends ----------------------------------------------------


def test_a_password_change_keeps_the_binding(holder: Holder) -> None:
    """The new family is the same key's; the old one is over, with its retry."""
    former, first = holder.session_id, holder.refresh_token
    holder.refresh()
    answer = holder.change_password(NEW_PASSWORD)
    assert answer.get_json()["token_type"] == "DPoP"
    assert holder.session_id != former
    assert holder.family().jkt == holder.key.thumbprint
    ended(present(holder.app, first, holder.key))
    assert row(holder.app, former).revoked_reason == Reason.PASSWORD_CHANGED
    assert holder.alive()
    ended(present(holder.app, holder.refresh_token))
    assert holder.family().revoked_reason == Reason.NO_PROOF


def change_with(actor: Actor, jkt: object) -> TestResponse:
    """Change the password and name a key for the new session."""
    body = {"current_password": actor.password, "new_password": NEW_PASSWORD, "dpop_jkt": jkt}
    return actor.protected("POST", "/auth/password", body)


@pytest.mark.parametrize("bound", [True, False])
def test_a_password_change_takes_a_new_key(app: Flask, *, bound: bool) -> None:
    """The new session is bound to the key that is named, also after an unbound one.

    A proof by the former key, which may have been planted, is a foreign key's from then on.
    """
    actor: Actor = Holder(app) if bound else Actor(app)
    actor.register()
    actor.log_in()
    new = Prover()
    answer = change_with(actor, new.thumbprint)
    assert (answer.status_code, answer.get_json()["token_type"]) == (200, "DPoP")
    sid, cookie = answer.get_json()["session"]["id"], cookie_of(answer)
    assert row(app, sid).jkt == new.thumbprint
    again = present(app, cookie, new)
    assert again.status_code == 200
    ended(present(app, cookie_of(again), actor.key if isinstance(actor, Holder) else Prover()))
    assert row(app, sid).revoked_reason == Reason.FOREIGN_KEY


@pytest.mark.parametrize(
    "jkt",
    ["", "A" * 42, "A" * 44, "A" * 42 + "B", "A" * 42 + "=", "A" * 43 + "\n", None, 7, ["A" * 43]],
)
def test_what_is_no_thumbprint_changes_nothing(holder: Holder, jkt: object) -> None:
    """It is looked at before the password: nothing is counted, nothing is changed."""
    problem(change_with(holder, jkt), 400, "invalid_request")
    assert holder.alive()
    assert holder.log_in(PASSWORD).status_code == 200


@pytest.mark.parametrize("by", ["cookie", "both", "predecessor"])
def test_logging_out_by_cookie_takes_no_proof(holder: Holder, by: str) -> None:
    """Who wants to leave is let go, and it is no theft."""
    first = holder.refresh_token
    holder.refresh()
    cookie = {"cookie": holder.refresh_token, "both": holder.refresh_token, "predecessor": first}
    headers = dpop(holder.access_token) if by == "both" else {}
    answer = Thief(holder.app).ask("POST", "/auth/logout", cookie.get(by), headers=headers)
    assert answer.status_code == 204
    assert CLEARED in cookie_lines(answer)
    assert holder.family().revoked_reason == Reason.LOGGED_OUT
    for token in (first, holder.refresh_token):
        ended(present(holder.app, token, holder.key))
    problem(holder.me(), 401, "invalid_token")


def captured(holder: Holder) -> dict[str, dict[str, str]]:
    """List what a finder of an access token can send with it."""
    path, token = "/auth/logout", holder.access_token
    foreign = prove(holder.app, Prover(), path, "POST", token)
    return {
        "as Bearer": bearer(token),
        "without proof": dpop(token),
        "with another key": dpop(token, foreign),
        "with a proof of another request": dpop(token, holder.proof("/api/me", "GET", token)),
        "with a proof of no token": dpop(token, holder.proof(path)),
    }


def test_captured_bound_token_logs_nobody_out(holder: Holder, log: io.StringIO) -> None:
    """It opens nothing without its proof, so it ends nothing either, and the record says so.

    With its proof it is as good as the cookie.
    """
    thief, path, token = Thief(holder.app), "/auth/logout", holder.access_token
    for what, headers in captured(holder).items():
        assert thief.ask("POST", path, headers=headers).status_code == 204, what
        assert holder.family().revoked_at is None, what
    assert len(events(log, "token_refused") + events(log, "proof_refused")) == 5
    good = dpop(token, holder.proof(path, "POST", token))
    assert thief.ask("POST", path, headers=good).status_code == 204
    assert holder.family().revoked_reason == Reason.LOGGED_OUT


def test_late_token_or_used_proof_logs_nobody_out(holder: Holder, clock: StillClock) -> None:
    """A token that expired, and a proof that was used before, are no credentials either."""
    thief, path, token = Thief(holder.app), "/auth/logout", holder.access_token
    used = holder.proof(path, "POST", token)
    use_up(holder, used)
    assert thief.ask("POST", path, headers=dpop(token, used)).status_code == 204
    assert holder.me().status_code == 200
    clock.forward(HOUR)
    late = dpop(token, holder.proof(path, "POST", token))
    assert thief.ask("POST", path, headers=late).status_code == 204
    assert holder.family().revoked_at is None
    assert holder.refresh().status_code == 200


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], object]], None]:
    """Give a function that lets something happen at one moment of the next refresh."""

    def arrange(moment: str, act: Callable[[], object]) -> None:
        owner: object = TokenIssuer if moment == "after" else Database
        name = "issue" if moment == "after" else "write"
        awaited = {"before": rotation.rotate, "between": rotation.retry}.get(moment)
        inner = getattr(owner, name)

        def then(*args: Any) -> Any:  # noqa: ANN401 - passed on
            if awaited in {None, args[1]}:
                monkeypatch.setattr(owner, name, inner)
                act()
            return inner(*args)

        monkeypatch.setattr(owner, name, then)

    return arrange


@pytest.mark.parametrize("moment", ["before", "between", "after"])
@pytest.mark.parametrize("how", ["log-out", "password"])
def test_it_ends_while_a_refresh_is_in_flight(
    holder: Holder, meanwhile: Callable[..., None], moment: str, how: str
) -> None:
    """At whatever moment: nothing revives, and neither refresh is called a theft."""
    app, first, sid = holder.app, holder.refresh_token, holder.session_id
    other = Holder(app)
    other.key, other.browser = holder.key, holder.browser
    other.access_token = holder.access_token
    if moment == "between":
        holder.refresh()
        other.access_token = holder.access_token

    def act() -> None:
        if how == "log-out":
            assert other.log_out().status_code == 204
        else:
            assert other.change_password(NEW_PASSWORD).status_code == 200

    meanwhile(moment, act)
    answer = present(app, first, holder.key)
    reason = Reason.LOGGED_OUT if how == "log-out" else Reason.PASSWORD_CHANGED
    assert row(app, sid).revoked_reason == reason
    if moment == "after":
        assert answer.status_code == 200
        token = answer.get_json()["access_token"]
        proof = prove(app, holder.key, "/api/me", "GET", token)
        opened = Thief(app).ask("GET", "/api/me", headers=dpop(token, proof))
        problem(opened, 401, "invalid_token")
        ended(present(app, cookie_of(answer), holder.key))
    else:
        ended(answer)
    ended(present(app, first, holder.key))
    assert row(app, sid).revoked_reason == reason
    if how == "password":
        assert other.alive()


def test_a_disabled_user_is_out(holder: Holder) -> None:
    """Neither the current token nor the retry works, and being shut out is no theft."""
    first = holder.refresh_token
    holder.refresh()
    auth = holder.own.auth
    user = admin.find_user(auth, EMAIL)
    admin.disable(auth, user)
    for token in (first, holder.refresh_token):
        for key in (holder.key, Prover(), None):
            ended(present(holder.app, token, key))
    problem(holder.me(), 401, "invalid_token")
    assert holder.family().revoked_reason == Reason.ADMIN
    admin.enable(auth, user)
    ended(present(holder.app, first, holder.key))
    assert holder.log_in().status_code == 200


def test_a_log_in_here_replaces_the_bound_session(holder: Holder) -> None:
    """A browser has one session: the former ends, whatever key it had."""
    former, token = holder.session_id, holder.refresh_token
    holder.key = Prover()
    assert holder.log_in().status_code == 200
    assert row(holder.app, former).revoked_reason == Reason.REPLACED
    ended(present(holder.app, token))
    assert row(holder.app, former).revoked_reason == Reason.REPLACED
    assert holder.alive()


def test_the_family_limit(holder: Holder, clock: StillClock) -> None:
    """The twenty-first session ends the one used least lately; a retry counts as use."""
    first = holder.refresh_token
    holder.refresh()
    clock.forward(1)
    own = holder.own
    with own.database.transaction() as connection:
        user = accounts.find(connection, holder.user_id)
        assert user is not None
        for _ in range(revocation.MAX_FAMILIES - 1):
            jkt, now = holder.key.thumbprint, clock.now()
            family = own.auth.issuer.new_family(user.id, Client(), now, remembered=False, jkt=jkt)
            queries.insert(connection, family)
    clock.forward(1)
    assert present(holder.app, first, holder.key).status_code == 200
    assert Holder(holder.app).log_in().status_code == 200
    with own.database.autocommit() as connection:
        live = queries.active_families(connection, holder.user_id, clock.now())
    assert len(live) == revocation.MAX_FAMILIES
    assert holder.session_id in {family.family_id for family in live}
    assert holder.alive()


# -- what its owner is shown ---------------------------------------------------------------------


def shown(holder: Holder) -> list[dict[str, Any]]:
    """Give the thefts that the sessions fragment is told of."""
    told: list[dict[str, Any]] = []

    def keep(_app: Flask, context: dict[str, Any], **_: object) -> None:
        told.extend(context["thefts"])

    with template_rendered.connected_to(keep, holder.app):
        assert holder.protected("GET", "/fragments/sessions").status_code == 200
    return told


def test_its_owner_is_told_what_happened(holder: Holder, clock: StillClock) -> None:
    """After the next log-in: which session, when, from where and why; for thirty days."""
    eve = Holder(holder.app, "eve@example.com")
    eve.register()
    eve.log_in()
    assert shown(holder) == []
    when: list[str] = []
    for whose in ("none", "foreign", "own"):
        clock.forward(60)
        steal(holder, 0, whose)
        when.insert(0, rfc3339(clock.now()))
        holder.log_in()
    told = shown(holder)
    reasons = [Reason.REUSE, Reason.FOREIGN_KEY, Reason.NO_PROOF]
    assert [one["reason"] for one in told] == reasons
    assert {one["ip"] for one in told} == {ELSEWHERE}
    assert {one["device"] for one in told} == {"Firefox on Windows"}
    assert [one["ended_at"] for one in told] == when
    assert shown(eve) == []
    clock.forward(30 * 24 * HOUR - 160)
    holder.log_in()
    assert [one["reason"] for one in shown(holder)] == reasons[:2]
    clock.forward(170)
    holder.log_in()
    assert shown(holder) == []


def test_what_ended_otherwise_is_not_shown(holder: Holder) -> None:
    """A log-out, a password change, another log-in here: nobody stole anything."""
    holder.log_in()
    holder.change_password(NEW_PASSWORD)
    holder.log_out()
    holder.log_in()
    assert shown(holder) == []


# -- nonces --------------------------------------------------------------------------------------


def test_a_nonce_to_its_last_second(holder: Holder, clock: StillClock) -> None:
    """Good for four minutes; then refused, with the newest in the answer."""
    clock.forward(10)  # past the moment in which Redis's memory began
    path, nonce = "/auth/refresh", holder.own.nonce()

    def attempt() -> TestResponse:
        proof = holder.key.proof("POST", PUBLIC_URL + path, nonce=nonce, iat=clock.now())
        return holder.ask("POST", path, headers={"DPoP": proof})

    for seconds in (0, 120, PROOF_SECONDS - 121):
        clock.forward(seconds)
        assert attempt().status_code == 200
    before = holder.family()
    clock.forward(1)
    answer = attempt()
    problem(answer, 400, "use_dpop_nonce")
    assert "Set-Cookie" not in answer.headers
    assert holder.family() == before
    nonce = answer.headers["DPoP-Nonce"]
    assert nonce == holder.own.nonce()
    assert attempt().status_code == 200


def test_a_stale_nonce_costs_one_repeat(holder: Holder, clock: StillClock) -> None:
    """On a protected request as well: 401, the newest nonce, and then 200."""
    path, token = "/api/me", holder.access_token
    proof = holder.proof(path, "GET", token)
    clock.forward(PROOF_SECONDS + 10)
    answer = holder.ask("GET", path, headers=dpop(token, proof))
    problem(answer, 401, "use_dpop_nonce")
    challenge = 'DPoP realm="latchkey", error="use_dpop_nonce", algs="ES256"'
    assert answer.headers["WWW-Authenticate"] == challenge
    holder.key.nonce = answer.headers["DPoP-Nonce"]
    again = holder.key.proof("GET", PUBLIC_URL + path, token, iat=clock.now())
    assert holder.ask("GET", path, headers=dpop(token, again)).status_code == 200


@pytest.mark.parametrize("hours", [-23, -1, 1, 23])
def test_a_wrong_client_clock_does_no_harm(holder: Holder, hours: int) -> None:
    """Nonces bound the age, the client's time does not."""
    path, token, at = "/api/me", holder.access_token, NOW + hours * HOUR
    nonce = holder.own.nonce()
    proof = holder.key.proof("GET", PUBLIC_URL + path, token, nonce=nonce, iat=at)
    assert holder.ask("GET", path, headers=dpop(token, proof)).status_code == 200
    proof = holder.key.proof("POST", f"{PUBLIC_URL}/auth/refresh", nonce=nonce, iat=at)
    answer = holder.ask("POST", "/auth/refresh", headers={"DPoP": proof})
    assert answer.status_code == 200


def test_where_nonces_come_from(app: Flask, ada: Actor) -> None:
    """Every answer under /auth, every 401, and every page; not what needs none."""
    nonce = services(app).nonce()
    thief = Thief(app)
    for answer in (
        ada.refresh(),
        ada.protected("GET", "/auth/sessions"),
        thief.me(""),
        thief.ask("POST", "/auth/refresh"),
        thief.ask("GET", "/auth/refresh"),
        thief.ask("GET", "/auth/unknown"),
        thief.ask("POST", "/auth/login", headers={"Origin": "https://evil.example"}),
        ada.log_out(),
    ):
        assert answer.headers.getlist("DPoP-Nonce") == [nonce]
    page = thief.ask("GET", "/login").get_data(as_text=True)
    assert re.search(rf'<meta name="dpop-nonce" content="{re.escape(nonce)}">', page)
    for path in ("/healthz", "/login", "/static/css/main.css"):
        assert "DPoP-Nonce" not in thief.ask("GET", path).headers


# -- Redis ---------------------------------------------------------------------------------------


def test_one_round_trip_for_a_protected_request(holder: Holder, valkey: ValkeyServer) -> None:
    """Denylist and proof are asked in one command; what it does inside costs no trip."""
    holder.me()  # the first one loads the script and rebuilds the denylist
    with valkey.client.monitor() as monitor:  # type: ignore[no-untyped-call]
        for _ in range(3):
            assert holder.me().status_code == 200
        valkey.client.echo("done")
        asked = []
        for said in monitor.listen():
            if said["command"].startswith("ECHO"):
                break
            command = said["command"].split()[0]
            if said["client_type"] != "lua" and command not in {"HELLO", "CLIENT"}:
                asked.append(command)
    assert asked == ["EVALSHA"] * 3


def test_redis_down(holder: Holder, valkey: ValkeyServer, log: io.StringIO) -> None:
    """Each process remembers proofs for itself; a replay is refused, and it is logged once."""
    path = "/api/me"
    before = dpop(holder.access_token, holder.proof(path, "GET", holder.access_token))
    assert holder.ask("GET", path, headers=before).status_code == 200
    valkey.stop()
    problem(holder.ask("GET", path, headers=before), 401, "use_dpop_nonce")
    refreshing = {"DPoP": holder.proof("/auth/refresh")}
    access = dpop(holder.access_token, holder.proof(path, "GET", holder.access_token))
    assert holder.ask("GET", path, headers=access).status_code == 200
    for _ in range(3):
        problem(holder.ask("GET", path, headers=access), 401, "invalid_dpop_proof")
    assert holder.ask("POST", "/auth/refresh", headers=refreshing).status_code == 200
    family = holder.family()
    for _ in range(3):
        answer = holder.ask("POST", "/auth/refresh", headers=refreshing)
        problem(answer, 400, "invalid_dpop_proof")
    assert holder.family() == family
    said = [line for line in log.getvalue().splitlines() if "proofs checked here" in line]
    assert len(said) == 1
    assert holder.me().status_code == 200
    spent = holder.refresh_token
    assert holder.refresh().status_code == 200
    assert present(holder.app, spent, holder.key).status_code == 200
    ended(present(holder.app, spent))
    assert holder.family().revoked_reason == Reason.NO_PROOF
    problem(holder.me(), 401, "invalid_token")
    valkey.make_sound()
    for thread in threading.enumerate():
        if thread.name == "denylist-repair":
            thread.join()


def test_redis_lost_its_memory(holder: Holder, valkey: ValkeyServer) -> None:
    """Flushed, restarted empty: script and denylist are there again with the next request.

    What was used before is refused and not remembered; the honest client repeats once.
    """
    phone = Holder(holder.app)
    phone.log_in()
    assert holder.me().status_code == 200
    phone.log_out()
    for lose in (valkey.flush, valkey.restart_empty):
        used = dpop(holder.access_token, holder.proof("/api/me", "GET", holder.access_token))
        assert holder.ask("GET", "/api/me", headers=used).status_code == 200
        lose()
        valkey.client.script_flush()
        problem(holder.ask("GET", "/api/me", headers=used), 401, "use_dpop_nonce")
        problem(holder.ask("GET", "/api/me", headers=used), 401, "invalid_dpop_proof")
        problem(phone.me(), 401, "invalid_token")
        proof = holder.proof("/api/me", "GET", holder.access_token)
        headers = dpop(holder.access_token, proof)
        assert holder.ask("GET", "/api/me", headers=headers).status_code == 200
        problem(holder.ask("GET", "/api/me", headers=headers), 401, "invalid_dpop_proof")


def repeated(holder: Holder, path: str, before: str) -> None:
    """Send a proof that is too old: one repeat, with the nonce of the answer, is enough."""
    refreshes = path == "/auth/refresh"
    method, status = ("POST", 400) if refreshes else ("GET", 401)
    token = None if refreshes else holder.access_token
    headers = {} if token is None else dpop(token)
    answer = holder.ask(method, path, headers=headers | {"DPoP": before})
    problem(answer, status, "use_dpop_nonce")
    claimed = {"nonce": answer.headers["DPoP-Nonce"], "iat": holder.own.clock.now()}
    again = holder.key.proof(method, PUBLIC_URL + path, token, **claimed)
    assert holder.ask(method, path, headers=headers | {"DPoP": again}).status_code == 200


@pytest.mark.parametrize("path", ["/auth/refresh", "/api/me"])
@pytest.mark.parametrize("seconds", [0, PROOF_SECONDS + 10], ids=["new-nonce", "old-nonce"])
def test_redis_lost_its_memory_costs_one_repeat(
    holder: Holder, clock: StillClock, valkey: ValkeyServer, path: str, seconds: int
) -> None:
    """The loss is noticed before the nonce for the repeat is made, however old the first was."""
    assert holder.me().status_code == 200
    refreshes = path == "/auth/refresh"
    before = holder.proof(path) if refreshes else holder.proof(path, "GET", holder.access_token)
    clock.forward(seconds)
    valkey.flush()
    repeated(holder, path, before)


def test_redis_lost_while_an_old_nonce_is_refused(
    holder: Holder, clock: StillClock, valkey: ValkeyServer
) -> None:
    """That nobody can be asked about the loss changes nothing for the client."""
    before = holder.proof("/auth/refresh")
    clock.forward(PROOF_SECONDS + 10)
    valkey.stop()
    repeated(holder, "/auth/refresh", before)
    before = holder.proof("/auth/refresh")
    clock.forward(PROOF_SECONDS + 10)
    valkey.start()
    repeated(holder, "/auth/refresh", before)


# -- the migration -------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def unmigrated_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Give an empty database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('unmigrated') / 'latchkey.db'}"
    postgres: PostgresServer = request.getfixturevalue("postgres")
    return postgres.create()


@pytest.fixture
def old_app(
    unmigrated_url: str,
    base_environment: dict[str, str],
    valkey: ValkeyServer,
    clock: StillClock,
) -> Iterator[Flask]:
    """Give the app on a database as it was before sessions could be bound."""
    servers = {"DATABASE_URL": unmigrated_url, "REDIS_URL": valkey.url}
    app = create_app(Settings.from_env(base_environment | servers), clock)
    with app.app_context():
        flask_migrate.upgrade(revision="0001")
    yield app
    close(app)


def migrate(app: Flask, revision: str) -> None:
    """Bring the database to that revision."""
    with app.app_context():
        if revision == "0001":
            flask_migrate.downgrade(revision=revision)
        else:
            flask_migrate.upgrade(revision=revision)


def rows(app: Flask) -> list[dict[str, Any]]:
    """Give all families as their table has them now."""
    with services(app).database.autocommit() as connection:
        found = connection.execute(text("SELECT * FROM families ORDER BY family_id"))
        return [dict(one) for one in found.mappings()]


def shape(app: Flask) -> dict[str, Any]:
    """Give what the families table is made of."""
    look = inspect(services(app).database.engine)
    return {
        "columns": sorted((c["name"], c["nullable"]) for c in look.get_columns("families")),
        "indexes": sorted(str(i["name"]) for i in look.get_indexes("families")),
        "keys": [(k["name"], k["referred_table"]) for k in look.get_foreign_keys("families")],
    }


OLD_ROW = {
    "previous_jti": "before" * 3,
    "generation": 3,
    "created_at": NOW - 60,
    "rotated_at": NOW,
    "last_used_at": NOW,
    "idle_expires_at": NOW + 12 * HOUR,
    "absolute_expires_at": NOW + 24 * HOUR,
    "remembered": False,
    "ip": "192.0.2.1",
    "user_agent": "a browser",
    "revoked_at": None,
    "revoked_reason": None,
}


def old_session(app: Flask, number: int) -> str:
    """Store an account with a session from before, and give its refresh token."""
    name = f"{number:022}"
    person = {"id": name, "email": f"{number}@example.com", "password_hash": "x"}
    values = OLD_ROW | {"family_id": name, "user_id": name, "jti": name}
    names = ", ".join(values)
    marks = ", ".join(f":{column}" for column in values)
    with services(app).database.transaction() as connection:
        connection.execute(insert(users).values(**person, created_at=NOW, password_changed_at=NOW))
        connection.execute(text(f"INSERT INTO families ({names}) VALUES ({marks})"), values)  # noqa: S608 - names of ours
    return Forger(services(app).settings, REFRESH, NOW, name, name, name).forge()


def test_the_migration_logs_nobody_out(old_app: Flask) -> None:
    """Up: every family goes on, unbound, and may bind. Down and up again: it still goes on."""
    app, key = old_app, Prover()
    first, second = old_session(app, 1), old_session(app, 2)
    before, old_shape = rows(app), shape(app)
    migrate(app, "heads")
    new = {
        "jkt": None,
        "revoked_ip": None,
        "retries": 0,
        "burst_started_at": OLD_ROW["rotated_at"],
    }
    assert rows(app) == [one | new for one in before]
    unbound, bound = present(app, first), present(app, second, key)
    assert [one.get_json()["token_type"] for one in (unbound, bound)] == ["Bearer", "DPoP"]
    assert [one["jkt"] for one in rows(app)] == [None, key.thumbprint]
    kept, new_shape = rows(app), shape(app)
    migrate(app, "0001")
    assert rows(app) == [
        {name: value for name, value in one.items() if name not in new} for one in kept
    ]
    assert shape(app) == old_shape
    migrate(app, "heads")
    assert shape(app) == new_shape
    for answer in (present(app, cookie_of(unbound)), present(app, cookie_of(bound), key)):
        assert answer.status_code == 200


def test_a_new_member_is_like_an_old_one(app: Flask) -> None:
    """After the migration a family begins with the same values that the old ones were given."""
    ada = member(app)
    family = row(app, ada.session_id)
    assert (family.jkt, family.revoked_ip, family.retries) == (None, None, 0)
