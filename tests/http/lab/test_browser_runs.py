"""Runs in a browser: what is recorded, and the account that they use."""

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.dev.lab import browser_accounts
from app.dev.lab.run_endpoints import NAME
from app.dev.lab.run_store import MAX_SEEN
from app.web.cookies import REFRESH
from tests.http.lab.visits import addresses, opened


def test_what_the_browser_really_sends(visitor: FlaskClient) -> None:
    """A request that names an open run is noted, its cookies by their names; no other is."""
    run = opened(visitor)["run"]
    visitor.set_cookie(REFRESH, "secret-value", domain="localhost")
    forged = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert visitor.post(f"/auth/refresh?lab_run={run}", headers=forged).status_code == 403
    visitor.post("/auth/refresh", headers=forged)
    visitor.post(f"/auth/refresh?lab_run={'0' * 32}", headers=forged)
    visitor.post("/auth/refresh?lab_run=x", headers=forged)
    [seen] = visitor.get(f"/lab/browser/{run}").get_json()["seen"]
    assert (seen["method"], seen["path"], seen["mode"]) == ("POST", "/auth/refresh", "navigate")
    assert (seen["cookies"], seen["set_cookies"], seen["status"]) == ([REFRESH], [], 403)
    assert f"Cookie: {REFRESH}=…" in seen["request"]
    assert "cross_origin" in seen["answer"]
    assert "secret-value" not in json.dumps(seen)


def test_what_was_seen_is_few_and_short(visitor: FlaskClient) -> None:
    run = opened(visitor)["run"]
    said = f"/lab/attacker-site/said?lab_run={run}"
    assert visitor.post(said, data=json.dumps({"from": "attacker"})).status_code == 204
    first, _ = visitor.get(f"/lab/browser/{run}").get_json()["seen"]
    assert first == {"kind": "said", "from": "attacker"}
    for _ in range(MAX_SEEN + 5):
        visitor.get(f"/healthz?lab_run={run}")
    assert len(visitor.get(f"/lab/browser/{run}").get_json()["seen"]) == MAX_SEEN
    assert visitor.post(said, data=json.dumps({"x": "x" * 20_000})).status_code == 413


def test_throwaway_account_of_a_browser(
    app: Flask, visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Erased at the end of its run, and by a later run when there was no end."""
    run = opened(visitor)
    assert addresses(app) == {run["account"]["email"]}
    assert not run["logged_in"]
    token = visitor.post(f"/lab/browser/{run['run']}/token").get_json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert visitor.get("/api/me", headers=bearer).status_code == 200
    for _ in range(2):
        assert visitor.post(f"/lab/browser/{run['run']}/close").status_code == 204
    assert addresses(app) == set()
    assert visitor.get("/api/me", headers=bearer).status_code == 401
    assert visitor.post(f"/lab/browser/{run['run']}/token").status_code == 404
    assert visitor.get(f"/lab/browser/{run['run']}").get_json()["seen"] == []
    monkeypatch.setattr(browser_accounts, "KEPT_SECONDS", -1)
    left = opened(visitor)
    visitor.set_cookie(REFRESH, "x", domain="localhost")
    after = opened(visitor)
    assert after["logged_in"]
    assert addresses(app) == {after["account"]["email"]} != {left["account"]["email"]}
    runs_of = app.extensions[NAME]
    with app.app_context():
        browser_accounts.erase("nobody@example.com", runs_of)
