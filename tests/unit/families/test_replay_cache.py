from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.families import replay_cache as module
from app.families.replay_cache import ReplayCache
from app.infra.clock import Clock
from app.infra.database import Database
from app.tokens.dpop import Proof, ProofRefused
from app.tokens.nonces import NONCE_SECONDS, PROOF_KEPT_SECONDS
from tests.support.clock import NOW
from tests.support.factories import PREFIX, alone, replay_cache
from tests.support.log import Log
from tests.support.servers.valkey import ValkeyServer

MAX_LEEWAY_SECONDS = 30
PROOF = Proof("k" * 43, "a-number", NOW + 10)


class Stopwatch(Clock):
    """A clock whose seconds pass when a test says so; the time of day stands still."""

    def __init__(self) -> None:
        self.passed = 1000.0

    def now(self) -> int:
        """Return one and the same second."""
        return NOW

    def monotonic(self) -> float:
        """Return the seconds that passed."""
        return self.passed


@pytest.fixture
def stopwatch() -> Stopwatch:
    """Give the clock of the memory."""
    return Stopwatch()


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Run once: the database is only asked for what was revoked."""
    return sqlite_url


@pytest.fixture
def shared(
    valkey: ValkeyServer, database: Database, stopwatch: Stopwatch
) -> Iterator[ReplayCache]:
    """Give the memory that all processes share."""
    cache = replay_cache(valkey.url, database, stopwatch)
    yield cache
    cache._redis.close()  # noqa: SLF001 - a process ends by itself


@pytest.fixture(name="alone")
def alone_fixture(stopwatch: Stopwatch) -> ReplayCache:
    """Give a memory that reaches no Redis."""
    return alone(stopwatch)


@pytest.fixture(params=["shared", "alone"])
def cache(request: pytest.FixtureRequest) -> ReplayCache:
    """Give both memories in turn: what is promised holds for either."""
    found: ReplayCache = request.getfixturevalue(request.param)
    return found


def fresh(cache: ReplayCache, proof: Proof) -> bool:
    """Use a proof and tell whether that was the first time."""
    try:
        cache.consume(proof)
    except ProofRefused as refused:
        return refused.reason != "replayed"
    return True


def test_a_proof_is_used_once(cache: ReplayCache) -> None:
    """The first use passes, and none after it."""
    assert [fresh(cache, PROOF) for _ in range(4)] == [True, False, False, False]


def test_key_and_number_together_are_what_is_remembered(cache: ReplayCache) -> None:
    """The number of one key says nothing about that number of another."""
    proofs = [PROOF, Proof("o" * 43, "a-number", NOW + 10), Proof("k" * 43, "b-number", NOW + 10)]
    assert [fresh(cache, proof) for proof in proofs * 2] == [True] * 3 + [False] * 3


def test_of_many_at_once_one_is_first(cache: ReplayCache) -> None:
    """However they interleave, exactly one passes."""
    with ThreadPoolExecutor(8) as pool:
        firsts = list(pool.map(lambda _: fresh(cache, PROOF), range(64)))
    assert firsts.count(True) == 1


def test_the_key_names_nobody(shared: ReplayCache, valkey: ValkeyServer) -> None:
    """Redis holds a digest under the application's prefix, for as long as a proof may live."""
    shared.consume(PROOF)
    assert valkey.client.keys(f"{PREFIX}proof:*") == [shared.key(PROOF)]
    assert shared.key(PROOF).startswith(f"{PREFIX}proof:")
    assert len(shared.key(PROOF)) == len(f"{PREFIX}proof:") + 32
    assert not any(part in shared.key(PROOF) for part in (PROOF.jti, PROOF.jkt))
    assert (
        PROOF_KEPT_SECONDS - 5 <= int(valkey.client.ttl(shared.key(PROOF))) <= PROOF_KEPT_SECONDS
    )


def test_two_processes_share_one_memory(
    shared: ReplayCache, valkey: ValkeyServer, database: Database, stopwatch: Stopwatch
) -> None:
    """What one worker has seen no other takes."""
    other = replay_cache(valkey.url, database, stopwatch)
    assert (fresh(shared, PROOF), fresh(other, PROOF)) == (True, False)


def test_redis_goes_away(shared: ReplayCache, valkey: ValkeyServer) -> None:
    """The process remembers for itself from then on."""
    valkey.stop()
    assert [fresh(shared, PROOF) for _ in range(3)] == [True, False, False]


def test_redis_comes_back(shared: ReplayCache, valkey: ValkeyServer, stopwatch: Stopwatch) -> None:
    """What this process saw meanwhile it knows for as long as the proof can be valid."""
    valkey.stop()
    assert fresh(shared, PROOF)
    valkey.start()
    stopwatch.passed += PROOF_KEPT_SECONDS - 1
    assert not fresh(shared, PROOF)
    valkey.flush()
    stopwatch.passed += 1
    assert fresh(shared, PROOF)


def test_it_forgets_when_no_proof_can_be_valid_any_more(
    alone: ReplayCache, stopwatch: Stopwatch
) -> None:
    """A number is kept for PROOF_KEPT_SECONDS; its proof's nonce is older by then."""
    assert fresh(alone, PROOF)
    stopwatch.passed += PROOF_KEPT_SECONDS - 1
    assert not fresh(alone, PROOF)
    stopwatch.passed += 1
    assert fresh(alone, PROOF)


def test_a_number_outlives_its_proof_where_a_clock_is_behind(
    alone: ReplayCache, stopwatch: Stopwatch
) -> None:
    """A machine behind by the longest leeway takes the nonce for as much longer."""
    assert fresh(alone, PROOF)
    stopwatch.passed += NONCE_SECONDS + MAX_LEEWAY_SECONDS - 1
    assert not fresh(alone, PROOF)


