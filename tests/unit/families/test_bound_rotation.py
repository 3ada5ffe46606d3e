import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from app.accounts import queries as accounts
from app.accounts.models import User
from app.families import queries, revocation, rotation
from app.families.issuer import new_id
from app.families.models import Family, Reason
from app.families.outcomes import Successor
from app.infra.database import Database
from app.tokens.claims import RefreshTokenClaims
from tests.support.factories import whole

NOW = 1_800_000_000
LATER = NOW + 60
OURS = "k" * 43
FOREIGN = "f" * 43


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Give an empty, migrated database; the test runs once on each kind."""
    database = Database(database_url)
    yield database
    database.engine.dispose()


@pytest.fixture
def user(database: Database) -> User:
    """Give an account whose password nobody knows."""
    user = User(new_id(), "ada@example.com", f"hash-{new_id()}", NOW, NOW, None, None)
    with database.transaction() as connection:
        accounts.insert(connection, user)
    return user


@pytest.fixture
def begin(database: Database, user: User) -> Callable[..., Family]:
    """Give a function that stores a family which began now; its arguments are columns."""

    def store(**changes: int | str | bool | None) -> Family:
        family = Family(
            family_id=new_id(),
            user_id=user.id,
            jti=new_id(),
            previous_jti=None,
            generation=0,
            created_at=NOW,
            rotated_at=NOW,
            last_used_at=NOW,
            idle_expires_at=NOW + 3600,
            absolute_expires_at=NOW + 7200,
            remembered=False,
            ip="192.0.2.1",
            user_agent="a browser",
            revoked_at=None,
            revoked_reason=None,
        )
        family = replace(family, **changes)  # type: ignore[arg-type]
        with database.transaction() as connection:
            queries.insert(connection, family)
        return family

    return store


@pytest.fixture
def bound(begin: Callable[..., Family]) -> Family:
    """Give a family that is bound to our key, a minute after its first rotation."""
    return begin(
        jkt=OURS, previous_jti=new_id(), generation=1, rotated_at=NOW, burst_started_at=NOW - 5
    )


def claims_of(family: Family, jti: str | None = None) -> RefreshTokenClaims:
    """Give the claims of a family's current token, or of the one with that number."""
    return RefreshTokenClaims(
        iss="https://localhost",
        aud="https://localhost/auth/refresh",
        sub=family.user_id,
        family_id=family.family_id,
        jti=jti or family.jti,
        iat=family.rotated_at,
        exp=family.idle_expires_at,
    )


def before(family: Family) -> RefreshTokenClaims:
    """Give the claims of the immediate predecessor."""
    return claims_of(family, family.previous_jti)


def a_step(jkt: str | None, now: int = LATER) -> Successor:
    """Give what a refresh with a proof by that key would write."""
    return Successor(new_id(), now, 1800, 900, "198.51.100.7", "another browser", jkt)


def rotate(
    database: Database, claims: RefreshTokenClaims, step: Successor
) -> tuple[Family, str] | None:
    """Rotate as the use case does, in one statement of its own."""
    with database.autocommit() as connection:
        return whole(connection, rotation.rotate(connection, claims, step))


def retry(
    database: Database, claims: RefreshTokenClaims, step: Successor
) -> tuple[Family, str] | None:
    """Retry as the use case does, in one statement of its own."""
    with database.autocommit() as connection:
        return whole(connection, rotation.retry(connection, claims, step))


def refusal_reason(
    database: Database, claims: RefreshTokenClaims, jkt: str | None, now: int = LATER
) -> str:
    """Ask why a token neither rotated nor was a retry."""
    with database.autocommit() as connection:
        return rotation.refusal_reason(connection, claims, now, jkt)


def stored(database: Database, family: Family) -> Family | None:
    """Give a family's row as it is now."""
    with database.autocommit() as connection:
        return queries.find(connection, family.family_id)


def test_the_own_key_rotates(database: Database, user: User, bound: Family) -> None:
    """A bound family goes on with its key, and keeps it."""
    successor = a_step(OURS)
    rotated = rotate(database, claims_of(bound), successor)
    expected = replace(
        bound,
        jti=successor.jti,
        previous_jti=bound.jti,
        generation=2,
        rotated_at=LATER,
        burst_started_at=NOW,
        last_used_at=LATER,
        idle_expires_at=LATER + 1800,
        ip="198.51.100.7",
        user_agent="another browser",
    )
    assert rotated == (expected, user.email)
    assert stored(database, bound) == expected


