from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.families import replay_cache as module
from app.families.replay_cache import ReplayCache
from app.infra.database import Database
from app.tokens.dpop import Proof, ProofRefused
from app.tokens.nonces import NONCE_SECONDS, PROOF_KEPT_SECONDS
from tests.support.clock import NOW, SettableClock
from tests.support.factories import PREFIX, alone, replay_cache
from tests.support.log import Log
from tests.support.servers.valkey import ValkeyServer

MAX_LEEWAY_SECONDS = 30
PROOF = Proof("k" * 43, "a-number", NOW + 10)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Only one: the database is asked for nothing but what was revoked."""
    return sqlite_url


@pytest.fixture
def shared(
    valkey: ValkeyServer, database: Database, clock: SettableClock
) -> Iterator[ReplayCache]:
    """The memory that all processes share."""
    cache = replay_cache(valkey.url, database, clock)
    yield cache
    cache._redis.close()  # noqa: SLF001 - a process ends by itself


@pytest.fixture(name="alone")
def alone_fixture(clock: SettableClock) -> ReplayCache:
    """A memory that reaches no Redis."""
    return alone(clock)


@pytest.fixture(params=["shared", "alone"])
def cache(request: pytest.FixtureRequest) -> ReplayCache:
    found: ReplayCache = request.getfixturevalue(request.param)
    return found


def a_proof(jti: str, made_at: int = NOW + 10) -> Proof:
    return Proof("k" * 43, jti, made_at)


def fresh(cache: ReplayCache, proof: Proof) -> bool:
    """Consume a proof; return whether that was the first time."""
    try:
        cache.consume(proof)
    except ProofRefused as refused:
        return refused.reason != "replayed"
    return True


def test_a_proof_is_used_once(cache: ReplayCache) -> None:
    assert [fresh(cache, PROOF) for _ in range(4)] == [True, False, False, False]


def test_key_and_number_together_are_what_is_remembered(cache: ReplayCache) -> None:
    proofs = [PROOF, Proof("o" * 43, "a-number", NOW + 10), a_proof("b-number")]
    assert [fresh(cache, proof) for proof in proofs * 2] == [True] * 3 + [False] * 3


def test_of_many_uses_at_once_one_is_first(cache: ReplayCache) -> None:
    with ThreadPoolExecutor(8) as pool:
        firsts = list(pool.map(lambda _: fresh(cache, PROOF), range(64)))
    assert firsts.count(True) == 1


def test_redis_keeps_a_digest_that_names_nobody(shared: ReplayCache, valkey: ValkeyServer) -> None:
    shared.consume(PROOF)
    key = shared.key(PROOF)
    assert valkey.client.keys(f"{PREFIX}proof:*") == [key]
    assert key.startswith(f"{PREFIX}proof:")
    assert len(key) == len(f"{PREFIX}proof:") + 32
    assert not any(part in key for part in (PROOF.jti, PROOF.jkt))
    assert PROOF_KEPT_SECONDS - 5 <= int(valkey.client.ttl(key)) <= PROOF_KEPT_SECONDS


def test_two_processes_share_one_memory(
    shared: ReplayCache, valkey: ValkeyServer, database: Database, clock: SettableClock
) -> None:
    other = replay_cache(valkey.url, database, clock)
    assert (fresh(shared, PROOF), fresh(other, PROOF)) == (True, False)


def test_when_redis_goes_away_a_process_remembers_proofs_itself(
    shared: ReplayCache, valkey: ValkeyServer
) -> None:
    valkey.stop()
    assert [fresh(shared, PROOF) for _ in range(3)] == [True, False, False]


def test_when_redis_comes_back_a_process_knows_what_it_saw_meanwhile(
    shared: ReplayCache, valkey: ValkeyServer, clock: SettableClock
) -> None:
    valkey.stop()
    assert fresh(shared, PROOF)
    valkey.start()
    clock.waited += PROOF_KEPT_SECONDS - 1
    assert not fresh(shared, PROOF)
    valkey.flush()
    clock.waited += 1
    assert fresh(shared, PROOF)


def test_a_number_is_forgotten_when_its_nonce_is_too_old(
    alone: ReplayCache, clock: SettableClock
) -> None:
    assert fresh(alone, PROOF)
    clock.waited += PROOF_KEPT_SECONDS - 1
    assert not fresh(alone, PROOF)
    clock.waited += 1
    assert fresh(alone, PROOF)


def test_a_number_outlives_its_proof_where_a_clock_is_behind(
    alone: ReplayCache, clock: SettableClock
) -> None:
    """A machine that is behind by the longest leeway accepts the nonce for that much longer."""
    assert fresh(alone, PROOF)
    clock.waited += NONCE_SECONDS + MAX_LEEWAY_SECONDS - 1
    assert not fresh(alone, PROOF)


def test_forgetting_the_old_keeps_the_new(alone: ReplayCache, clock: SettableClock) -> None:
    second, third = a_proof("b-number"), a_proof("c-number")
    assert fresh(alone, PROOF)
    clock.waited += PROOF_KEPT_SECONDS - 1
    assert fresh(alone, second)
    clock.waited += 1
    assert fresh(alone, third)
    assert not fresh(alone, second)


def test_a_refused_replay_is_not_kept_longer(alone: ReplayCache, clock: SettableClock) -> None:
    assert fresh(alone, PROOF)
    for _ in range(3):
        clock.waited += PROOF_KEPT_SECONDS / 4
        assert not fresh(alone, PROOF)
    clock.waited += PROOF_KEPT_SECONDS / 4
    assert fresh(alone, PROOF)


def test_its_memory_is_bounded(alone: ReplayCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LOCAL_PROOFS", 10)
    flood = [a_proof(f"number-{number}") for number in range(25)]
    assert all(fresh(alone, proof) for proof in flood)
    # The oldest that is remembered is asked first: asking for it must not push it out.
    assert not any(fresh(alone, proof) for proof in flood[-10:])
    assert fresh(alone, flood[-11])


def test_how_many_proofs_were_checked_without_redis_is_logged_once_a_minute(
    alone: ReplayCache, clock: SettableClock, log_of: Callable[[str], Log]
) -> None:
    log = log_of("latchkey.proofs")
    for number in range(5):
        fresh(alone, a_proof(f"number-{number}"))
    clock.waited += 60
    fresh(alone, PROOF)
    fresh(alone, PROOF)
    assert log.lines() == [
        "redis not in use, 1 proofs checked in this process alone",
        "redis not in use, 6 proofs checked in this process alone",
    ]


def test_a_proof_costs_two_commands(shared: ReplayCache, valkey: ValkeyServer) -> None:
    shared.consume(PROOF)
    valkey.client.config_resetstat()
    shared.consume(a_proof("b-number"))
    assert valkey.client.info("commandstats").keys() == {
        "cmdstat_get",
        "cmdstat_set",
        "cmdstat_config|resetstat",
    }


def test_a_proof_is_refused_whose_use_redis_may_have_forgotten(shared: ReplayCache) -> None:
    """Its nonce must be newer than the memory of Redis, by the margin."""
    shared.consume(PROOF)
    with pytest.raises(ProofRefused, match="nonce"):
        shared.consume(a_proof("b-number", NOW + 5))
    shared.consume(a_proof("c-number", NOW + 6))


def test_a_client_that_was_refused_for_its_nonce_repeats_once(
    shared: ReplayCache, valkey: ValkeyServer
) -> None:
    shared.consume(PROOF)
    valkey.flush()
    with pytest.raises(ProofRefused, match="nonce"):
        shared.consume(a_proof("b-number", NOW))
    shared.consume(a_proof("c-number", shared._nonces.newest(NOW)))  # noqa: SLF001 - the process's own


def test_a_nonce_from_before_an_outage_is_refused(
    shared: ReplayCache, valkey: ValkeyServer
) -> None:
    """Its proof may have been consumed through Redis."""
    shared.consume(PROOF)
    before = shared._nonces.newest(NOW)  # noqa: SLF001 - the process's own
    valkey.stop()
    for number in ("b-number", "c-number"):
        with pytest.raises(ProofRefused, match="nonce"):
            shared.consume(a_proof(number, before))
    shared.consume(a_proof("d-number", before + 1))


def test_for_a_second_no_proof_waits_for_a_redis_that_failed(
    shared: ReplayCache, valkey: ValkeyServer, clock: SettableClock, log: Log
) -> None:
    valkey.stop()
    assert fresh(shared, PROOF)
    valkey.start()
    assert fresh(shared, a_proof("b-number"))
    assert valkey.client.keys(f"{PREFIX}proof:*") == []
    assert log.lines() == ["redis unreachable, asking the database: ConnectionError"]
    clock.waited += 1
    assert fresh(shared, a_proof("c-number"))
    assert len(valkey.client.keys(f"{PREFIX}proof:*")) == 1


def test_besides_a_redis_that_may_forget_a_process_remembers_proofs_itself(
    shared: ReplayCache,
) -> None:
    shared.consume(PROOF)
    shared._outage.distrust("may forget")  # noqa: SLF001 - the process's own
    proof = a_proof("b-number")
    shared.check_age(proof, 0)
    with pytest.raises(ProofRefused, match="replayed"):
        shared.check_age(proof, 0)
    with pytest.raises(ProofRefused, match="nonce"):
        shared.check_age(a_proof("c-number", NOW), 0)
