from collections.abc import Callable

import pytest
from redis import Redis

from app.families.entries import Entries, Keys
from app.families.models import Family, RevokedFamily
from app.infra.database import Database
from tests.support.clock import NOW, SettableClock
from tests.support.databases import one_database
from tests.support.factories import a_family, a_user

pytestmark = one_database

LIFE, LEEWAY = 600, 5
KEYS = Keys("latchkey:{test}:deny:", "latchkey:{test}:denylist-complete", LIFE, LEEWAY)
ALL = None

Store = Callable[[int, int], Family]


@pytest.fixture
def entries(database: Database, clock: SettableClock) -> Entries:
    return Entries(KEYS, database, clock)


@pytest.fixture
def revoked(database: Database) -> Store:
    """A function that stores a family by the times of its last use and of its revocation."""
    user = a_user(database)
    return lambda used_at, revoked_at: a_family(
        database, user, last_used_at=used_at, revoked_at=revoked_at
    )


def denied(redis: Redis) -> set[str]:
    """Return the families whose entries are in Redis."""
    keys = redis.scan_iter(f"{KEYS.prefix}*")
    return {key.decode().removeprefix(KEYS.prefix) for key in keys}


def add(entries: Entries, redis: Redis, *revoked: RevokedFamily) -> None:
    with redis.pipeline(transaction=False) as pipe:
        entries.add(pipe, revoked)
        pipe.execute()


@pytest.mark.parametrize("age", [0, 1, 100, 604])
def test_an_entry_outlives_the_newest_access_token(
    entries: Entries, redis: Redis, age: int
) -> None:
    """By one second more than the leeway, because both times are rounded down."""
    add(entries, redis, RevokedFamily("a", NOW - age))
    assert 605 - age <= redis.ttl(KEYS.prefix + "a") <= 606 - age


def test_a_family_without_a_token_to_refuse_gets_no_entry(entries: Entries, redis: Redis) -> None:
    """Redis refuses a TTL of 0, and would refuse the whole pipeline."""
    over = NOW - LIFE - LEEWAY - 1
    add(entries, redis, RevokedFamily("over", over), RevokedFamily("ending", over + 1))
    assert denied(redis) == {"ending"}


def test_what_was_revoked_lately_is_written(
    entries: Entries, redis: Redis, revoked: Store
) -> None:
    """An earlier review wrote what was revoked before."""
    revoked(NOW - 100, NOW - 31)
    lately = revoked(NOW - 100, NOW - 30)
    assert entries.write_since(redis, 30)[0] == 1
    assert denied(redis) == {lately.family_id}


def test_all_that_can_matter_is_written(entries: Entries, redis: Redis, revoked: Store) -> None:
    """However long ago a family was revoked, a slow clock may have issued a token since."""
    longest = LIFE + 2 * LEEWAY
    ended = [revoked(NOW - 100, NOW - 90), revoked(NOW - 500, NOW - 500)]
    revoked(NOW - longest, NOW - longest)
    revoked(NOW - longest - 1, NOW)
    written, _ = entries.write_since(redis, ALL)
    assert denied(redis) == {family.family_id for family in ended}
    assert written == 3, "one of them ends before its entry would"


def test_of_what_was_revoked_lately_only_what_can_matter_is_read(
    entries: Entries, redis: Redis, revoked: Store
) -> None:
    """A session that was not used for a day has no valid access token."""
    revoked(NOW - 86400, NOW - 1)
    assert entries.write_since(redis, 30)[0] == 0


def test_active_families_get_no_entry(entries: Entries, redis: Redis, database: Database) -> None:
    a_family(database, a_user(database))
    assert entries.write_since(redis, ALL)[0] == 0
    assert denied(redis) == set()


def test_the_marker_is_read_behind_the_last_entry(
    entries: Entries, redis: Redis, revoked: Store
) -> None:
    """After a flush meanwhile, the marker is missing or has another value."""
    revoked(NOW - 1, NOW)
    assert entries.write_since(redis, ALL) == (1, None)
    redis.set(KEYS.marker, "of-this-memory")
    assert entries.write_since(redis, ALL) == (1, b"of-this-memory")
