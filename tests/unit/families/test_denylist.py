import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from app.accounts import queries as accounts
from app.errors import Unavailable
from app.families import denylist_sync as module
from app.families.denylist import Denylist
from app.families.models import Family, Reason, RevokedFamily
from app.infra import redis
from app.services import Services, build, denylist_keys
from app.tokens.dpop import Proof, ProofRefused
from app.tokens.nonces import NONCE_LENGTH, PROOF_KEPT_SECONDS
from config import Settings
from tests.support.app import repairs, settle
from tests.support.clock import NOW, SettableClock
from tests.support.factories import a_family, a_user, revoke
from tests.support.log import Log
from tests.support.processes import wait_until
from tests.support.servers.valkey import ValkeyServer

ISSUER = hashlib.sha256(b"https://localhost").hexdigest()[:12]
PREFIX = f"latchkey:{{testing.{ISSUER}}}:deny:"
MARKER = f"latchkey:{{testing.{ISSUER}}}:denylist-complete"
PROOF = Proof("k" * 43, "a-number", NOW + 100)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Run once: the statements behind the denylist are tested on both databases elsewhere."""
    return sqlite_url


@pytest.fixture
def true_rests() -> None:
    """Leave the rests as long as they are."""


@pytest.fixture(autouse=True)
def short_rests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the repair try often; the time between questions is the settable clock's."""
    if "true_rests" not in request.fixturenames:
        monkeypatch.setattr(redis, "REDIS_BACKOFF_SECONDS", 0.02)


@pytest.fixture
def process(settings: Settings, clock: SettableClock, valkey: ValkeyServer) -> Iterator[Services]:
    """Give one process's own parts; afterwards nothing of it is still at work."""
    own = build(settings, clock)
    yield own
    settle(own, valkey)


@pytest.fixture
def denylist(process: Services) -> Denylist:
    """Give the denylist of that process."""
    return process.denylist


@pytest.fixture
def living(process: Services) -> Family:
    """Give a family that nobody revoked."""
    return a_family(process.database, a_user(process.database))


@pytest.fixture
def ended(process: Services) -> Family:
    """Give a family whose revocation is committed, and of which Redis knows nothing yet."""
    family = a_family(process.database, a_user(process.database, "eve@example.com"))
    revoke(process.database, family)
    return family


def deny(denylist: Denylist, family: Family) -> bool:
    """Tell Redis of a family that ended."""
    return denylist.deny([RevokedFamily(family.family_id, family.rotated_at)])


def entry(valkey: ValkeyServer, family: Family) -> bool:
    """Tell whether Redis has the family's entry."""
    return bool(valkey.client.exists(PREFIX + family.family_id))


def verdicts(denylist: Denylist, living: Family, ended: Family) -> tuple[bool, bool]:
    """Ask about a living and an ended family."""
    return denylist.denied(living.family_id), denylist.denied(ended.family_id)


RIGHT = (False, True)


