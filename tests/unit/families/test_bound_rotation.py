from dataclasses import replace

import pytest

from app.accounts import queries as accounts
from app.accounts.models import User
from app.families import revocation
from app.families.issuer import new_id
from app.families.models import Family, Reason
from app.infra.database import Database
from tests.support.at_once import at_once
from tests.support.clock import NOW
from tests.support.factories import a_family, claims_of, stored
from tests.unit.families.rotations import (
    FOREIGN,
    LATER,
    OURS,
    a_successor,
    of_predecessor,
    refusal_reason,
    retry,
    rotate,
    rotated,
)


def test_the_own_key_rotates(database: Database, user: User, bound: Family) -> None:
    successor = a_successor(OURS)
    expected = replace(
        bound,
        jti=successor.jti,
        previous_jti=bound.jti,
        generation=2,
        rotated_at=LATER,
        burst_started_at=NOW,
        last_used_at=LATER,
        idle_expires_at=LATER + 3600,
        ip="198.51.100.7",
        user_agent="another browser",
    )
    assert rotate(database, claims_of(bound), successor) == (expected, user.email)
    assert stored(database, bound) == expected


@pytest.mark.parametrize("jkt", [None, FOREIGN, OURS.upper(), OURS[:-1], ""])
def test_no_other_key_rotates(database: Database, bound: Family, jkt: str | None) -> None:
    assert rotate(database, claims_of(bound), a_successor(jkt)) is None
    assert stored(database, bound) == bound


def test_the_first_proof_binds(database: Database, user: User) -> None:
    family = a_family(database, user)
    row = rotated(database, family, a_successor(OURS))
    assert (row.jkt, row.generation) == (OURS, 1)
    assert stored(database, family) == row


def test_without_a_proof_a_family_stays_unbound(database: Database, user: User) -> None:
    assert rotated(database, a_family(database, user)).jkt is None


def test_a_binding_never_changes(database: Database, user: User) -> None:
    family: Family | None = a_family(database, user, jkt=OURS)
    for _ in range(3):
        assert family is not None
        for jkt in (FOREIGN, None):
            assert rotate(database, claims_of(family), a_successor(jkt)) is None
        assert rotate(database, claims_of(family), a_successor(OURS)) is not None
        family = stored(database, family)
        assert family is not None
        assert family.jkt == OURS


def test_of_many_first_proofs_at_once_one_binds(database: Database, user: User) -> None:
    family = a_family(database, user)
    successors = [a_successor(f"{number}" * 43) for number in range(6)]
    taken = at_once(6, lambda number: rotate(database, claims_of(family), successors[number]))
    (won,) = [one[0] for one in taken if one]
    assert stored(database, family) == won
    assert won.generation == 1
    assert [one.jkt for one in successors if one.jti == won.jti] == [won.jkt]


def test_a_revoked_family_neither_rotates_nor_retries(database: Database, bound: Family) -> None:
    with database.autocommit() as connection:
        revocation.revoke_family(
            connection, bound.family_id, Reason.LOGGED_OUT, LATER, "203.0.113.9"
        )
    for claims in (claims_of(bound), of_predecessor(bound)):
        assert rotate(database, claims, a_successor(OURS)) is None
        assert retry(database, claims, a_successor(OURS)) is None
        assert refusal_reason(database, claims, OURS) == Reason.LOGGED_OUT
    family = stored(database, bound)
    assert family is not None
    assert (family.revoked_ip, family.retries) == ("203.0.113.9", 0)


def test_a_family_of_a_disabled_account_neither_rotates_nor_retries(
    database: Database, user: User, bound: Family
) -> None:
    database.write(accounts.disable, user.id, LATER)
    assert retry(database, of_predecessor(bound), a_successor(OURS)) is None
    assert rotate(database, claims_of(bound), a_successor(OURS)) is None
    assert refusal_reason(database, claims_of(bound), OURS) == "disabled"
    database.write(accounts.enable, user.id)
    assert retry(database, of_predecessor(bound), a_successor(OURS)) is not None


def test_each_refusal_has_its_reason_and_the_key_is_checked_first(
    database: Database, user: User
) -> None:
    family = a_family(database, user, jkt=OURS, previous_jti=new_id())
    current, spent, foreign = (
        claims_of(family),
        of_predecessor(family),
        replace(claims_of(family), jti=new_id()),
    )
    for claims in (current, spent, foreign):
        assert refusal_reason(database, claims, None) == Reason.NO_PROOF
        assert refusal_reason(database, claims, FOREIGN) == Reason.FOREIGN_KEY
    assert refusal_reason(database, foreign, OURS) == Reason.REUSE
    for jkt in (OURS, FOREIGN, None):
        for claims in (current, spent):
            over = refusal_reason(database, claims, jkt, family.idle_expires_at)
            assert over == Reason.EXPIRED
    unknown = replace(current, family_id=new_id())
    assert refusal_reason(database, unknown, OURS) == "unknown"
    unbound = a_family(database, user, previous_jti=new_id())
    for jkt in (None, OURS):
        assert refusal_reason(database, of_predecessor(unbound), jkt) == Reason.REUSE
