"""Redis is another one, another's or short of memory: no revoked token works for long."""

import base64
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.attacks.prover import Prover
from app.tokens.nonces import SECOND_BYTES
from tests.support.client import Client, dpop, pair, program
from tests.support.processes import free_port, wait_until
from tests.support.servers.forwarder import Forwarder
from tests.support.servers.gunicorn import GunicornServer
from tests.support.servers.valkey import ValkeyServer

WORKERS = 3
PROMISED_SECONDS = 10


@pytest.fixture
def deploy(
    serve: Callable[..., GunicornServer],
    base_environment: dict[str, str],
    migrated_sqlite: Path,
    tmp_path: Path,
) -> Callable[[str], Client]:
    """A function that deploys on that Redis, with a database and an issuer of its own."""

    def start(redis_url: str) -> Client:
        path = tmp_path / f"{free_port()}.db"
        path.write_bytes(migrated_sqlite.read_bytes())
        servers = {"DATABASE_URL": f"sqlite:///{path}", "REDIS_URL": redis_url}
        wire = program(serve(base_environment | servers, workers=WORKERS))
        wire.create_account()
        return wire

    return start


@pytest.fixture
def replicas() -> Iterator[tuple[ValkeyServer, ValkeyServer]]:
    """Two servers, of which the second can copy the first."""
    with ValkeyServer(free_port()) as first, ValkeyServer(free_port()) as second:
        yield first, second


def log_out(wire: Client, access: str) -> None:
    """End the session of an access token, five minutes ago as far as the database knows.

    So long ago that no look at what was revoked lately finds it; its token is still good.
    """
    assert wire.ask("POST", "/auth/logout", access=access).status_code == 204
    with closing(sqlite3.connect(wire.server.database)) as database, database:
        database.execute("UPDATE families SET revoked_at = revoked_at - 300")


def copied(second: ValkeyServer) -> bool:
    """Tell whether a replica is up to date and stays so."""
    return bool(second.client.info("replication")["master_link_status"] == "up")


@pytest.mark.parametrize("keep_old", [False, True], ids=["all-move", "only-new-ones-move"])
def test_a_failover_that_leaves_connections_alive(
    deploy: Callable[[str], Client], replicas: tuple[ValkeyServer, ValkeyServer], *, keep_old: bool
) -> None:
    """To a replica that was cut off before: it has the marker, and lacks the newest entry."""
    first, second = replicas
    with Forwarder(first.socket) as front:
        wire = deploy(front.url)
        good, dead = pair(wire.log_in())[0], pair(wire.log_in())[0]
        assert (wire.me_everywhere(good), wire.me_everywhere(dead)) == ({200}, {200})
        second.client.replicaof("127.0.0.1", str(first.port))
        wait_until(lambda: copied(second), what="the copy")
        second.client.replicaof("NO", "ONE")
        log_out(wire, dead)
        assert wire.me_everywhere(dead) == {401}
        assert second.client.keys("*denylist-complete"), "the replica has the marker"
        assert not second.client.keys("*deny:*"), "and no entry"
        front.switch(second.socket, keep_old=keep_old)
        time.sleep(PROMISED_SECONDS)
        for _ in range(3):
            assert wire.me_everywhere(dead) == {401}
            assert wire.me_everywhere(good) == {200}
        assert second.client.keys("*deny:*"), "the list was written there"


def test_a_replica_that_is_promoted_in_place(
    deploy: Callable[[str], Client], replicas: tuple[ValkeyServer, ValkeyServer]
) -> None:
    """While it is a replica it is not believed; promoted, it gets the whole list."""
    first, second = replicas
    with Forwarder(first.socket) as front:
        wire = deploy(front.url)
        good, dead = pair(wire.log_in())[0], pair(wire.log_in())[0]
        assert wire.me_everywhere(dead) == {200}
        second.client.replicaof("127.0.0.1", str(first.port))
        wait_until(lambda: copied(second), what="the copy")
        front.switch(second.socket)
        log_out(wire, dead)
        time.sleep(PROMISED_SECONDS)
        assert (wire.me_everywhere(dead), wire.me_everywhere(good)) == ({401}, {200})
        assert "redis not trusted, asking the database: it is not a primary" in wire.server.log
        second.client.replicaof("NO", "ONE")
        wait_until(lambda: bool(second.client.keys("*deny:*")), what="the entry")
        assert (wire.me_everywhere(dead), wire.me_everywhere(good)) == ({401}, {200})


def test_two_deployments_on_one_redis(
    deploy: Callable[[str], Client], valkey: ValkeyServer
) -> None:
    """After a flush the one that writes first says nothing for the other."""
    ours, theirs = deploy(valkey.url), deploy(valkey.url)
    good, dead = pair(ours.log_in())[0], pair(ours.log_in())[0]
    other = pair(theirs.log_in())[0]
    for wire, token in ((ours, good), (ours, dead), (theirs, other)):
        assert wire.me_everywhere(token) == {200}
    log_out(ours, dead)
    for _ in range(3):
        valkey.flush()
        assert theirs.me_everywhere(other) == {200}
        assert ours.me_everywhere(dead) == {401}
        assert ours.me_everywhere(good) == {200}