@pytest.fixture
def statements(process: Services) -> list[str]:
    """Collect the statements that reach the database."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        seen.append(statement)

    event.listen(process.database.engine, "before_cursor_execute", note)
    return seen


# -- Redis is well -------------------------------------------------------------------------


def test_an_ended_family_is_denied_and_a_living_one_is_not(
    denylist: Denylist, living: Family, ended: Family
) -> None:
    """The entry decides, for the one family it names."""
    assert denylist.denied(living.family_id) is False
    assert deny(denylist, ended)
    assert verdicts(denylist, living, ended) == RIGHT


def test_a_question_is_one_round_trip(
    denylist: Denylist, living: Family, ended: Family, valkey: ValkeyServer, statements: list[str]
) -> None:
    """While Redis is well a request costs one MGET and no statement."""
    deny(denylist, ended)
    denylist.denied(living.family_id)
    statements.clear()
    valkey.client.config_resetstat()
    assert verdicts(denylist, living, ended) == RIGHT
    stats = valkey.client.info("commandstats")
    assert stats["cmdstat_mget"]["calls"] == 2
    assert stats.keys() <= {"cmdstat_mget", "cmdstat_config|resetstat", "cmdstat_info"}
    assert statements == []


@pytest.mark.parametrize("age", [0, 1, 100, 604])
def test_an_entry_outlives_the_newest_access_token(
    denylist: Denylist, ended: Family, valkey: ValkeyServer, settings: Settings, age: int
) -> None:
    """It lasts what is left of the token, the leeway, and the second that rounding may cost."""
    denylist.deny([RevokedFamily(ended.family_id, NOW - age)])
    lasts = settings.access_ttl - age + settings.clock_leeway + 1
    assert lasts - 1 <= valkey.client.ttl(PREFIX + ended.family_id) <= lasts


def test_a_token_that_is_out_of_date_needs_no_entry(
    denylist: Denylist, ended: Family, valkey: ValkeyServer, settings: Settings
) -> None:
    """Past its life and the leeway nothing is written."""
    beyond = settings.access_ttl + settings.clock_leeway + 1
    assert denylist.deny([RevokedFamily(ended.family_id, NOW - beyond)])
    assert not entry(valkey, ended)
    assert denylist.deny([RevokedFamily(ended.family_id, NOW - beyond + 1)])
    assert entry(valkey, ended)


def test_a_token_that_lives_by_the_leeway_alone_asks_the_database(
    denylist: Denylist, living: Family, ended: Family, valkey: ValkeyServer
) -> None:
    """A machine whose clock is ahead wrote the entry, which ends before a slow one's leeway."""
    deny(denylist, ended)
    denylist.denied(living.family_id)
    valkey.client.delete(PREFIX + ended.family_id)  # it lapsed
    assert denylist.denied(ended.family_id, expires=NOW)
    assert not denylist.denied(living.family_id, expires=NOW)
    assert not denylist.denied(ended.family_id, expires=NOW + 1), "the control: Redis is believed"


def test_denying_nothing_asks_nobody(denylist: Denylist, valkey: ValkeyServer) -> None:
    """No family ended, so Redis may be away."""
    valkey.stop()
    assert denylist.deny([])
    assert not repairs()


# -- with a proof --------------------------------------------------------------------------


def replayed(denylist: Denylist, family: Family, proof: Proof = PROOF) -> bool:
    """Ask with a proof; tell whether it was refused as used before."""
    try:
        denylist.denied(family.family_id, proof)
    except ProofRefused as refused:
        return refused.reason == "replayed"
    return False


def test_a_proof_is_used_up_with_the_question(
    denylist: Denylist, living: Family, ended: Family, valkey: ValkeyServer
) -> None:
    """The answer is the same as without one; the proof is remembered while it can be valid."""
    deny(denylist, ended)
    assert denylist.denied(living.family_id, PROOF) is False
    assert denylist.denied(ended.family_id, Proof(PROOF.jkt, "another-number", NOW + 100)) is True
    assert replayed(denylist, living)
    keys = list(valkey.client.scan_iter("*proof:*"))
    assert len(keys) == 2
    assert all(
        PROOF_KEPT_SECONDS - 20 < valkey.client.ttl(key) <= PROOF_KEPT_SECONDS for key in keys
    )


def test_without_redis_a_proof_is_used_up_here(
    denylist: Denylist, living: Family, ended: Family, valkey: ValkeyServer, clock: SettableClock
) -> None:
    """Each process remembers for itself, also when Redis is back and knows nothing of it."""
    denylist.denied(living.family_id)
    valkey.stop()
    denylist.denied(living.family_id)
    clock.ahead += 1
    assert denylist.denied(living.family_id, PROOF) is False
    assert denylist.denied(ended.family_id, Proof(PROOF.jkt, "another-number", NOW + 100)) is True
    assert replayed(denylist, living)
    valkey.start()
    clock.forward(1)
    assert replayed(denylist, living)
    assert (
        denylist.denied(living.family_id, Proof(PROOF.jkt, "a-third-number", NOW + 100)) is False
    )


# -- Redis forgot --------------------------------------------------------------------------


