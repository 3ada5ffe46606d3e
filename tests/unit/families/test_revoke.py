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


def test_revoking_says_what_it_ended(database: Database) -> None:
    """It returns the families it ended, with the time of their newest access token."""
    user = a_user(database)
    family, other = a_family(database, user, last_used_at=NOW + 7), a_family(database, user)
    with database.autocommit() as connection:
        ended = revocation.revoke_family(connection, family.family_id, Reason.LOGGED_OUT, NOW + 9)
    assert ended == [RevokedFamily(family.family_id, NOW + 7)]
    assert stored(database, family) == replace(
        family, revoked_at=NOW + 9, revoked_reason="logged_out"
    )
    assert stored(database, other) == other


def test_revoking_twice_keeps_the_first_reason(database: Database) -> None:
    """The second time nothing ends, and the record stays as it was."""
    family = a_family(database, a_user(database))
    sid = family.family_id
    with database.autocommit() as connection:
        assert len(revocation.revoke_family(connection, sid, Reason.REUSE, NOW)) == 1
        assert revocation.revoke_family(connection, sid, Reason.LOGGED_OUT, NOW + 1) == []
    after = stored(database, family)
    assert after is not None
    assert (after.revoked_at, after.revoked_reason) == (NOW, "reuse")


def test_the_record_keeps_the_words_of_the_glossary(database: Database) -> None:
    """Rows outlive releases, and the sessions page reads them: a reason is spelled one way."""
    user = a_user(database)
    words = {
        "logged_out": Reason.LOGGED_OUT,
        "reuse": Reason.REUSE,
        "password_changed": Reason.PASSWORD_CHANGED,
        "admin": Reason.ADMIN,
        "replaced": Reason.REPLACED,
        "no_proof": Reason.NO_PROOF,
        "foreign_key": Reason.FOREIGN_KEY,
    }
    for word, reason in words.items():
        family = a_family(database, user)
        with database.autocommit() as connection:
            revocation.revoke_family(connection, family.family_id, reason, NOW)
        after = stored(database, family)
        assert after is not None
        assert after.revoked_reason == word


def test_revoking_all_of_a_user_leaves_others(database: Database) -> None:
    """Every family of the user ends, nobody else's does."""
    user, eve = a_user(database), a_user(database, "eve@example.com")
    own = [a_family(database, user) for _ in range(3)]
    others = a_family(database, eve)
    with database.autocommit() as connection:
        ended = revocation.revoke_user(connection, user.id, Reason.PASSWORD_CHANGED, NOW + 1)
    assert {one.family_id for one in ended} == {one.family_id for one in own}
    for family in own:
        expected = replace(family, revoked_at=NOW + 1, revoked_reason="password_changed")
        assert stored(database, family) == expected
    assert stored(database, others) == others


def test_revoking_one_of_a_user_leaves_the_others(database: Database) -> None:
    """A family of somebody else is not revoked, whatever id a user names."""
    user, eve = a_user(database), a_user(database, "eve@example.com")
    family, other = a_family(database, user), a_family(database, user)
    theirs = a_family(database, eve)
    revoke_one = revocation.revoke_family_of_user
    with database.autocommit() as connection:
        for named in (theirs.family_id, new_id()):
            assert revoke_one(connection, user.id, named, Reason.LOGGED_OUT, NOW) == []
        ended = revoke_one(connection, user.id, family.family_id, Reason.LOGGED_OUT, NOW + 1)
    assert ended == [RevokedFamily(family.family_id, NOW)]
    assert stored(database, family) == replace(
        family, revoked_at=NOW + 1, revoked_reason="logged_out"
    )
    assert [stored(database, one) for one in (other, theirs)] == [other, theirs]


def test_all_families_of_all_users_can_be_revoked(database: Database) -> None:
    """Those that ended before keep their reason, and are not denied again."""
    users = [a_user(database, f"{name}@example.com") for name in ("ada", "bob", "eve")]
    living = [a_family(database, user) for user in users]
    ended_before = a_family(database, users[0])
    revoke(database, ended_before, NOW - 5)
    with database.autocommit() as connection:
        ended = revocation.revoke_all(connection, Reason.REPLACED, NOW + 1)
    assert {one.family_id for one in ended} == {family.family_id for family in living}
    for family in living:
        expected = replace(family, revoked_at=NOW + 1, revoked_reason="replaced")
        assert stored(database, family) == expected
    assert stored(database, ended_before) == replace(
        ended_before, revoked_at=NOW - 5, revoked_reason="admin"
    )


