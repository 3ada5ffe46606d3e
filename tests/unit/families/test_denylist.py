"""The denylist while Redis is well; with what a proof adds to each question."""

import pytest

from app.tokens.dpop import Proof, ProofRefused
from app.tokens.nonces import PROOF_KEPT_SECONDS
from tests.support.app import repairs
from tests.support.clock import NOW, SettableClock
from tests.support.databases import one_database
from tests.unit.families.worker import RIGHT, Worker

pytestmark = one_database

PROOF, SECOND, THIRD = (Proof("k" * 43, f"number-{one}", NOW + 100) for one in (1, 2, 3))


def test_a_revoked_family_is_denied_and_an_active_one_is_not(worker: Worker) -> None:
    assert worker.denied(worker.active) is False
    assert worker.deny()
    assert worker.verdicts() == RIGHT


def test_a_question_is_one_round_trip(worker: Worker, statements: list[str]) -> None:
    worker.warm_up()
    statements.clear()
    worker.valkey.client.config_resetstat()
    assert worker.verdicts() == RIGHT
    stats = worker.valkey.client.info("commandstats")
    assert stats["cmdstat_mget"]["calls"] == 2
    assert stats.keys() <= {"cmdstat_mget", "cmdstat_config|resetstat", "cmdstat_info"}
    assert statements == []


def test_a_token_that_lives_by_the_leeway_alone_asks_the_database(worker: Worker) -> None:
    """Its entry may have expired by the clock of the machine that wrote it."""
    worker.warm_up()
    worker.delete_entry(worker.revoked)  # it lapsed
    assert worker.denied(worker.revoked, expires=NOW)
    assert not worker.denied(worker.active, expires=NOW)
    assert not worker.denied(worker.revoked, expires=NOW + 1), "the control: Redis is believed"


def test_denying_no_family_needs_no_redis(worker: Worker) -> None:
    worker.valkey.stop()
    assert worker.services.denylist.deny([])
    assert not repairs()


def test_a_proof_is_used_up_with_the_question(worker: Worker) -> None:
    worker.deny()
    assert worker.denied(worker.active, PROOF) is False
    assert worker.denied(worker.revoked, SECOND) is True
    with pytest.raises(ProofRefused, match="replayed"):
        worker.denied(worker.active, PROOF)
    lasting = [worker.valkey.client.ttl(key) for key in worker.valkey.client.keys("*proof:*")]
    assert len(lasting) == 2
    assert all(PROOF_KEPT_SECONDS - 20 < ttl <= PROOF_KEPT_SECONDS for ttl in lasting)


def test_without_redis_a_process_remembers_proofs_itself(
    worker: Worker, clock: SettableClock
) -> None:
    """Also after Redis has come back without them."""
    worker.warm_up()
    worker.valkey.stop()
    worker.denied(worker.active)
    clock.ahead += 1
    assert worker.denied(worker.active, PROOF) is False
    assert worker.denied(worker.revoked, SECOND) is True
    with pytest.raises(ProofRefused, match="replayed"):
        worker.denied(worker.active, PROOF)
    worker.valkey.start()
    clock.forward(1)
    with pytest.raises(ProofRefused, match="replayed"):
        worker.denied(worker.active, PROOF)
    assert worker.denied(worker.active, THIRD) is False