def lose_nothing(valkey: ValkeyServer) -> None:
    """Restart with what is on disk."""
    valkey.restart()


def lose_all_by_restart(valkey: ValkeyServer) -> None:
    """Come back as a replica that had nothing yet."""
    valkey.restart_empty()


def lose_all_by_command(valkey: ValkeyServer) -> None:
    """Flush."""
    valkey.flush()


def lose_an_entry_by_failover(valkey: ValkeyServer) -> None:
    """Come back as a replica that has the marker and lacks the newest entries."""
    valkey.restart()
    for key in valkey.client.scan_iter(f"{PREFIX}*"):
        valkey.client.delete(key)
    assert valkey.client.exists(MARKER)


@pytest.mark.parametrize(
    "lose",
    [lose_nothing, lose_all_by_restart, lose_all_by_command, lose_an_entry_by_failover],
    ids=lambda lose: str(lose.__name__),
)
def test_no_loss_of_memory_lets_anybody_in_or_out(
    lose: Callable[[ValkeyServer], None],
    denylist: Denylist,
    living: Family,
    ended: Family,
    valkey: ValkeyServer,
) -> None:
    """Whatever Redis forgot, the first answer and every later one are right."""
    deny(denylist, ended)
    assert verdicts(denylist, living, ended) == RIGHT
    lose(valkey)
    for _ in range(3):
        assert verdicts(denylist, living, ended) == RIGHT
    assert entry(valkey, ended)


def test_what_was_written_again_is_trusted_again(
    denylist: Denylist, living: Family, ended: Family, valkey: ValkeyServer, statements: list[str]
) -> None:
    """After a flush the database is asked once; the entries are there with their TTL."""
    deny(denylist, ended)
    denylist.denied(living.family_id)
    valkey.flush()
    denylist.denied(living.family_id)
    assert valkey.client.ttl(PREFIX + ended.family_id) > 600
    statements.clear()
    assert verdicts(denylist, living, ended) == RIGHT
    assert statements == []


def test_only_what_still_matters_is_written_again(
    denylist: Denylist, process: Services, living: Family, valkey: ValkeyServer
) -> None:
    """Families revoked longer ago than an access token lives are not."""
    user = a_user(process.database, "bob@example.com")
    old = a_family(process.database, user, last_used_at=NOW - 700, revoked_at=NOW - 690)
    new = a_family(process.database, user, last_used_at=NOW - 500, revoked_at=NOW - 490)
    denylist.denied(living.family_id)
    assert (entry(valkey, old), entry(valkey, new)) == (False, True)


def test_all_that_still_matters_is_written_again(
    denylist: Denylist,
    process: Services,
    living: Family,
    valkey: ValkeyServer,
    settings: Settings,
) -> None:
    """To the last second in which an access token passes by the leeway."""
    last = NOW - settings.access_ttl - settings.clock_leeway
    user = a_user(process.database, "bob@example.com")
    ending = a_family(process.database, user, last_used_at=last, revoked_at=last)
    denylist.denied(living.family_id)
    assert 0 < valkey.client.ttl(PREFIX + ending.family_id) <= 1


def test_a_flush_in_the_middle_of_writing_again_is_noticed(  # noqa: PLR0913, PLR0917 - its fixtures
    denylist: Denylist,
    process: Services,
    living: Family,
    ended: Family,
    valkey: ValkeyServer,
    statements: list[str],
) -> None:
    """What others wrote meanwhile is gone with it, so the list is not called complete."""
    flushes = [valkey.flush]

    def flush_once(*_: object) -> None:
        if flushes:
            flushes.pop()()

    event.listen(process.database.engine, "before_cursor_execute", flush_once)
    assert denylist.denied(ended.family_id)
    assert not flushes
    assert not valkey.client.exists(MARKER)
    statements.clear()
    assert verdicts(denylist, living, ended) == RIGHT
    assert statements, "the control: the database is asked"
    assert valkey.client.exists(MARKER)
    assert valkey.client.ttl(MARKER) == -1