@pytest.mark.parametrize("jkt", [None, FOREIGN, OURS.upper(), OURS[:-1], ""])
def test_no_other_key_rotates(database: Database, bound: Family, jkt: str | None) -> None:
    """Not without a proof and not with another's: the row stays as it was."""
    assert rotate(database, claims_of(bound), a_step(jkt)) is None
    assert stored(database, bound) == bound


def test_the_first_proof_binds(database: Database, begin: Callable[..., Family]) -> None:
    """The same statement that rotates an unbound family binds it."""
    family = begin()
    rotated = rotate(database, claims_of(family), a_step(OURS))
    assert rotated is not None
    assert (rotated[0].jkt, rotated[0].generation) == (OURS, 1)
    assert stored(database, family) == rotated[0]


def test_without_a_proof_it_stays_unbound(
    database: Database, begin: Callable[..., Family]
) -> None:
    """A client without a key is served as ever."""
    family = begin()
    rotated = rotate(database, claims_of(family), a_step(None))
    assert rotated is not None
    assert rotated[0].jkt is None


def test_a_binding_never_changes(database: Database, begin: Callable[..., Family]) -> None:
    """Neither to another key nor to none, however often it is tried."""
    family: Family | None = begin(jkt=OURS)
    for _ in range(3):
        assert family is not None
        for jkt in (FOREIGN, None):
            assert rotate(database, claims_of(family), a_step(jkt)) is None
        assert rotate(database, claims_of(family), a_step(OURS)) is not None
        family = stored(database, family)
        assert family is not None
        assert family.jkt == OURS


