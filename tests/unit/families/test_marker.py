import re

import pytest
from redis import Redis

from app.families.marker import Marker
from app.tokens.nonces import Nonces
from tests.support.clock import NOW, SettableClock

LEEWAY = 5
NAME = "latchkey:{test}:denylist-complete"
SERVER = "0123456789abcdef"


@pytest.fixture
def marker(clock: SettableClock, nonces: Nonces) -> Marker:
    return Marker(NAME, LEEWAY, clock, nonces)


def of(server: str, second: int) -> bytes:
    """Spell a marker of `server`."""
    return f"{server}.{second}.a-random_part".encode()


def test_a_missing_marker_is_made_for_this_server_and_moment(marker: Marker, redis: Redis) -> None:
    found, made = marker.replace_if_stale(redis, SERVER)
    assert found is None
    assert re.fullmatch(rf"{SERVER}\.{NOW}\.[\w-]{{22}}", made.decode())
    assert redis.get(NAME) == made


def test_a_marker_of_this_server_is_kept_however_old_it_is(marker: Marker, redis: Redis) -> None:
    kept = of(SERVER, NOW - 1000)
    redis.set(NAME, kept)
    assert marker.replace_if_stale(redis, SERVER) == (kept, kept)
    assert redis.get(NAME) == kept


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(of("fedcba9876543210", NOW - 1000), id="of-another-server"),
        pytest.param(of(SERVER[:-1], NOW - 1000), id="of-a-part-of-the-name"),
        pytest.param(b"rubbish", id="of-somebody-else"),
        pytest.param(of(SERVER, NOW - 1000) + b" ", id="with-more-behind-it"),
    ],
)
def test_another_value_is_replaced(marker: Marker, redis: Redis, found: bytes) -> None:
    """All processes then see a marker under which they have not written the denylist."""
    redis.set(NAME, found)
    before, after = marker.replace_if_stale(redis, SERVER)
    assert before == found
    assert after.startswith(f"{SERVER}.{NOW}.".encode())
    assert redis.get(NAME) == after


def test_a_marker_from_the_future_is_kept_within_the_leeway(marker: Marker, redis: Redis) -> None:
    """A later time would outdate every nonce until then."""
    for second, kept in ((NOW + LEEWAY, True), (NOW + LEEWAY + 1, False)):
        redis.set(NAME, of(SERVER, second))
        found, after = marker.replace_if_stale(redis, SERVER)
        assert (found == after) is kept


def test_two_losses_of_one_second_leave_two_markers(marker: Marker, redis: Redis) -> None:
    """A process that wrote the denylist under the first marker must notice the second loss."""
    made = set()
    for _ in range(3):
        redis.delete(NAME)
        made.add(marker.replace_if_stale(redis, SERVER)[1])
    assert len(made) == 3


@pytest.mark.parametrize("lost", [None, of("fedcba9876543210", NOW)], ids=["missing", "other"])
def test_of_two_processes_that_replace_a_marker_one_makes_it(
    marker: Marker, redis: Redis, monkeypatch: pytest.MonkeyPatch, lost: bytes | None
) -> None:
    """The later process takes over what the other wrote after both had read."""
    if lost:
        redis.set(NAME, lost)

    def read_before_the_other_writes(name: str) -> bytes | None:
        Redis.set(redis, name, of(SERVER, NOW - 1))
        return lost

    monkeypatch.setattr(redis, "get", read_before_the_other_writes)
    assert marker.replace_if_stale(redis, SERVER) == (lost, of(SERVER, NOW - 1))


def test_the_memory_of_redis_is_as_old_as_its_marker(marker: Marker) -> None:
    assert marker.lost_at(of(SERVER, NOW - 1000)) == NOW - 1000


def test_no_memory_began_later_than_a_clock_can_be_ahead(marker: Marker) -> None:
    """A later time would outdate every new nonce."""
    assert marker.lost_at(of(SERVER, NOW + LEEWAY)) == NOW + LEEWAY
    assert marker.lost_at(of(SERVER, NOW + LEEWAY + 1)) == NOW + LEEWAY


@pytest.mark.parametrize("value", [None, b"", b"rubbish", of(SERVER, NOW - 1000) + b"\n"])
def test_without_a_sound_marker_the_memory_was_lost_just_now(
    marker: Marker, value: bytes | None
) -> None:
    assert marker.lost_at(value) == NOW


def test_a_loss_that_is_noticed_again_makes_the_nonces_since_the_first_outdated(
    marker: Marker, nonces: Nonces, redis: Redis
) -> None:
    """The nonces since the first loss are ahead of the clock by more than a second."""
    nonces.outdate(NOW)
    made = nonces.made_at(nonces.current(NOW), NOW)
    assert made is not None
    for value in (None, marker.replace_if_stale(redis, SERVER)[1]):
        lost_at = marker.lost_at(value)
        assert lost_at > NOW
        assert nonces.is_outdated(made, lost_at)