def test_a_second_process_trusts_nothing_it_did_not_see(  # noqa: PLR0913, PLR0917 - its fixtures
    denylist: Denylist,
    living: Family,
    ended: Family,
    valkey: ValkeyServer,
    settings: Settings,
    clock: SettableClock,
) -> None:
    """A worker that just started writes again first, whatever marker it finds."""
    denylist.denied(living.family_id)
    valkey.client.delete(PREFIX + ended.family_id)
    second = build(settings, clock)
    assert verdicts(second.denylist, living, ended) == RIGHT
    assert entry(valkey, ended)
    settle(second, valkey)


def test_a_connection_that_the_server_closed_is_no_outage(
    denylist: Denylist,
    living: Family,
    ended: Family,
    valkey: ValkeyServer,
    log_of: Callable[[str], Log],
) -> None:
    """An idle connection is opened anew without a word, and trusted after a repetition."""
    log = log_of("latchkey.denylist")
    deny(denylist, ended)
    denylist.denied(living.family_id)
    valkey.client.client_kill_filter(_type="normal", skipme=True)
    assert verdicts(denylist, living, ended) == RIGHT
    assert log.lines() == []


# -- Redis is out of reach -----------------------------------------------------------------


def test_without_redis_the_database_decides(
    denylist: Denylist, process: Services, living: Family, ended: Family, valkey: ValkeyServer
) -> None:
    """Nobody revoked gets in and nobody valid is thrown out, also of a disabled account."""
    denylist.denied(living.family_id)
    valkey.stop()
    assert verdicts(denylist, living, ended) == RIGHT
    assert denylist.denied("no such family")
    with process.database.transaction() as connection:
        accounts.disable(connection, living.user_id, NOW)
    assert denylist.denied(living.family_id)


def test_a_redis_that_hangs_is_as_good_as_none(
    denylist: Denylist, process: Services, living: Family, ended: Family, valkey: ValkeyServer
) -> None:
    """It takes connections and answers nothing: the database decides within a second."""
    denylist.denied(living.family_id)
    valkey.freeze()
    assert verdicts(denylist, living, ended) == RIGHT
    chosen = process.redis.connection_pool.connection_kwargs
    assert 0 < chosen["socket_connect_timeout"] + chosen["socket_timeout"] <= 1


def test_without_redis_and_database_there_is_no_answer(
    settings: Settings, clock: SettableClock, living: Family, valkey: ValkeyServer
) -> None:
    """Both gone: never a yes and never a no, but a time to come back."""
    both_gone = build(replace(settings, database_url="sqlite:////nowhere/latchkey.db"), clock)
    valkey.stop()
    with pytest.raises(Unavailable) as refused:
        both_gone.denylist.denied(living.family_id)
    assert refused.value.retry_after == 5
    assert refused.value.reason == "OperationalError"
    valkey.start()
    clock.forward(10)
    with pytest.raises(Unavailable):
        both_gone.denylist.denied(living.family_id)
    settle(both_gone, valkey)


def test_a_look_before_a_nonce_leaves_a_resting_redis_alone(
    process: Services, valkey: ValkeyServer, clock: SettableClock
) -> None:
    """Who sends bad proofs cannot make a worker wait for a Redis that is away again and again."""
    valkey.stop()
    process.denylist_sync.check_for_loss()
    valkey.start()
    process.denylist_sync.check_for_loss()
    assert valkey.client.get(MARKER) is None
    clock.forward(1)
    process.denylist_sync.check_for_loss()
    assert valkey.client.get(MARKER)


def test_a_look_before_a_nonce_needs_no_database(
    settings: Settings, clock: SettableClock, valkey: ValkeyServer
) -> None:
    """A nonce is handed out all the same; what needs the database says that it is away."""
    without = build(replace(settings, database_url="sqlite:////nowhere/latchkey.db"), clock)
    without.denylist_sync.check_for_loss()
    assert len(without.nonce()) == NONCE_LENGTH
    settle(without, valkey)


