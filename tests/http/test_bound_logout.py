"""Logging out of a bound session."""

import io

import pytest

from app.attacks.prover import Prover
from app.families.models import Reason
from tests.support.bound import HOUR, present, use_up
from tests.support.client import (
    CLEARED,
    Client,
    bearer,
    cookie_lines,
    dpop,
    ended,
    problem,
    program,
)
from tests.support.clock import SettableClock
from tests.support.log import records


@pytest.mark.parametrize("by", ["cookie", "both", "predecessor"])
def test_logging_out_by_cookie_takes_no_proof(holder: Client, by: str) -> None:
    first = holder.refresh_token
    holder.refresh()
    cookie = first if by == "predecessor" else holder.refresh_token
    headers = dpop(holder.access_token) if by == "both" else {}
    answer = program(holder.app).ask("POST", "/auth/logout", headers=headers, cookie=cookie)
    assert answer.status_code == 204
    assert CLEARED in cookie_lines(answer)
    assert holder.family().revoked_reason == Reason.LOGGED_OUT
    for token in (first, holder.refresh_token):
        ended(present(holder.app, token, holder.key))
    problem(holder.me(), 401, "invalid_token")


def captured(holder: Client) -> dict[str, dict[str, str]]:
    """List what a finder of an access token can send with it."""
    path, token = "/auth/logout", holder.access_token
    foreign = program(holder.app, key=Prover()).proof(path, "POST", token)
    return {
        "as Bearer": bearer(token),
        "without proof": dpop(token),
        "with another key": dpop(token, foreign),
        "with a proof of another request": dpop(token, holder.proof("/api/me", "GET", token)),
        "with a proof of no token": dpop(token, holder.proof(path)),
    }


def test_captured_bound_token_logs_nobody_out(holder: Client, log: io.StringIO) -> None:
    """It opens nothing without its proof, so it ends nothing either, and the record says so.

    With its proof it is as good as the cookie.
    """
    thief, path, token = program(holder.app), "/auth/logout", holder.access_token
    for what, headers in captured(holder).items():
        assert thief.ask("POST", path, headers=headers).status_code == 204, what
        assert holder.family().revoked_at is None, what
    assert len(records(log, "token_refused") + records(log, "proof_refused")) == 5
    good = dpop(token, holder.proof(path, "POST", token))
    assert thief.ask("POST", path, headers=good).status_code == 204
    assert holder.family().revoked_reason == Reason.LOGGED_OUT


def test_late_token_or_used_proof_logs_nobody_out(holder: Client, clock: SettableClock) -> None:
    thief, path, token = program(holder.app), "/auth/logout", holder.access_token
    used = holder.proof(path, "POST", token)
    use_up(holder, used)
    assert thief.ask("POST", path, headers=dpop(token, used)).status_code == 204
    assert holder.me().status_code == 200
    clock.forward(HOUR)
    late = dpop(token, holder.proof(path, "POST", token))
    assert thief.ask("POST", path, headers=late).status_code == 204
    assert holder.family().revoked_at is None
    assert holder.refresh().status_code == 200