def test_forgetting_the_old_keeps_the_new(alone: ReplayCache, stopwatch: Stopwatch) -> None:
    """When the first number ends, those that came after it go on."""
    second, third = Proof(PROOF.jkt, "b-number", NOW + 10), Proof(PROOF.jkt, "c-number", NOW + 10)
    assert fresh(alone, PROOF)
    stopwatch.passed += PROOF_KEPT_SECONDS - 1
    assert fresh(alone, second)
    stopwatch.passed += 1
    assert fresh(alone, third)
    assert not fresh(alone, second)


def test_a_refused_replay_is_not_kept_longer(alone: ReplayCache, stopwatch: Stopwatch) -> None:
    """Trying again and again does not prolong anything."""
    assert fresh(alone, PROOF)
    for _ in range(3):
        stopwatch.passed += PROOF_KEPT_SECONDS / 4
        assert not fresh(alone, PROOF)
    stopwatch.passed += PROOF_KEPT_SECONDS / 4
    assert fresh(alone, PROOF)


def test_its_memory_is_bounded(alone: ReplayCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood costs the oldest numbers, never more memory."""
    monkeypatch.setattr(module, "MAX_LOCAL_PROOFS", 10)
    flood = [Proof("k" * 43, f"number-{number}", NOW + 10) for number in range(25)]
    assert all(fresh(alone, proof) for proof in flood)
    # The oldest that is remembered is asked first: asking for it must not push it out.
    assert not any(fresh(alone, proof) for proof in flood[-10:])
    assert fresh(alone, flood[-11])


def test_it_is_logged_once_a_minute_with_a_count(
    alone: ReplayCache, stopwatch: Stopwatch, log_of: Callable[[str], Log]
) -> None:
    """An outage is one line a minute, and says how many proofs were checked here alone."""
    log = log_of("latchkey.proofs")
    for number in range(5):
        fresh(alone, Proof("k" * 43, f"number-{number}", NOW + 10))
    stopwatch.passed += 60
    fresh(alone, PROOF)
    fresh(alone, PROOF)
    assert log.lines() == [
        "redis not in use, 1 proofs checked in this process alone",
        "redis not in use, 6 proofs checked in this process alone",
    ]


def test_a_proof_costs_two_commands(shared: ReplayCache, valkey: ValkeyServer) -> None:
    """Marker and proof in one round trip, and no transaction around them."""
    shared.consume(PROOF)
    valkey.client.config_resetstat()
    shared.consume(Proof(PROOF.jkt, "b-number", NOW + 10))
    assert valkey.client.info("commandstats").keys() == {
        "cmdstat_get",
        "cmdstat_set",
        "cmdstat_config|resetstat",
    }


def test_a_proof_is_refused_whose_use_redis_may_have_forgotten(shared: ReplayCache) -> None:
    """The memory began just now: a nonce has to be newer than that, by the margin."""
    shared.consume(PROOF)
    with pytest.raises(ProofRefused, match="nonce"):
        shared.consume(Proof(PROOF.jkt, "b-number", NOW + 5))
    shared.consume(Proof(PROOF.jkt, "c-number", NOW + 6))


def test_the_nonce_after_a_refusal_is_new_enough(
    shared: ReplayCache, valkey: ValkeyServer
) -> None:
    """One repeat is all that it costs a client."""
    nonces = shared._nonces  # noqa: SLF001 - the process's own
    shared.consume(PROOF)
    valkey.flush()
    with pytest.raises(ProofRefused, match="nonce"):
        shared.consume(Proof(PROOF.jkt, "b-number", NOW))
    shared.consume(Proof(PROOF.jkt, "c-number", nonces.newest(NOW)))


def test_a_nonce_from_before_an_outage_is_refused(
    shared: ReplayCache, valkey: ValkeyServer
) -> None:
    """Its proof may have been used through Redis; the newest nonce from before is one of them."""
    shared.consume(PROOF)
    before = shared._nonces.newest(NOW)  # noqa: SLF001 - the process's own
    valkey.stop()
    for number in ("b-number", "c-number"):
        with pytest.raises(ProofRefused, match="nonce"):
            shared.consume(Proof(PROOF.jkt, number, before))
    shared.consume(Proof(PROOF.jkt, "d-number", before + 1))


def test_a_redis_that_failed_rests(
    shared: ReplayCache, valkey: ValkeyServer, stopwatch: Stopwatch, log_of: Callable[[str], Log]
) -> None:
    """For a second no proof waits for it; the log says what failed."""
    log = log_of("latchkey.denylist")
    valkey.stop()
    assert fresh(shared, PROOF)
    valkey.start()
    assert fresh(shared, Proof(PROOF.jkt, "b-number", NOW + 10))
    assert valkey.client.keys(f"{PREFIX}proof:*") == []
    assert log.lines() == ["redis unreachable, asking the database: ConnectionError"]
    stopwatch.passed += 1
    assert fresh(shared, Proof(PROOF.jkt, "c-number", NOW + 10))
    assert len(valkey.client.keys(f"{PREFIX}proof:*")) == 1


def test_a_redis_that_is_not_believed_is_helped_out(shared: ReplayCache) -> None:
    """It answers, and may forget: this process remembers besides, and asks for a newer nonce."""
    shared.consume(PROOF)
    shared._outage.distrust("may forget")  # noqa: SLF001 - the process's own
    proof = Proof(PROOF.jkt, "b-number", NOW + 10)
    shared.check_age(proof, 0)
    with pytest.raises(ProofRefused, match="replayed"):
        shared.check_age(proof, 0)
    with pytest.raises(ProofRefused, match="nonce"):
        shared.check_age(Proof(PROOF.jkt, "c-number", NOW), 0)