def test_a_trusted_redis_needs_no_database(
    denylist: Denylist, process: Services, living: Family, ended: Family, sqlite_url: str
) -> None:
    """Beside it: while Redis is well the database may be away."""
    deny(denylist, ended)
    denylist.denied(living.family_id)
    process.database.engine.dispose()
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    path.rename(path.with_suffix(".away"))
    assert verdicts(denylist, living, ended) == RIGHT


def test_a_revocation_whose_worker_was_killed_is_found(
    denylist: Denylist,
    process: Services,
    living: Family,
    valkey: ValkeyServer,
    clock: SettableClock,
) -> None:
    """Committed and never echoed: within seconds it is read from the database again."""
    denylist.denied(living.family_id)
    killed = a_family(process.database, a_user(process.database, "eve@example.com"))
    revoke(process.database, killed)
    clock.forward(module.REVIEW_SECONDS)
    assert verdicts(denylist, living, killed) == RIGHT
    assert entry(valkey, killed)


def test_a_revocation_whose_worker_was_killed_is_found_when_nobody_asked_for_long(
    denylist: Denylist,
    process: Services,
    living: Family,
    valkey: ValkeyServer,
    clock: SettableClock,
) -> None:
    """A review reaches back to the one before, on a quiet night as in a rush."""
    denylist.denied(living.family_id)
    killed = a_family(process.database, a_user(process.database, "eve@example.com"))
    revoke(process.database, killed)
    clock.forward(10 * module.REVIEW_SECONDS)
    for _ in range(2):
        assert verdicts(denylist, living, killed) == RIGHT
    assert entry(valkey, killed)


def test_a_review_that_fails_is_made_up_for(  # noqa: PLR0913, PLR0917 - what it takes
    denylist: Denylist,
    process: Services,
    living: Family,
    valkey: ValkeyServer,
    clock: SettableClock,
    sqlite_url: str,
) -> None:
    """While the database is away nothing is reviewed; afterwards all that time is."""
    denylist.denied(living.family_id)
    killed = a_family(process.database, a_user(process.database, "eve@example.com"))
    revoke(process.database, killed)
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    process.database.engine.dispose()
    path.rename(path.with_suffix(".away"))
    for _ in range(6):
        clock.forward(module.REVIEW_SECONDS)
        with pytest.raises(Unavailable):
            denylist.denied(living.family_id)
    path.with_suffix(".away").replace(path)
    process.database.engine.dispose()
    clock.forward(module.REVIEW_SECONDS)
    denylist.denied(living.family_id)
    assert entry(valkey, killed)


def test_a_review_reads_only_what_was_revoked_since_the_one_before(
    denylist: Denylist,
    process: Services,
    living: Family,
    valkey: ValkeyServer,
    clock: SettableClock,
) -> None:
    """What was revoked before was written when the list was completed."""
    before = a_family(process.database, a_user(process.database, "eve@example.com"))
    revoke(process.database, before, NOW - 10 * module.REVIEW_SECONDS)
    denylist.denied(living.family_id)
    assert valkey.client.delete(PREFIX + before.family_id)
    clock.forward(module.REVIEW_SECONDS)
    denylist.denied(living.family_id)
    assert not entry(valkey, before)


def test_how_far_a_review_looks_back(
    denylist: Denylist,
    process: Services,
    living: Family,
    valkey: ValkeyServer,
    clock: SettableClock,
) -> None:
    """Three of its periods, and twice what clocks may differ: no more is read each time."""
    denylist.denied(living.family_id)
    user = a_user(process.database, "eve@example.com")
    just, no_more = (
        a_family(process.database, user, last_used_at=when, revoked_at=when)
        for when in (NOW - 30, NOW - 31)
    )
    clock.forward(10)
    denylist.denied(living.family_id)
    assert (entry(valkey, just), entry(valkey, no_more)) == (True, False)


