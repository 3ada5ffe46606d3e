from dataclasses import replace

import pytest

from app.accounts import queries as accounts
from app.families import queries, revocation
from app.families.issuer import new_id
from app.families.models import Reason, RevokedFamily
from app.families.revocation import MAX_FAMILIES
from app.infra.database import Database
from tests.support.clock import NOW
from tests.support.factories import a_family, a_user, revoke, stored


def test_revoking_returns_what_it_ended_with_the_time_of_the_newest_access_token(
    database: Database,
) -> None:
    user = a_user(database)
    family, other = a_family(database, user, last_used_at=NOW + 7), a_family(database, user)
    ended = database.write(revocation.revoke_family, family.family_id, Reason.LOGGED_OUT, NOW + 9)
    assert ended == [RevokedFamily(family.family_id, NOW + 7)]
    assert stored(database, family) == replace(
        family, revoked_at=NOW + 9, revoked_reason="logged_out"
    )
    assert stored(database, other) == other


def test_revoking_twice_keeps_the_first_reason(database: Database) -> None:
    family = a_family(database, a_user(database))
    sid = family.family_id
    assert len(database.write(revocation.revoke_family, sid, Reason.REUSE, NOW)) == 1
    assert database.write(revocation.revoke_family, sid, Reason.LOGGED_OUT, NOW + 1) == []
    assert stored(database, family) == replace(family, revoked_at=NOW, revoked_reason="reuse")


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (Reason.LOGGED_OUT, "logged_out"),
        (Reason.REUSE, "reuse"),
        (Reason.PASSWORD_CHANGED, "password_changed"),
        (Reason.ADMIN, "admin"),
        (Reason.REPLACED, "replaced"),
        (Reason.NO_PROOF, "no_proof"),
        (Reason.FOREIGN_KEY, "foreign_key"),
    ],
)
def test_the_record_keeps_the_words_of_the_glossary(
    database: Database, reason: Reason, word: str
) -> None:
    """Rows outlive releases, so each reason keeps its spelling."""
    family = a_family(database, a_user(database))
    database.write(revocation.revoke_family, family.family_id, reason, NOW)
    assert stored(database, family) == replace(family, revoked_at=NOW, revoked_reason=word)


def test_revoking_all_of_a_user_leaves_others(database: Database) -> None:
    user, eve = a_user(database), a_user(database, "eve@example.com")
    own = [a_family(database, user) for _ in range(3)]
    others = a_family(database, eve)
    ended = database.write(revocation.revoke_user, user.id, Reason.PASSWORD_CHANGED, NOW + 1)
    assert {one.family_id for one in ended} == {one.family_id for one in own}
    for family in own:
        expected = replace(family, revoked_at=NOW + 1, revoked_reason="password_changed")
        assert stored(database, family) == expected
    assert stored(database, others) == others


def test_a_user_can_revoke_one_family_and_none_of_others(database: Database) -> None:
    user, eve = a_user(database), a_user(database, "eve@example.com")
    family, other = a_family(database, user), a_family(database, user)
    theirs = a_family(database, eve)
    revoke_one, reason = revocation.revoke_family_of_user, Reason.LOGGED_OUT
    for named in (theirs.family_id, new_id()):
        assert database.write(revoke_one, user.id, named, reason, NOW) == []
    ended = database.write(revoke_one, user.id, family.family_id, reason, NOW + 1)
    assert ended == [RevokedFamily(family.family_id, NOW)]
    assert stored(database, family) == replace(
        family, revoked_at=NOW + 1, revoked_reason="logged_out"
    )
    assert [stored(database, one) for one in (other, theirs)] == [other, theirs]


def test_all_active_families_of_all_users_can_be_revoked(database: Database) -> None:
    users = [a_user(database, f"{name}@example.com") for name in ("ada", "bob", "eve")]
    active = [a_family(database, user) for user in users]
    ended_before = a_family(database, users[0])
    revoke(database, ended_before, NOW - 5)
    ended = database.write(revocation.revoke_all, Reason.REPLACED, NOW + 1)
    assert {one.family_id for one in ended} == {family.family_id for family in active}
    for family in active:
        expected = replace(family, revoked_at=NOW + 1, revoked_reason="replaced")
        assert stored(database, family) == expected
    assert stored(database, ended_before) == replace(
        ended_before, revoked_at=NOW - 5, revoked_reason="admin"
    )