def test_a_redis_that_evicts(deploy: Callable[[str], Client], valkey: ValkeyServer) -> None:
    """Set at run time: the database is asked, the log says why, and it ends with the policy."""
    wire = deploy(valkey.url)
    good, dead = pair(wire.log_in())[0], pair(wire.log_in())[0]
    assert wire.me_everywhere(good) == {200}
    log_out(wire, dead)
    assert wire.me_everywhere(dead) == {401}
    try:
        valkey.client.config_set("maxmemory-policy", "volatile-lru")
        time.sleep(PROMISED_SECONDS)
        assert wire.me_everywhere(good) == {200}
        crowd(valkey)
        for _ in range(3):
            assert wire.me_everywhere(dead) == {401}
            assert wire.me_everywhere(good) == {200}
        said = "redis not trusted, asking the database: it evicts keys (volatile-lru)"
        assert 1 <= wire.server.log.count(said) <= WORKERS
    finally:
        valkey.client.config_set("maxmemory-policy", "noeviction")
        valkey.client.config_set("maxmemory", 0)
    time.sleep(PROMISED_SECONDS)
    for _ in range(2):
        assert wire.me_everywhere(dead) == {401}
    assert valkey.client.keys("*deny:*"), "the list was written again"


def crowd(valkey: ValkeyServer) -> None:
    """Fill the memory until every entry is evicted; the marker, which never ends, stays."""
    valkey.client.config_set(
        "maxmemory", int(valkey.client.info("memory")["used_memory"]) + 100000
    )
    number = 0
    while valkey.client.keys("*deny:*"):
        for _ in range(200):
            valkey.client.set(f"crowd:{number}", "x" * 500, ex=600)
            number += 1
        assert number < 100000
    assert valkey.client.keys("*denylist-complete")


# -- proofs -------------------------------------------------------------------------------------


class Honest(Client):
    """A client that holds a key; with a nonce that is refused it repeats once."""

    repeats = 0

    def ask(self, *args: Any, **more: Any) -> TestResponse:  # noqa: ANN401 - Client's own
        """Send a request, and once more where its nonce was too old."""
        answer = super().ask(*args, **more)
        if answer.status_code in {400, 401} and answer.get_json()["code"] == "use_dpop_nonce":
            self.repeats += 1
            answer = super().ask(*args, **more)
        return answer


def minted(nonce: str) -> int:
    """Return the second that a nonce carries."""
    return int.from_bytes(base64.urlsafe_b64decode(nonce)[:SECOND_BYTES])


def lose_by_flush(valkey: ValkeyServer) -> None:
    """Flush."""
    valkey.flush()


def lose_by_restart(valkey: ValkeyServer) -> None:
    """Come back empty."""
    valkey.restart_empty()


def lose_the_newest(valkey: ValkeyServer) -> None:
    """Come back with the marker and without the proofs, as after a crash."""
    for key in valkey.client.scan_iter("*proof:*"):
        valkey.client.delete(key)
    valkey.restart()


def lose_by_outage(valkey: ValkeyServer) -> None:
    """Be gone, and stay so."""
    valkey.stop()


@pytest.mark.parametrize(
    "lose",
    [lose_by_flush, lose_by_restart, lose_the_newest, lose_by_outage],
    ids=lambda lose: str(lose.__name__),
)
def test_a_proof_is_not_replayed_after_its_memory_is_lost(
    lose: Callable[[ValkeyServer], None], deploy: Callable[[str], Client], valkey: ValkeyServer
) -> None:
    """Whichever worker it is shown to; the honest client goes on after one repeat."""
    wire = deploy(valkey.url)
    honest = Honest(wire.server, key=Prover())
    assert honest.log_in().status_code == 200
    wait_until(lambda: honest.me().status_code == 200)
    # Valkey was empty a moment ago, which sets nonces ahead of the clock for some seconds. A
    # worker that was never asked before an outage cannot know; see docs/threat-model.md.
    wait_until(lambda: minted(honest.site.nonce()) < int(time.time()), what="the clock")
    token = honest.access_token
    captured = dpop(token, honest.proof("/api/me", "GET", token))
    assert wire.ask("GET", "/api/me", headers=captured).status_code == 200
    lose(valkey)
    for _ in range(3):
        answers = [wire.ask("GET", "/api/me", headers=captured) for _ in range(10)]
        assert {answer.status_code for answer in answers} == {401}
        honest.repeats = 0
        assert honest.me().status_code == 200
        assert honest.refresh().status_code == 200
        assert honest.repeats <= 2
    honest.repeats = 0
    assert {honest.me().status_code for _ in range(20)} == {200}
    assert honest.repeats <= WORKERS