@pytest.mark.usefixtures("true_rests")
def test_an_unreachable_redis_rests(
    denylist: Denylist,
    living: Family,
    valkey: ValkeyServer,
    clock: SettableClock,
    statements: list[str],
) -> None:
    """After a failure it is not asked for a second, and then it is again."""
    denylist.denied(living.family_id)
    valkey.stop()
    denylist.denied(living.family_id)
    valkey.start()
    valkey.client.config_resetstat()
    for passed, asked in ((0.0, False), (0.75, False), (0.25, True)):
        clock.waited += passed
        denylist.denied(living.family_id)
        assert ("cmdstat_mget" in valkey.client.info("commandstats")) is asked
    statements.clear()
    assert denylist.denied(living.family_id) is False
    assert statements == []


def test_an_outage_is_logged_once_a_window(
    denylist: Denylist,
    living: Family,
    valkey: ValkeyServer,
    clock: SettableClock,
    log_of: Callable[[str], Log],
) -> None:
    """A thousand requests during an outage are one line a minute, and one when it is over."""
    log = log_of("latchkey.denylist")
    denylist.denied(living.family_id)
    valkey.stop()
    for _ in range(5):
        denylist.denied(living.family_id)
        clock.forward(10)
    assert log.lines() == ["redis unreachable, asking the database: ConnectionError"]
    for seconds, lines in ((9, 1), (1, 2)):
        clock.forward(seconds)
        denylist.denied(living.family_id)
        assert len(log.lines()) == lines
    valkey.start()
    clock.forward(1)
    for _ in range(3):
        denylist.denied(living.family_id)
    assert log.lines()[2:] == ["redis is back, 0 revoked families written again"]


def test_each_outage_is_logged_when_it_begins(
    denylist: Denylist,
    living: Family,
    valkey: ValkeyServer,
    clock: SettableClock,
    log_of: Callable[[str], Log],
) -> None:
    """The quiet of one ends with it, and what was forgotten in between is no outage."""
    log = log_of("latchkey.denylist")
    for lines in (2, 4):
        valkey.stop()
        denylist.denied(living.family_id)
        valkey.start()
        clock.forward(1)
        denylist.denied(living.family_id)
        assert len(log.lines()) == lines
        valkey.flush()
        denylist.denied(living.family_id)
        assert len(log.lines()) == lines


# -- a server that may forget by itself ----------------------------------------------------


def test_a_redis_that_evicts_is_not_believed(
    process: Services, denylist: Denylist, living: Family, ended: Family, valkey: ValkeyServer
) -> None:
    """A missing entry proves nothing there, so the database answers; the log says what to do."""
    valkey.client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        for _ in range(2):
            assert verdicts(denylist, living, ended) == RIGHT
        assert not process.denylist_sync.vouch(None, process.denylist_sync.trusted)[0]
    finally:
        valkey.client.config_set("maxmemory-policy", "noeviction")


# -- an entry could not be written ---------------------------------------------------------


def full(valkey: ValkeyServer) -> None:
    """Have no memory for another entry."""
    valkey.client.config_set("maxmemory", 1)


def roomy(valkey: ValkeyServer) -> None:
    """Have memory again."""
    valkey.client.config_set("maxmemory", 0)


def read_only(valkey: ValkeyServer) -> None:
    """Be the replica of a server that is gone."""
    valkey.client.replicaof("127.0.0.1", 1)


def writable(valkey: ValkeyServer) -> None:
    """Be nobody's replica."""
    valkey.client.replicaof("NO", "ONE")


def away(valkey: ValkeyServer) -> None:
    """Be gone."""
    valkey.stop()


def back(valkey: ValkeyServer) -> None:
    """Be there again, with all that is on disk."""
    valkey.start()