@pytest.mark.parametrize(
    ("change", "live"),
    [
        ({}, True),
        ({"revoked_at": NOW, "revoked_reason": "reuse"}, False),
        ({"idle_expires_at": NOW - 1}, True),
    ],
    ids=["untouched", "revoked", "idle-too-long"],
)
def test_a_family_is_live_until_it_is_revoked(
    database: Database, change: dict[str, int | str], *, live: bool
) -> None:
    """What decides over access tokens is revocation; they bring their own expiry."""
    family = a_family(database, a_user(database), **change)
    with database.autocommit() as connection:
        assert queries.is_active(connection, family.family_id) is live


def test_a_family_of_a_disabled_account_is_not_live(database: Database) -> None:
    """Nor is one that does not exist; that others are enabled is no help."""
    user, _enabled = a_user(database), a_user(database, "eve@example.com")
    family = a_family(database, user)
    with database.transaction() as connection:
        accounts.disable(connection, user.id, NOW)
    with database.autocommit() as connection:
        assert not queries.is_active(connection, family.family_id)
        assert not queries.is_active(connection, "nobody")


def test_live_families_are_listed_latest_first(database: Database) -> None:
    """Revoked, idle and other people's families are not among them."""
    user, eve = a_user(database), a_user(database, "eve@example.com")
    old = a_family(database, user, last_used_at=NOW + 1)
    new = a_family(database, user, last_used_at=NOW + 2)
    younger = a_family(database, user, last_used_at=NOW + 1, created_at=NOW + 1)
    a_family(database, user, idle_expires_at=NOW)
    revoke(database, a_family(database, user))
    a_family(database, eve)
    with database.autocommit() as connection:
        assert queries.active_families(connection, user.id, NOW) == [new, younger, old]


def test_one_family_is_found_in_any_state(database: Database) -> None:
    """A revoked family is found too; another id finds nothing."""
    family = a_family(database, a_user(database), idle_expires_at=NOW - 1)
    revoke(database, family)
    with database.autocommit() as connection:
        found = queries.find(connection, family.family_id)
        assert queries.find(connection, "nobody") is None
    assert found == replace(family, revoked_at=NOW, revoked_reason="admin")


def test_families_beyond_the_limit_are_those_used_longest_ago(database: Database) -> None:
    """Twenty live families may be: the new one and the nineteen used last."""
    user, eve = a_user(database), a_user(database, "eve@example.com")
    families = [
        a_family(database, user, last_used_at=NOW + number) for number in range(MAX_FAMILIES + 2)
    ]
    a_family(database, eve, last_used_at=NOW - 1)
    revoke(database, a_family(database, user, last_used_at=NOW - 1))
    a_family(database, user, last_used_at=NOW - 2, idle_expires_at=NOW)
    newest = a_family(database, user, last_used_at=NOW - 5)
    with database.autocommit() as connection:
        ended = revocation.revoke_excess(connection, newest, NOW)
        left = queries.active_families(connection, user.id, NOW)
    assert {one.family_id for one in ended} == {one.family_id for one in families[:3]}
    assert stored(database, families[0]) == replace(
        families[0], revoked_at=NOW, revoked_reason="replaced"
    )
    assert len(left) == MAX_FAMILIES == 20
    assert left[-1] == newest


def test_of_those_idle_equally_long_the_oldest_ends(database: Database) -> None:
    """Log-ins of one second differ in when they began, if in anything."""
    user = a_user(database)
    ages = [*range(MAX_FAMILIES // 2, MAX_FAMILIES), *range(MAX_FAMILIES // 2)]
    families = {age: a_family(database, user, created_at=NOW - age) for age in ages}
    newest = a_family(database, user)
    with database.autocommit() as connection:
        ended = revocation.revoke_excess(connection, newest, NOW)
    assert [one.family_id for one in ended] == [families[MAX_FAMILIES - 1].family_id]


def test_within_the_limit_nothing_ends(database: Database) -> None:
    """Nineteen others and a new one are twenty: all stay."""
    user = a_user(database)
    newest = [a_family(database, user) for _ in range(MAX_FAMILIES)][-1]
    with database.autocommit() as connection:
        assert revocation.revoke_excess(connection, newest, NOW) == []


def test_what_was_revoked_since_can_be_said_again(database: Database) -> None:
    """Families revoked, and minted from, at `since` or later; no living ones."""
    user, since = a_user(database), NOW - 600
    at_once = a_family(database, user, last_used_at=since, revoked_at=since)
    later = a_family(database, user, last_used_at=NOW - 5, revoked_at=NOW)
    a_family(database, user, last_used_at=since - 1, revoked_at=NOW)
    a_family(database, user, last_used_at=since - 9, revoked_at=since - 1)
    a_family(database, user)
    with database.autocommit() as connection:
        found = queries.revoked_since(connection, since, since)
    assert set(found) == {
        RevokedFamily(at_once.family_id, since),
        RevokedFamily(later.family_id, NOW - 5),
    }
