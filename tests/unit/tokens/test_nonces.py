import base64
import hmac
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from app.tokens.nonces import NONCE_SECONDS, PROOF_KEPT_SECONDS, Nonces
from tests.support.clock import NOW

KEY = b"a key for nonces"
LEEWAY = 5
MARGIN = 5
AHEAD = 2 * LEEWAY + MARGIN + 1


def nonces(leeway: int = LEEWAY) -> Nonces:
    """Return the nonces of a process that has just started."""
    return Nonces(KEY, leeway)


def test_a_nonce_is_one_word() -> None:
    """RFC 9449 section 8.1."""
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", nonces().current(NOW))


def test_a_nonce_is_its_second_and_the_hmac_of_it() -> None:
    """Workers of two releases must accept each other's nonces."""
    second = NOW.to_bytes(8, "big")
    tag = hmac.new(KEY, second, "sha256").digest()
    made = base64.urlsafe_b64encode(second + tag[:16]).decode()
    assert nonces().current(NOW) == made


def test_every_process_with_the_key_knows_a_nonce() -> None:
    assert nonces().current(NOW) == nonces().current(NOW)
    assert nonces().made_at(nonces().current(NOW), NOW) == NOW
    assert Nonces(b"another key", LEEWAY).made_at(nonces().current(NOW), NOW) is None


def test_no_more_than_512_nonces_are_remembered() -> None:
    own = nonces()
    for second in range(2000):
        own.made_at(own.current(NOW + second), NOW + second)
    assert own._nonce_of.cache_info().currsize <= 512  # noqa: SLF001 - what it keeps shows nowhere else


def test_what_is_out_of_the_window_costs_no_hash() -> None:
    """Otherwise a stranger could fill the cache."""
    own = nonces()
    for second in range(NOW + AHEAD + 1, NOW + 1000):
        own.made_at(nonces().current(second), NOW)
    assert own._nonce_of.cache_info().currsize == 0  # noqa: SLF001 - likewise


def test_a_nonce_is_good_for_four_minutes() -> None:
    """And from as early as clocks and losses may set it ahead."""
    nonce = nonces().current(NOW)
    good = [at for at in range(NOW - 60, NOW + 600) if nonces().made_at(nonce, at) is not None]
    assert good == list(range(NOW - AHEAD, NOW + NONCE_SECONDS))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_each_second_has_a_nonce_of_its_own(one: int, other: int) -> None:
    assert (nonces().current(one) == nonces().current(other)) == (one == other)
    assert nonces().made_at(nonces().current(one), one) == one


def test_a_loss_dates_out_what_was_made_before_it() -> None:
    """Also by a clock that is ahead; every process accepts the nonces made afterwards."""
    own, other = nonces(), nonces()
    before = [nonces().current(NOW + ahead) for ahead in (-100, 0, LEEWAY)]
    own.outdate(NOW)
    assert all(own.is_outdated(own.made_at(nonce, NOW) or 0, NOW) for nonce in before)
    minted = other.made_at(own.current(NOW), NOW - LEEWAY)
    assert minted is not None
    assert not other.is_outdated(minted, NOW)
    assert own.current(NOW + 100) == nonces().current(NOW + 100)


def test_of_two_losses_the_later_one_counts_in_whatever_order() -> None:
    own = nonces()
    own.outdate(NOW)
    newest = own.current(NOW)
    own.outdate(NOW - 100)
    assert own.current(NOW) == newest


def test_a_clock_that_was_set_back_makes_nonces_that_are_accepted() -> None:
    """A loss noted an hour ahead must not block all clients for an hour."""
    own = nonces()
    own.outdate(NOW + 3600)
    assert own.made_at(own.current(NOW), NOW) == NOW + AHEAD


def test_the_margin_is_the_leeway_where_that_is_longer_than_a_repeat_takes() -> None:
    own = nonces(30)
    own.outdate(NOW)
    assert own.is_outdated(NOW + 30, NOW)
    assert own.made_at(own.current(NOW), NOW - 30) == NOW + 31


def test_a_proof_is_remembered_for_as_long_as_its_nonce_is_accepted() -> None:
    """Even with the longest leeway; otherwise the proof could be replayed."""
    nonce = nonces(30).current(NOW)
    moments = range(NOW - 400, NOW + 400)
    accepted = [at for at in moments if nonces(30).made_at(nonce, at) is not None]
    assert len(accepted) == 331
    assert PROOF_KEPT_SECONDS == 331


def test_a_loss_is_dated_late_enough_for_all_nonces_made_so_far() -> None:
    """Earlier losses set them ahead, but never further than clocks may differ."""
    own, dated = nonces(), []
    for _ in range(8):
        made = own.newest(NOW)
        dated.append(own.loss_time(NOW) - NOW)
        assert own.is_outdated(made, own.loss_time(NOW))
        own.outdate(own.loss_time(NOW))
        if dated[-1] == LEEWAY:
            break
    assert dated == [0, 1, 2, 3, 4, 5]


def test_a_loss_is_dated_by_the_clock_where_that_was_set_back() -> None:
    own = nonces()
    own.outdate(NOW + 3600)
    assert own.loss_time(NOW) == NOW + LEEWAY
    assert own.loss_time(NOW + 7200) == NOW + 7200


def test_what_is_no_nonce_is_refused() -> None:
    good = nonces().current(NOW)
    others: list[object] = [
        *(None, 1, [], {}, good.encode(), list(good), "", good + "AAAA", good[:-4]),
        *("*" * 32, "\u00e9" * 32, good[:-1] + "=", good[:-1] + "\n"),
    ]
    for nonce in others:
        assert nonces().made_at(nonce, NOW) is None


def test_a_nonce_with_another_second_is_refused() -> None:
    old, new = nonces().current(NOW - 300), nonces().current(NOW)
    assert nonces().made_at(new[:11] + old[11:], NOW) is None
    assert nonces().made_at(new[:-1] + ("A" if new[-1] != "A" else "B"), NOW) is None
