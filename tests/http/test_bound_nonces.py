"""The nonces of proofs: where they come from, and how long they are good."""

import re

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.tokens.nonces import NONCE_SECONDS
from tests.support.app import PUBLIC_URL, services
from tests.support.bound import HOUR
from tests.support.client import Client, dpop, problem, program
from tests.support.clock import NOW, SettableClock
from tests.support.databases import one_database

pytestmark = one_database


def test_a_nonce_to_its_last_second(holder: Client, clock: SettableClock) -> None:
    """Good for four minutes; then refused, with the newest in the answer."""
    clock.forward(10)  # past the moment in which Redis's memory began
    path, nonce = "/auth/refresh", services(holder.app).nonce()

    def attempt() -> TestResponse:
        proof = holder.key.proof("POST", PUBLIC_URL + path, nonce=nonce, iat=clock.now())
        return holder.ask("POST", path, headers={"DPoP": proof})

    for seconds in (0, 120, NONCE_SECONDS - 121):
        clock.forward(seconds)
        assert attempt().status_code == 200
    before = holder.family()
    clock.forward(1)
    answer = attempt()
    problem(answer, 400, "use_dpop_nonce")
    assert "Set-Cookie" not in answer.headers
    assert holder.family() == before
    nonce = answer.headers["DPoP-Nonce"]
    assert nonce == services(holder.app).nonce()
    assert attempt().status_code == 200


def test_a_stale_nonce_costs_one_repeat(holder: Client, clock: SettableClock) -> None:
    path, token = "/api/me", holder.access_token
    proof = holder.proof(path, "GET", token)
    clock.forward(NONCE_SECONDS + 10)
    answer = holder.ask("GET", path, headers=dpop(token, proof))
    problem(answer, 401, "use_dpop_nonce")
    challenge = 'DPoP realm="latchkey", error="use_dpop_nonce", algs="ES256"'
    assert answer.headers["WWW-Authenticate"] == challenge
    holder.key.nonce = answer.headers["DPoP-Nonce"]
    again = holder.key.proof("GET", PUBLIC_URL + path, token, iat=clock.now())
    assert holder.ask("GET", path, headers=dpop(token, again)).status_code == 200


@pytest.mark.parametrize("hours", [-23, -1, 1, 23])
def test_a_wrong_client_clock_does_no_harm(holder: Client, hours: int) -> None:
    path, token, at = "/api/me", holder.access_token, NOW + hours * HOUR
    nonce = services(holder.app).nonce()
    proof = holder.key.proof("GET", PUBLIC_URL + path, token, nonce=nonce, iat=at)
    assert holder.ask("GET", path, headers=dpop(token, proof)).status_code == 200
    proof = holder.key.proof("POST", f"{PUBLIC_URL}/auth/refresh", nonce=nonce, iat=at)
    answer = holder.ask("POST", "/auth/refresh", headers={"DPoP": proof})
    assert answer.status_code == 200


def test_where_nonces_come_from(app: Flask, ada: Client) -> None:
    """Every answer under /auth, every 401, and every page; not what needs none."""
    nonce = services(app).nonce()
    thief = program(app)
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
    page = thief.ask("GET", "/login").text
    assert re.search(rf'<meta name="dpop-nonce" content="{re.escape(nonce)}">', page)
    for path in ("/healthz", "/login", "/static/css/main.css"):
        assert "DPoP-Nonce" not in thief.ask("GET", path).headers