@pytest.mark.parametrize(
    ("hinder", "mend"),
    [(full, roomy), (read_only, writable), (away, back)],
    ids=["out-of-memory", "read-only", "stopped"],
)
def test_an_entry_that_could_not_be_written_is_not_forgotten(  # noqa: PLR0913, PLR0917 - its fixtures
    hinder: Callable[[ValkeyServer], None],
    mend: Callable[[ValkeyServer], None],
    denylist: Denylist,
    living: Family,
    ended: Family,
    valkey: ValkeyServer,
    clock: SettableClock,
) -> None:
    """This process asks the database meanwhile; the entry is written by itself afterwards."""
    denylist.denied(living.family_id)
    valkey.client.delete(PREFIX + ended.family_id)
    hinder(valkey)
    assert deny(denylist, ended) is False
    for _ in range(3):
        assert verdicts(denylist, living, ended) == RIGHT
        clock.forward(2)
    mend(valkey)
    wait_until(lambda: entry(valkey, ended), what="the entry, without any request")
    wait_until(lambda: not repairs(), what="the end of the repair")
    assert verdicts(denylist, living, ended) == RIGHT


def test_a_second_entry_that_could_not_be_written_is_not_forgotten_either(  # noqa: PLR0913, PLR0917 - its fixtures
    denylist: Denylist,
    process: Services,
    living: Family,
    ended: Family,
    valkey: ValkeyServer,
    clock: SettableClock,
    log_of: Callable[[str], Log],
) -> None:
    """On the very connection that was trusted again after the first."""
    log = log_of("latchkey.denylist")
    other = a_family(process.database, a_user(process.database, "bob@example.com"))
    denylist.denied(living.family_id)
    for family in (ended, other):
        revoke(process.database, family)
        full(valkey)
        assert deny(denylist, family) is False
        roomy(valkey)
        wait_until(lambda: not repairs(), what="the end of the repair")
        clock.forward(1)  # Redis is asked again
        assert verdicts(denylist, living, family) == RIGHT
    assert log.lines()[0] == "redis unreachable, asking the database: OutOfMemoryError"


def test_one_repair_at_a_time(  # noqa: PLR0913, PLR0917 - its fixtures
    denylist: Denylist,
    living: Family,
    ended: Family,
    valkey: ValkeyServer,
    clock: SettableClock,
    log_of: Callable[[str], Log],
) -> None:
    """However many entries fail, one thread goes on trying, and all of them are written."""
    log = log_of("latchkey.denylist")
    denylist.denied(living.family_id)
    valkey.stop()
    for _ in range(5):
        assert deny(denylist, ended) is False
    wait_until(lambda: len(repairs()) == 1, what="one repair")
    assert all(thread.daemon for thread in repairs())  # none holds up the worker's end
    clock.forward(60)
    wait_until(lambda: len(log.lines()) == 2, what="the repair's own line")
    assert set(log.lines()) == {"redis unreachable, asking the database: ConnectionError"}
    valkey.start()
    wait_until(lambda: entry(valkey, ended), what="the entry")


