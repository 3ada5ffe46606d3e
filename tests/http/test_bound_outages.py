"""Proofs while Redis is gone, or after it forgot."""

import io

import pytest

from app.attacks.prover import Prover
from app.families.models import Reason
from app.tokens.nonces import NONCE_SECONDS
from tests.support.app import PUBLIC_URL, repairs, services
from tests.support.bound import present
from tests.support.client import Client, dpop, ended, problem
from tests.support.clock import SettableClock
from tests.support.databases import one_database
from tests.support.servers.valkey import ValkeyServer


def test_one_round_trip_for_a_protected_request(holder: Client, valkey: ValkeyServer) -> None:
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


def test_redis_down(holder: Client, valkey: ValkeyServer, log: io.StringIO) -> None:
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
    assert log.getvalue().count("proofs checked in this process") == 1
    assert holder.me().status_code == 200
    spent = holder.refresh_token
    assert holder.refresh().status_code == 200
    assert present(holder.app, spent, holder.key).status_code == 200
    ended(present(holder.app, spent))
    assert holder.family().revoked_reason == Reason.NO_PROOF
    problem(holder.me(), 401, "invalid_token")
    valkey.make_sound()
    for repair in repairs():
        repair.join()


def test_redis_lost_its_memory(holder: Client, valkey: ValkeyServer) -> None:
    """Flushed, restarted empty: script and denylist are there again with the next request.

    What was used before is refused and not remembered; the honest client repeats once.
    """
    phone = Client(holder.app, key=Prover())
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


def repeated(holder: Client, path: str, before: str) -> None:
    """Send a proof that is too old: one repeat, with the nonce of the answer, is enough."""
    refreshes = path == "/auth/refresh"
    method, status = ("POST", 400) if refreshes else ("GET", 401)
    token = None if refreshes else holder.access_token
    headers = {} if token is None else dpop(token)
    answer = holder.ask(method, path, headers=headers | {"DPoP": before})
    problem(answer, status, "use_dpop_nonce")
    claimed = {"nonce": answer.headers["DPoP-Nonce"], "iat": services(holder.app).clock.now()}
    again = holder.key.proof(method, PUBLIC_URL + path, token, **claimed)
    assert holder.ask(method, path, headers=headers | {"DPoP": again}).status_code == 200


@one_database
@pytest.mark.parametrize("path", ["/auth/refresh", "/api/me"])
@pytest.mark.parametrize("seconds", [0, NONCE_SECONDS + 10], ids=["new-nonce", "old-nonce"])
def test_redis_lost_its_memory_costs_one_repeat(
    holder: Client, clock: SettableClock, valkey: ValkeyServer, path: str, seconds: int
) -> None:
    """The loss is noticed before the nonce for the repeat is made, however old the first was."""
    assert holder.me().status_code == 200
    refreshes = path == "/auth/refresh"
    before = holder.proof(path) if refreshes else holder.proof(path, "GET", holder.access_token)
    clock.forward(seconds)
    valkey.flush()
    repeated(holder, path, before)


def test_redis_lost_while_an_old_nonce_is_refused(
    holder: Client, clock: SettableClock, valkey: ValkeyServer
) -> None:
    before = holder.proof("/auth/refresh")
    clock.forward(NONCE_SECONDS + 10)
    valkey.stop()
    repeated(holder, "/auth/refresh", before)
    before = holder.proof("/auth/refresh")
    clock.forward(NONCE_SECONDS + 10)
    valkey.start()
    repeated(holder, "/auth/refresh", before)
