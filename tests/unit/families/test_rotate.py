import threading
from dataclasses import replace

import pytest

from app.accounts import queries as accounts
from app.families import revocation, rotation
from app.families.issuer import new_id
from app.families.models import Family, Reason
from app.families.outcomes import Successor
from app.infra.database import Database
from app.tokens.claims import RefreshTokenClaims
from tests.support.clock import NOW
from tests.support.factories import a_family, a_user, claims_of, revoke, stored, whole

LATER = NOW + 60


def a_step(now: int = LATER) -> Successor:
    """Give what a refresh from another place would write."""
    return Successor(new_id(), now, 3600, 1800, "198.51.100.7", "another browser")


def rotate(
    database: Database, claims: RefreshTokenClaims, step: Successor
) -> tuple[Family, str] | None:
    """Rotate as the use case does, in one statement of its own."""
    with database.autocommit() as connection:
        return whole(connection, rotation.rotate(connection, claims, step))


def refusal_reason(database: Database, claims: RefreshTokenClaims, now: int = LATER) -> str:
    """Ask why a token did not rotate."""
    with database.autocommit() as connection:
        return rotation.refusal_reason(connection, claims, now, None)


def test_the_current_token_rotates(database: Database) -> None:
    """The row takes the successor's `jti`, remembers the former, and says when and from where."""
    user = a_user(database)
    family, successor = a_family(database, user), a_step()
    rotated = rotate(database, claims_of(family), successor)
    expected = replace(
        family,
        jti=successor.jti,
        previous_jti=family.jti,
        generation=1,
        rotated_at=LATER,
        burst_started_at=NOW,
        last_used_at=LATER,
        idle_expires_at=LATER + 3600,
        ip="198.51.100.7",
        user_agent="another browser",
    )
    assert rotated == (expected, user.email)
    assert stored(database, family) == expected


def test_no_other_family_is_touched(database: Database) -> None:
    """A rotation is of one row, among those of the same user and of others."""
    user, other = a_user(database), a_user(database, "eve@example.com")
    family = a_family(database, user)
    bystanders = [a_family(database, user), a_family(database, other)]
    assert rotate(database, claims_of(family), a_step())
    assert [stored(database, one) for one in bystanders] == bystanders


def test_the_absolute_end_never_moves(database: Database) -> None:
    """The idle end follows each rotation, up to the absolute one, which stays."""
    user = a_user(database)
    family = a_family(database, user, absolute_expires_at=LATER + 100)
    rotated = rotate(database, claims_of(family), a_step())
    assert rotated is not None
    assert rotated[0].idle_expires_at == rotated[0].absolute_expires_at == LATER + 100


def test_for_a_family_time_never_runs_back(database: Database) -> None:
    """What a machine writes whose clock is behind is no older than what is there."""
    family = a_family(database, a_user(database), last_used_at=LATER, rotated_at=LATER)
    rotated = rotate(database, claims_of(family), replace(a_step(), now=LATER - 3))
    assert rotated is not None
    assert rotated[0] == stored(database, family)
    assert (rotated[0].rotated_at, rotated[0].last_used_at) == (LATER, LATER)
    assert rotated[0].idle_expires_at == LATER + 3600


def test_a_remembered_family_has_its_own_idle_life(database: Database) -> None:
    """Keep me logged in means another idle limit, also when it is the shorter one."""
    user = a_user(database)
    family = a_family(database, user, remembered=True)
    rotated = rotate(database, claims_of(family), a_step())
    assert rotated is not None
    assert rotated[0].idle_expires_at == LATER + 1800


def test_a_rotated_family_rotates_again(database: Database) -> None:
    """Each successor works once, and each counts one generation."""
    family = a_family(database, a_user(database))
    for generation in (1, 2, 3):
        rotated = rotate(database, claims_of(family), a_step())
        assert rotated is not None
        family = rotated[0]
        assert family.generation == generation


def test_a_spent_token_does_not_rotate(database: Database) -> None:
    """The predecessor is reuse; so is any token of the family that is older still."""
    first = a_family(database, a_user(database))
    second = rotate(database, claims_of(first), a_step())
    assert second is not None
    third = rotate(database, claims_of(second[0]), a_step())
    assert third is not None
    for spent in (first, second[0]):
        assert rotate(database, claims_of(spent), a_step()) is None
        assert refusal_reason(database, claims_of(spent)) == Reason.REUSE
    assert stored(database, first) == third[0]