@pytest.mark.parametrize(
    ("change", "active"),
    [
        ({}, True),
        ({"revoked_at": NOW, "revoked_reason": "reuse"}, False),
        ({"idle_expires_at": NOW - 1}, True),
    ],
    ids=["untouched", "revoked", "idle-too-long"],
)
def test_a_family_is_active_until_it_is_revoked(
    database: Database, change: dict[str, int | str], *, active: bool
) -> None:
    """The expiry of the family is not checked, because access tokens have their own."""
    family = a_family(database, a_user(database), **change)
    assert database.read(queries.is_active, family.family_id) is active


def test_neither_a_family_of_a_disabled_account_nor_an_unknown_one_is_active(
    database: Database,
) -> None:
    user, _enabled = a_user(database), a_user(database, "eve@example.com")
    family = a_family(database, user)
    database.write(accounts.disable, user.id, NOW)
    assert not database.read(queries.is_active, family.family_id)
    assert not database.read(queries.is_active, "nobody")


def test_active_families_of_a_user_are_listed_latest_first(database: Database) -> None:
    user, eve = a_user(database), a_user(database, "eve@example.com")
    old = a_family(database, user, last_used_at=NOW + 1)
    new = a_family(database, user, last_used_at=NOW + 2)
    younger = a_family(database, user, last_used_at=NOW + 1, created_at=NOW + 1)
    a_family(database, user, idle_expires_at=NOW)
    revoke(database, a_family(database, user))
    a_family(database, eve)
    assert database.read(queries.active_families, user.id, NOW) == [new, younger, old]


def test_one_family_is_found_in_any_state(database: Database) -> None:
    family = a_family(database, a_user(database), idle_expires_at=NOW - 1)
    revoke(database, family)
    found = database.read(queries.find, family.family_id)
    assert found == replace(family, revoked_at=NOW, revoked_reason="admin")
    assert database.read(queries.find, "nobody") is None


def test_families_beyond_the_limit_are_those_used_longest_ago(database: Database) -> None:
    user, eve = a_user(database), a_user(database, "eve@example.com")
    families = [
        a_family(database, user, last_used_at=NOW + number) for number in range(MAX_FAMILIES + 2)
    ]
    a_family(database, eve, last_used_at=NOW - 1)
    revoke(database, a_family(database, user, last_used_at=NOW - 1))
    a_family(database, user, last_used_at=NOW - 2, idle_expires_at=NOW)
    newest = a_family(database, user, last_used_at=NOW - 5)
    ended = database.write(revocation.revoke_excess, newest, NOW)
    left = database.read(queries.active_families, user.id, NOW)
    assert {one.family_id for one in ended} == {one.family_id for one in families[:3]}
    assert stored(database, families[0]) == replace(
        families[0], revoked_at=NOW, revoked_reason="replaced"
    )
    assert len(left) == MAX_FAMILIES == 20
    assert left[-1] == newest


def test_of_families_idle_equally_long_the_oldest_ends(database: Database) -> None:
    user = a_user(database)
    ages = [*range(MAX_FAMILIES // 2, MAX_FAMILIES), *range(MAX_FAMILIES // 2)]
    families = {age: a_family(database, user, created_at=NOW - age) for age in ages}
    newest = a_family(database, user)
    ended = database.write(revocation.revoke_excess, newest, NOW)
    assert [one.family_id for one in ended] == [families[MAX_FAMILIES - 1].family_id]


def test_within_the_limit_nothing_ends(database: Database) -> None:
    user = a_user(database)
    newest = [a_family(database, user) for _ in range(MAX_FAMILIES)][-1]
    assert database.write(revocation.revoke_excess, newest, NOW) == []


def test_families_revoked_and_minted_from_since_then_are_read(database: Database) -> None:
    user, since = a_user(database), NOW - 600
    at_once = a_family(database, user, last_used_at=since, revoked_at=since)
    later = a_family(database, user, last_used_at=NOW - 5, revoked_at=NOW)
    a_family(database, user, last_used_at=since - 1, revoked_at=NOW)
    a_family(database, user, last_used_at=since - 9, revoked_at=since - 1)
    a_family(database, user)
    assert set(database.read(queries.revoked_since, since, since)) == {
        RevokedFamily(at_once.family_id, since),
        RevokedFamily(later.family_id, NOW - 5),
    }
