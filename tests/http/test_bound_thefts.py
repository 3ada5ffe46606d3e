"""A bound session's token in other hands: it opens nothing, and the family ends."""

import io
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask, template_rendered
from werkzeug.test import TestResponse

from app.attacks.prover import Prover
from app.families.models import Reason
from app.infra.clock import rfc3339
from app.tokens.nonces import NONCE_SECONDS
from tests.support.app import family_of, services
from tests.support.bound import ELSEWHERE, HOUR, present, spend, steal, use_up
from tests.support.client import NEW_PASSWORD, Client, claims, ended, problem, program
from tests.support.clock import NOW, SettableClock
from tests.support.forger import REFRESH, Forger
from tests.support.log import records

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


@pytest.mark.parametrize(("which", "whose", "reason"), THEFTS.values(), ids=THEFTS.keys())
def test_a_theft_ends_the_family(  # noqa: PLR0913, PLR0917 - a theft has this many sides
    holder: Client, clock: SettableClock, log: io.StringIO, which: int, whose: str, reason: str
) -> None:
    """It is committed and denied before the answer; row and record tell what the answer hides."""
    clock.forward(60)
    phone = Client(holder.app, key=Prover(), agent="curl/8.0")
    phone.log_in()
    answer = steal(holder, which, whose)
    ended(answer)
    family = holder.family()
    assert (family.revoked_reason, family.revoked_ip) == (reason, ELSEWHERE)
    assert (family.revoked_at, family.retries) == (clock.now(), 0)
    (line,) = records(log, "refresh_refused")
    assert (line["reason"], line["ip"], line["sid"]) == (reason, ELSEWHERE, family.family_id)
    assert line["user_id"] == holder.user_id
    assert line["request_id"] == answer.headers["X-Request-Id"]
    for hidden in (reason, ELSEWHERE, family.family_id):
        assert hidden not in answer.text
    problem(holder.me(), 401, "invalid_token")
    ended(holder.refresh())
    assert phone.alive()


def test_a_second_look_changes_nothing(holder: Client, clock: SettableClock) -> None:
    token = holder.refresh_token
    ended(present(holder.app, token))
    before = holder.family()
    clock.forward(60)
    for key in (None, Prover(), holder.key):
        ended(present(holder.app, token, key))
    assert holder.family() == before


def test_all_causes_look_alike(holder: Client) -> None:
    """One answer, byte for byte but for the number of the request, whatever the cause."""
    app, seen = holder.app, set()

    def look(answer: TestResponse) -> None:
        ended(answer)
        number = answer.headers.pop("X-Request-Id")
        answer.headers.pop("Set-Cookie")  # as `ended` saw it; its Expires is the time of day
        answer.headers.pop("DPoP-Nonce")  # the time of day, too
        body = answer.text.replace(number, "")
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


def test_a_bad_proof_ends_nothing(holder: Client, clock: SettableClock) -> None:
    app, path = holder.app, "/auth/refresh"
    tokens = spend(holder)
    used, stale = holder.proof(path), holder.proof(path)
    use_up(holder, used)
    clock.forward(NONCE_SECONDS + 10)
    replayed = holder.proof(path)
    use_up(holder, replayed)
    before = holder.family()
    tampered = holder.proof(path)[:-8] + "AAAAAAAA"
    for proof, code in (
        ("", "invalid_dpop_proof"),
        ("rubbish", "invalid_dpop_proof"),
        (tampered, "invalid_dpop_proof"),
        (program(app, key=Prover()).proof("/auth/login"), "invalid_dpop_proof"),
        (holder.proof("/api/me", "GET", holder.access_token), "invalid_dpop_proof"),
        (stale, "use_dpop_nonce"),
        (used, "use_dpop_nonce"),
        (replayed, "invalid_dpop_proof"),
    ):
        for token in (tokens[-1], tokens[-2], tokens[0]):
            answer = program(app).ask("POST", path, cookie=token, headers={"DPoP": proof})
            problem(answer, 400, code)
            assert "Set-Cookie" not in answer.headers
            assert answer.headers["DPoP-Nonce"] == services(holder.app).nonce()
    assert holder.family() == before
    assert holder.alive()


@pytest.mark.parametrize("proved", ["no-proof", "foreign", "own"])
def test_a_token_of_no_use_revokes_nothing(
    holder: Client, clock: SettableClock, proved: str
) -> None:
    """Nobody but the holder of a valid token can end a family, proof or no proof."""
    settings, jti = services(holder.app).settings, claims(holder.refresh_token)["jti"]
    forger = Forger(settings, REFRESH, NOW, holder.user_id, holder.session_id, jti)
    tokens = [
        None,
        "",
        "rubbish",
        holder.access_token,
        holder.refresh_token[:-1],
        forger.forge(key=b"x" * 32),
        replace(forger, family="f" * 22).forge(),
        replace(forger, user="u" * 22).forge(),
        replace(forger, now=NOW - 10**6).forge(),
    ]
    before = holder.family()
    key = {"no-proof": None, "foreign": Prover(), "own": holder.key}[proved]
    for token in tokens:
        ended(present(holder.app, token, key))
    clock.forward(1)
    assert holder.family() == before
    assert holder.alive()


def test_an_expired_token_of_a_bound_family_ends_nothing(
    holder: Client, clock: SettableClock
) -> None:
    token = holder.refresh_token
    clock.forward(12 * HOUR + 5)
    for key in (None, Prover(), holder.key):
        ended(present(holder.app, token, key))
    assert holder.family().revoked_at is None


@pytest.mark.parametrize("proved", [False, True], ids=["no-proof", "a-proof"])
def test_an_unbound_session_is_strict(
    app: Flask, ada: Client, clock: SettableClock, log: io.StringIO, *, proved: bool
) -> None:
    """A spent token one second old ends the family; a proof does not make it a retry."""
    spent = ada.refresh_token
    ada.refresh()
    clock.forward(1)
    ended(present(app, spent, Prover() if proved else None))
    family = family_of(app, ada.session_id)
    assert (family.revoked_reason, family.jkt) == (Reason.REUSE, None)
    assert [line["reason"] for line in records(log, "refresh_refused")] == [Reason.REUSE]
    problem(ada.me(), 401, "invalid_token")
    ended(ada.refresh())


def shown(holder: Client) -> list[dict[str, Any]]:
    """Return the thefts that the sessions fragment is told of."""
    told: list[dict[str, Any]] = []

    def keep(_app: Flask, context: dict[str, Any], **_: object) -> None:
        told.extend(context["thefts"])

    with template_rendered.connected_to(keep, holder.app):
        assert holder.protected("GET", "/fragments/sessions").status_code == 200
    return told


def test_its_owner_is_told_what_happened(holder: Client, clock: SettableClock) -> None:
    """After the next log-in: which session, when, from where and why; for thirty days."""
    eve = Client(holder.app, "eve@example.com", key=Prover())
    eve.create_account()
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


def test_what_ended_otherwise_is_not_shown(holder: Client) -> None:
    holder.log_in()
    holder.change_password(NEW_PASSWORD)
    holder.log_out()
    holder.log_in()
    assert shown(holder) == []