def test_an_unknown_family_does_not_rotate(database: Database) -> None:
    """A family that was pruned, or never was, is unknown and not reuse: nothing to revoke."""
    family = a_family(database, a_user(database))
    claims = replace(claims_of(family), family_id=new_id())
    assert rotate(database, claims, a_step()) is None
    assert refusal_reason(database, claims) == "unknown"


def test_a_family_of_somebody_else_does_not_rotate(database: Database) -> None:
    """The token's subject must be the row's owner."""
    family = a_family(database, a_user(database))
    eve = a_user(database, "eve@example.com")
    claims = replace(claims_of(family), sub=eve.id)
    assert rotate(database, claims, a_step()) is None
    assert refusal_reason(database, claims) == "unknown"
    assert stored(database, family) == family


@pytest.mark.parametrize("left", [0, -1])
def test_an_idle_family_does_not_rotate(database: Database, left: int) -> None:
    """At its idle end a family is over, a second earlier it is not."""
    user = a_user(database)
    family = a_family(database, user, idle_expires_at=LATER + left)
    assert rotate(database, claims_of(family), a_step()) is None
    assert refusal_reason(database, claims_of(family)) == Reason.EXPIRED
    living = a_family(database, user, idle_expires_at=LATER + 1)
    assert rotate(database, claims_of(living), a_step())


@pytest.mark.parametrize(
    "reason",
    [
        Reason.LOGGED_OUT,
        Reason.REUSE,
        Reason.PASSWORD_CHANGED,
        Reason.ADMIN,
        Reason.REPLACED,
    ],
)
def test_a_revoked_family_does_not_rotate(database: Database, reason: Reason) -> None:
    """The record says why it was revoked, for the current token as for a spent one."""
    family = a_family(database, a_user(database))
    rotated = rotate(database, claims_of(family), a_step())
    assert rotated is not None
    with database.autocommit() as connection:
        revocation.revoke_family(connection, family.family_id, reason, LATER)
    for claims in (claims_of(family), claims_of(rotated[0])):
        assert rotate(database, claims, a_step()) is None
        assert refusal_reason(database, claims) == reason


def test_a_reason_of_another_release_is_a_reason(database: Database) -> None:
    """A row that another release revoked is refused as revoked, not with an error."""
    family = a_family(database, a_user(database), revoked_at=NOW, revoked_reason="moved_abroad")
    assert refusal_reason(database, claims_of(family)) == Reason.REVOKED


def test_a_family_of_a_disabled_account_does_not_rotate(database: Database) -> None:
    """Shut accounts refresh nothing; enabled again, a family that was left alone goes on."""
    user, _enabled = a_user(database), a_user(database, "eve@example.com")
    family = a_family(database, user)
    with database.transaction() as connection:
        accounts.disable(connection, user.id, NOW)
    assert rotate(database, claims_of(family), a_step()) is None
    assert refusal_reason(database, claims_of(family)) == "disabled"
    with database.transaction() as connection:
        accounts.enable(connection, user.id)
    assert rotate(database, claims_of(family), a_step())


def test_of_parallel_attempts_exactly_one_rotates(database: Database) -> None:
    """Eight threads with one token: one successor, seven that are told it was reuse."""
    family = a_family(database, a_user(database))
    together, outcomes = threading.Barrier(8), []

    def attempt() -> None:
        together.wait()
        outcomes.append(rotate(database, claims_of(family), a_step()))

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = (outcome for outcome in outcomes if outcome)
    assert len(outcomes) == 8
    assert stored(database, family) == winner[0]
    assert refusal_reason(database, claims_of(family)) == Reason.REUSE


def test_a_rotation_against_a_revocation_leaves_it_revoked(database: Database) -> None:
    """Whichever comes first, a family that was revoked stays so and rotates no more."""
    for _ in range(5):
        user = a_user(database, f"{new_id().lower()}@example.com")
        family = a_family(database, user)
        together = threading.Barrier(2)

        def end(family: Family = family, together: threading.Barrier = together) -> None:
            together.wait()
            revoke(database, family)

        thread = threading.Thread(target=end)
        thread.start()
        together.wait()
        rotate(database, claims_of(family), a_step())
        thread.join()
        after = stored(database, family)
        assert after is not None
        assert after.revoked_at == NOW
        assert rotate(database, claims_of(after), a_step()) is None