def test_the_repair_outlasts_the_database(  # noqa: PLR0913, PLR0917 - its fixtures
    denylist: Denylist,
    process: Services,
    living: Family,
    ended: Family,
    valkey: ValkeyServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When Redis comes back before the database does, the repair waits for both."""
    denylist.denied(living.family_id)
    valkey.client.delete(PREFIX + ended.family_id)
    valkey.stop()
    elsewhere = build(
        replace(process.settings, database_url="sqlite:////nowhere/latchkey.db"), process.clock
    )
    with monkeypatch.context() as patched:
        patched.setattr(process.denylist_sync._entries, "_database", elsewhere.database)  # noqa: SLF001 - nothing else cuts one thread off
        deny(denylist, ended)
        valkey.start()
        time.sleep(0.1)
        assert repairs()
        assert not entry(valkey, ended)
    wait_until(lambda: entry(valkey, ended), what="the entry")


# -- the rest ------------------------------------------------------------------------------


def test_many_threads_get_right_answers_through_a_flush(
    denylist: Denylist, living: Family, ended: Family, valkey: ValkeyServer
) -> None:
    """Threads share one denylist; none of them ever sees the gap."""
    deny(denylist, ended)
    wrong: list[tuple[bool, bool]] = []

    def ask() -> None:
        for _ in range(40):
            answer = verdicts(denylist, living, ended)
            if answer != RIGHT:
                wrong.append(answer)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        valkey.flush()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_read_from_before_the_list_was_whole_counts_for_nothing(
    process: Services,
    living: Family,
    ended: Family,
    valkey: ValkeyServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One thread reads a new marker and no entry; another writes the entry before it goes on."""
    denylist, sync = process.denylist, process.denylist_sync
    deny(denylist, ended)
    assert verdicts(denylist, living, ended) == RIGHT
    read = process.redis.mget

    def too_early(keys: list[str]) -> object:
        valkey.flush()
        valkey.client.set(denylist_keys(process.settings).marker, made)
        early = read(keys)
        monkeypatch.undo()
        assert not denylist.denied(living.family_id)
        assert sync.trusted
        assert sync.trusted.marker == made
        return early

    assert sync.trusted
    server, when, _random = sync.trusted.marker.split(b".")
    made = b".".join((server, when, b"of-another-process-____"))
    monkeypatch.setattr(process.redis, "mget", too_early)
    assert denylist.denied(ended.family_id)


def test_the_revoked_stay_denied_after_pruning(
    denylist: Denylist,
    process: Services,
    living: Family,
    valkey: ValkeyServer,
    clock: SettableClock,
) -> None:
    """While an access token may still pass, leeway included, its family can be said again."""
    clock.ahead = 100
    user = a_user(process.database, "bob@example.com")
    ending = a_family(
        process.database,
        user,
        last_used_at=NOW,
        idle_expires_at=NOW + 98,
        absolute_expires_at=NOW + 98,
        revoked_at=NOW + 90,
        revoked_reason=Reason.ADMIN,
    )
    process.auth.pruning.prune()
    valkey.flush()
    for _ in range(2):
        assert verdicts(denylist, living, ending) == RIGHT


@pytest.mark.parametrize("found", [b"rubbish", b"abc.999999999999.x"])
def test_a_marker_that_is_none_of_ours_is_replaced(
    process: Services, settings: Settings, valkey: ValkeyServer, found: bytes
) -> None:
    """What somebody else wrote there vouches for nothing."""
    name = denylist_keys(settings).marker
    valkey.client.set(name, found)
    process.denylist_sync.check_for_loss()
    made = str(valkey.client.get(name)).encode()
    assert made != found
    assert process.denylist_sync.vouch(made, process.denylist_sync.trusted)[0]


def test_connections_that_lead_to_another_server_are_let_go(
    process: Services, settings: Settings, valkey: ValkeyServer
) -> None:
    """A look-up that read a marker which new connections do not find proves that."""
    process.denylist_sync.check_for_loss()
    before = process.denylist_sync._link.opened.opened  # noqa: SLF001 - what the pool did
    assert not process.denylist_sync.vouch(
        b"abc.1.of-another-server", process.denylist_sync.trusted
    )[0]
    marker = str(valkey.client.get(denylist_keys(settings).marker)).encode()
    process.denylist.denied("nobody")
    assert process.denylist_sync._link.opened.opened > before  # noqa: SLF001 - likewise
    process.denylist_sync.check_for_loss()
    assert process.denylist_sync.vouch(marker, process.denylist_sync.trusted)[0]


def test_a_command_that_failed_meanwhile_keeps_the_outage(process: Services) -> None:
    """The list was complete before it failed; what it was to write may be missing."""
    outage = process.denylist_sync._outage  # noqa: SLF001 - one part of the process
    failures = outage.failures
    outage.mark_redis_down(ConnectionError())
    outage.end(0, failures)
    assert outage.since is not None
    outage.end(0, outage.failures)
    assert outage.since is None


def test_a_new_proof_is_remembered_here_where_redis_is_not_believed(process: Services) -> None:
    """Redis answered, and may forget: the second use is known to this process."""
    process.denylist_sync._outage.distrust("may forget")  # noqa: SLF001 - one part of the process
    once = process.auth.replay_cache
    proof = Proof("k" * 43, "a-number", process.nonces.newest(process.clock.now()) + 60)
    once.check_age(proof, 0)
    with pytest.raises(ProofRefused, match="replayed"):
        once.check_age(proof, 0)
