from collections.abc import Callable
from dataclasses import replace

import pytest

from app.accounts import queries as accounts
from app.families import revocation
from app.families.issuer import new_id
from app.families.models import Family, Reason
from app.infra.database import Database
from tests.support.at_once import at_once
from tests.support.clock import NOW
from tests.support.factories import a_family, a_user, claims_of, revoke, stored
from tests.unit.families.rotations import LATER, a_successor, refusal_reason, rotate, rotated


def test_the_current_token_rotates(database: Database) -> None:
    user = a_user(database)
    family, successor = a_family(database, user), a_successor()
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
    assert rotate(database, claims_of(family), successor) == (expected, user.email)
    assert stored(database, family) == expected


def test_no_other_family_is_touched(database: Database) -> None:
    user, other = a_user(database), a_user(database, "eve@example.com")
    family = a_family(database, user)
    bystanders = [a_family(database, user), a_family(database, other)]
    assert rotate(database, claims_of(family), a_successor())
    assert [stored(database, one) for one in bystanders] == bystanders


def test_the_idle_end_moves_up_to_the_absolute_one_which_stays(database: Database) -> None:
    family = a_family(database, a_user(database), absolute_expires_at=LATER + 100)
    row = rotated(database, family)
    assert row.idle_expires_at == row.absolute_expires_at == LATER + 100


def test_for_a_family_time_never_runs_back(database: Database) -> None:
    """A machine whose clock is behind does not move the times of the row back."""
    family = a_family(database, a_user(database), last_used_at=LATER, rotated_at=LATER)
    row = rotated(database, family, a_successor(now=LATER - 3))
    assert row == stored(database, family)
    assert (row.rotated_at, row.last_used_at) == (LATER, LATER)
    assert row.idle_expires_at == LATER + 3600


def test_a_remembered_family_has_its_own_idle_life(database: Database) -> None:
    family = a_family(database, a_user(database), remembered=True)
    assert rotated(database, family).idle_expires_at == LATER + 1800


def test_a_rotated_family_rotates_again(database: Database) -> None:
    family = a_family(database, a_user(database))
    for generation in (1, 2, 3):
        family = rotated(database, family)
        assert family.generation == generation


def test_neither_the_predecessor_nor_an_older_token_rotates(database: Database) -> None:
    first = a_family(database, a_user(database))
    second = rotated(database, first)
    third = rotated(database, second)
    for spent in (first, second):
        assert rotate(database, claims_of(spent), a_successor()) is None
        assert refusal_reason(database, claims_of(spent)) == Reason.REUSE
    assert stored(database, first) == third


def test_an_unknown_family_does_not_rotate(database: Database) -> None:
    """It may have been pruned, so it is not reuse: there is nothing to revoke."""
    family = a_family(database, a_user(database))
    claims = replace(claims_of(family), family_id=new_id())
    assert rotate(database, claims, a_successor()) is None
    assert refusal_reason(database, claims) == "unknown"


def test_a_family_of_somebody_else_does_not_rotate(database: Database) -> None:
    family = a_family(database, a_user(database))
    eve = a_user(database, "eve@example.com")
    claims = replace(claims_of(family), sub=eve.id)
    assert rotate(database, claims, a_successor()) is None
    assert refusal_reason(database, claims) == "unknown"
    assert stored(database, family) == family


@pytest.mark.parametrize("left", [0, -1])
def test_at_its_idle_end_a_family_does_not_rotate(database: Database, left: int) -> None:
    user = a_user(database)
    family = a_family(database, user, idle_expires_at=LATER + left)
    assert rotate(database, claims_of(family), a_successor()) is None
    assert refusal_reason(database, claims_of(family)) == Reason.EXPIRED
    living = a_family(database, user, idle_expires_at=LATER + 1)
    assert rotate(database, claims_of(living), a_successor())


@pytest.mark.parametrize(
    "reason",
    [Reason.LOGGED_OUT, Reason.REUSE, Reason.PASSWORD_CHANGED, Reason.ADMIN, Reason.REPLACED],
)
def test_a_revoked_family_does_not_rotate(database: Database, reason: Reason) -> None:
    """The reason is that of the revocation, for the current token as for a spent one."""
    family = a_family(database, a_user(database))
    current = rotated(database, family)
    with database.autocommit() as connection:
        revocation.revoke_family(connection, family.family_id, reason, LATER)
    for claims in (claims_of(family), claims_of(current)):
        assert rotate(database, claims, a_successor()) is None
        assert refusal_reason(database, claims) == reason


def test_a_reason_of_another_release_is_a_reason(database: Database) -> None:
    family = a_family(database, a_user(database), revoked_at=NOW, revoked_reason="moved_abroad")
    assert refusal_reason(database, claims_of(family)) == Reason.REVOKED


def test_a_family_rotates_only_while_its_account_is_enabled(database: Database) -> None:
    user, _enabled = a_user(database), a_user(database, "eve@example.com")
    family = a_family(database, user)
    database.write(accounts.disable, user.id, NOW)
    assert rotate(database, claims_of(family), a_successor()) is None
    assert refusal_reason(database, claims_of(family)) == "disabled"
    database.write(accounts.enable, user.id)
    assert rotate(database, claims_of(family), a_successor())


def test_of_parallel_attempts_exactly_one_rotates(database: Database) -> None:
    family = a_family(database, a_user(database))
    outcomes = at_once(8, lambda _: rotate(database, claims_of(family), a_successor()))
    (winner,) = (outcome for outcome in outcomes if outcome)
    assert stored(database, family) == winner[0]
    assert refusal_reason(database, claims_of(family)) == Reason.REUSE


def test_a_family_revoked_during_a_rotation_stays_revoked(database: Database) -> None:
    def race(family: Family) -> None:
        acts: list[Callable[[], object]] = [
            lambda: revoke(database, family),
            lambda: rotate(database, claims_of(family), a_successor()),
        ]
        at_once(2, lambda number: acts[number]())

    user = a_user(database)
    for _ in range(5):
        family = a_family(database, user)
        race(family)
        after = stored(database, family)
        assert after is not None
        assert after.revoked_at == NOW
        assert rotate(database, claims_of(after), a_successor()) is None
