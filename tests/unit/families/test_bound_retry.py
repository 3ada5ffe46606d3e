"""A client that holds the key may present a spent token again when the answer was lost."""

from dataclasses import replace

import pytest

from app.accounts.models import User
from app.families.issuer import new_id
from app.families.models import Family
from app.families.rotation import IN_FLIGHT_SECONDS
from app.infra.database import Database
from tests.support.clock import NOW
from tests.support.factories import a_family, claims_of, stored
from tests.unit.families.rotations import (
    FOREIGN,
    LATER,
    OURS,
    a_successor,
    of_predecessor,
    retry,
    rotated,
)


def test_the_predecessor_is_a_retry(database: Database, user: User, bound: Family) -> None:
    """The row stays the same but for the count of retries and the time of use."""
    for retries, now in ((1, LATER), (2, LATER + 9)):
        expected = replace(bound, last_used_at=now, retries=retries)
        retried = retry(database, of_predecessor(bound), a_successor(OURS, now))
        assert retried == (expected, user.email)
        assert stored(database, bound) == expected


def test_a_retry_works_until_the_last_second_before_the_idle_end(
    database: Database, user: User
) -> None:
    family = a_family(database, user, jkt=OURS, previous_jti=new_id())
    last = family.idle_expires_at - 1
    assert retry(database, of_predecessor(family), a_successor(OURS, last)) is not None
    assert retry(database, of_predecessor(family), a_successor(OURS, last + 1)) is None


@pytest.mark.parametrize("jkt", [None, FOREIGN])
def test_a_retry_takes_the_own_key(database: Database, bound: Family, jkt: str | None) -> None:
    assert retry(database, of_predecessor(bound), a_successor(jkt)) is None
    assert stored(database, bound) == bound


@pytest.mark.parametrize("jkt", [None, OURS])
def test_an_unbound_family_knows_no_retry(database: Database, user: User, jkt: str | None) -> None:
    """Without a key, the owner and a thief look the same."""
    family = a_family(database, user, previous_jti=new_id())
    assert retry(database, of_predecessor(family), a_successor(jkt)) is None
    assert stored(database, family) == family


def test_what_is_older_than_the_burst_is_no_retry(database: Database, bound: Family) -> None:
    """The predecessor is a retry at any age, a token before it is not."""
    assert rotated(database, bound, a_successor(OURS)).burst_started_at == NOW
    older = replace(of_predecessor(bound), iat=NOW - 1)
    assert retry(database, older, a_successor(OURS)) is None
    assert retry(database, replace(older, jti=bound.jti), a_successor(OURS)) is not None


def test_a_token_of_the_burst_is_a_retry(database: Database, bound: Family) -> None:
    """When rotations follow each other closely, requests with former tokens may still arrive."""
    family = bound
    for seconds in (IN_FLIGHT_SECONDS, 2 * IN_FLIGHT_SECONDS):
        family = rotated(database, family, a_successor(OURS, NOW + seconds))
    assert family.burst_started_at == NOW - 5
    late = claims_of(bound)
    assert retry(database, replace(late, iat=NOW - 5), a_successor(OURS)) is not None
    assert retry(database, replace(late, iat=NOW - 6), a_successor(OURS)) is None


def test_a_burst_over_machines_whose_clocks_differ(database: Database, bound: Family) -> None:
    """A token of a machine whose clock is behind is not older than its burst."""
    tokens = [bound]
    for now in (NOW + 40, NOW + 37, NOW + 45, NOW + 50):
        tokens.append(rotated(database, tokens[-1], a_successor(OURS, now)))
    assert [one.rotated_at - NOW for one in tokens] == [0, 40, 40, 45, 50]
    for late in tokens[:-1]:
        assert retry(database, claims_of(late), a_successor(OURS, NOW + 47)) is not None
    assert stored(database, bound) == replace(tokens[-1], retries=4)


def test_a_burst_ends_when_nothing_came_for_thirty_seconds(
    database: Database, bound: Family
) -> None:
    row = rotated(database, bound, a_successor(OURS, NOW + 31))
    assert row.burst_started_at == NOW


def test_a_family_that_never_rotated_has_nothing_to_retry(database: Database, user: User) -> None:
    family = a_family(database, user, jkt=OURS, burst_started_at=NOW)
    assert retry(database, claims_of(family), a_successor(OURS)) is None


def test_family_and_user_of_a_retry_must_be_those_of_the_token(
    database: Database, user: User, bound: Family
) -> None:
    other = a_family(database, user, jkt=OURS, previous_jti=bound.previous_jti)
    claims = of_predecessor(bound)
    assert retry(database, replace(claims, sub=new_id()), a_successor(OURS)) is None
    assert retry(database, claims, a_successor(OURS)) is not None
    assert stored(database, other) == other