def test_two_keys_race_to_bind(database: Database, begin: Callable[..., Family]) -> None:
    """Of many first proofs at once one binds and rotates; the others change nothing."""
    family = begin()
    steps = [a_step(f"{number}" * 43) for number in range(6)]
    gate, rotated = threading.Barrier(len(steps)), []

    def run(step: Successor) -> None:
        gate.wait()
        rotated.append(rotate(database, claims_of(family), step))

    threads = [threading.Thread(target=run, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (won,) = [one[0] for one in rotated if one]
    assert stored(database, family) == won
    assert won.generation == 1
    assert [step.jkt for step in steps if step.jti == won.jti] == [won.jkt]


def test_the_predecessor_is_a_retry(database: Database, user: User, bound: Family) -> None:
    """It gets the row as it is: only the count and the time of use move."""
    retried = retry(database, before(bound), a_step(OURS))
    expected = replace(bound, last_used_at=LATER, retries=1)
    assert retried == (expected, user.email)
    assert stored(database, bound) == expected
    assert retry(database, before(bound), a_step(OURS, LATER + 9)) == (
        replace(bound, last_used_at=LATER + 9, retries=2),
        user.email,
    )


def test_a_retry_outlives_nothing(database: Database, begin: Callable[..., Family]) -> None:
    """It works until the last second before the idle end, and not at it."""
    family = begin(jkt=OURS, previous_jti=new_id())
    last = family.idle_expires_at - 1
    assert retry(database, before(family), a_step(OURS, last)) is not None
    assert retry(database, before(family), a_step(OURS, last + 1)) is None


@pytest.mark.parametrize("jkt", [None, FOREIGN])
def test_a_retry_takes_the_own_key(database: Database, bound: Family, jkt: str | None) -> None:
    """The predecessor without a proof, or with another's, is no retry."""
    assert retry(database, before(bound), a_step(jkt)) is None
    assert stored(database, bound) == bound


def test_an_unbound_family_knows_no_retry(
    database: Database, begin: Callable[..., Family]
) -> None:
    """Neither without a proof nor with one: nobody can tell who lost the answer."""
    family = begin(previous_jti=new_id())
    for jkt in (None, OURS):
        assert retry(database, before(family), a_step(jkt)) is None
    assert stored(database, family) == family


def test_what_is_older_than_the_burst_is_no_retry(database: Database, bound: Family) -> None:
    """The predecessor is one, however old; a token from before it is not."""
    rotated = rotate(database, claims_of(bound), a_step(OURS))
    assert rotated is not None
    assert rotated[0].burst_started_at == NOW
    older = replace(claims_of(bound, str(bound.previous_jti)), iat=NOW - 1)
    assert retry(database, older, a_step(OURS)) is None
    assert retry(database, replace(older, jti=bound.jti), a_step(OURS)) is not None


def test_a_token_of_the_burst_is_a_retry(database: Database, bound: Family) -> None:
    """While rotations follow each other closely, any of their tokens may still be on its way."""
    late, family = claims_of(bound), bound
    for seconds in (rotation.IN_FLIGHT_SECONDS, 2 * rotation.IN_FLIGHT_SECONDS):
        step = replace(a_step(OURS), now=NOW + seconds)
        rotated = rotate(database, replace(claims_of(family), jti=family.jti), step)
        assert rotated is not None
        family = rotated[0]
    assert family.burst_started_at == NOW - 5
    assert retry(database, replace(late, iat=NOW - 5), a_step(OURS)) is not None
    assert retry(database, replace(late, iat=NOW - 6), a_step(OURS)) is None


def test_a_burst_over_machines_whose_clocks_differ(database: Database, bound: Family) -> None:
    """A token minted where the clock is behind is no older than the burst it belongs to."""
    tokens = [bound]
    for now in (NOW + 40, NOW + 37, NOW + 45, NOW + 50):
        rotated = rotate(database, claims_of(tokens[-1]), a_step(OURS, now))
        assert rotated is not None
        tokens.append(rotated[0])
    assert [one.rotated_at - NOW for one in tokens] == [0, 40, 40, 45, 50]
    for late in tokens[:-1]:
        assert retry(database, claims_of(late), a_step(OURS, NOW + 47)) is not None
    assert stored(database, bound) == replace(tokens[-1], retries=4)


def test_a_burst_ends_when_nothing_came_for_thirty_seconds(
    database: Database, bound: Family
) -> None:
    """A second later the tokens before the current one are no longer on their way."""
    rotated = rotate(database, claims_of(bound), a_step(OURS, NOW + 31))
    assert rotated is not None
    assert rotated[0].burst_started_at == NOW


def test_a_first_token_has_no_predecessor(
    database: Database, begin: Callable[..., Family]
) -> None:
    """A family that never rotated has nothing to retry: its only token is not spent."""
    family = begin(jkt=OURS, burst_started_at=NOW)
    assert retry(database, claims_of(family), a_step(OURS)) is None


def test_a_retry_is_of_one_family(
    database: Database, bound: Family, begin: Callable[..., Family]
) -> None:
    """The number alone is not enough: family and user must be the token's."""
    other = begin(jkt=OURS, previous_jti=bound.previous_jti)
    assert retry(database, replace(before(bound), sub=new_id()), a_step(OURS)) is None
    assert retry(database, before(bound), a_step(OURS)) is not None
    assert stored(database, other) == other


def test_an_ended_family_is_not_retried(database: Database, bound: Family) -> None:
    """Nothing revives by a proof."""
    with database.autocommit() as connection:
        revocation.revoke_family(
            connection, bound.family_id, Reason.LOGGED_OUT, LATER, "203.0.113.9"
        )
    for claims in (claims_of(bound), before(bound)):
        assert rotate(database, claims, a_step(OURS)) is None
        assert retry(database, claims, a_step(OURS)) is None
        assert refusal_reason(database, claims, OURS) == Reason.LOGGED_OUT
    family = stored(database, bound)
    assert family is not None
    assert (family.revoked_ip, family.retries) == ("203.0.113.9", 0)


def test_a_disabled_user_is_not_retried(database: Database, user: User, bound: Family) -> None:
    """Nor does a family go on whose account was shut."""
    with database.transaction() as connection:
        accounts.disable(connection, user.id, LATER)
    assert retry(database, before(bound), a_step(OURS)) is None
    assert rotate(database, claims_of(bound), a_step(OURS)) is None
    assert refusal_reason(database, claims_of(bound), OURS) == "disabled"
    with database.transaction() as connection:
        accounts.enable(connection, user.id)
    assert retry(database, before(bound), a_step(OURS)) is not None


def test_why_not(database: Database, begin: Callable[..., Family]) -> None:
    """Each way a bound family's token can fail has its word; the key is asked first."""
    family = begin(jkt=OURS, previous_jti=new_id())
    for jti in (family.jti, family.previous_jti, new_id()):
        claims = claims_of(family, jti)
        assert refusal_reason(database, claims, None) == Reason.NO_PROOF
        assert refusal_reason(database, claims, FOREIGN) == Reason.FOREIGN_KEY
    assert refusal_reason(database, claims_of(family, new_id()), OURS) == Reason.REUSE
    for jkt in (OURS, FOREIGN, None):
        for jti in (family.jti, family.previous_jti):
            over = refusal_reason(database, claims_of(family, jti), jkt, family.idle_expires_at)
            assert over == Reason.EXPIRED
    unknown = replace(claims_of(family), family_id=new_id())
    assert refusal_reason(database, unknown, OURS) == "unknown"
    unbound = begin(previous_jti=new_id())
    for jkt in (None, OURS):
        assert refusal_reason(database, before(unbound), jkt) == Reason.REUSE
