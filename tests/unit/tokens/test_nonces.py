from __future__ import annotations

import base64
import hmac
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from app.tokens.nonces import NONCE_BYTES, PROOF_SECONDS, SLOT_SECONDS, Nonces

NOW = 1_800_000_000
NONCES = Nonces(b"a key for nonces")


def test_a_nonce_is_one_word() -> None:
    """It fits RFC 9449 section 8.1: base64url of 128 bits, no padding."""
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", NONCES.current(NOW))
    assert NONCE_BYTES == 16


def test_a_nonce_is_the_hmac_of_its_slot() -> None:
    """Spelled out once more: workers of two releases have to know each other's."""
    tag = hmac.new(b"a key for nonces", (NOW // 120).to_bytes(8, "big"), "sha256").digest()
    made = Nonces(b"a key for nonces").current(NOW)
    assert made == base64.urlsafe_b64encode(tag[:16]).decode().rstrip("=")


def test_a_nonce_stays_for_its_slot() -> None:
    """All of one slot have one nonce, and the next slot has another."""
    begin = NOW // SLOT_SECONDS * SLOT_SECONDS
    first = NONCES.current(begin)
    assert NONCES.current(begin + SLOT_SECONDS - 1) == first
    assert NONCES.current(begin + SLOT_SECONDS) != first
    assert NONCES.current(begin - 1) != first


def test_memory_does_not_grow_with_time() -> None:
    """A server that runs for a year has made a quarter of a million of them."""
    own = Nonces(b"a key for nonces")
    for slot in range(100):
        own.accepted(NOW + slot * SLOT_SECONDS)
    assert own._of_slot.cache_info().currsize < 10  # noqa: SLF001 - what it keeps shows nowhere else


def test_the_newest_and_the_one_before_are_accepted() -> None:
    """A nonce that was given out a moment before the border is good after it."""
    before, after = NONCES.current(NOW - SLOT_SECONDS), NONCES.current(NOW)
    assert NONCES.accepted(NOW) == (after, before)
    assert before != after


def test_every_process_knows_it() -> None:
    """Nothing is stored: two servers with one key say the same, with two keys never."""
    assert Nonces(b"a key for nonces").current(NOW) == NONCES.current(NOW)
    assert Nonces(b"another key").current(NOW) != NONCES.current(NOW)


def test_a_nonce_is_good_for_as_long_as_proofs_are_remembered() -> None:
    """From the first second of its slot to the last second it is accepted: PROOF_SECONDS."""
    begin = NOW // SLOT_SECONDS * SLOT_SECONDS
    nonce = NONCES.current(begin)
    accepted = [t for t in range(begin - 300, begin + 600) if nonce in NONCES.accepted(t)]
    assert accepted == list(range(begin, begin + PROOF_SECONDS))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(SLOT_SECONDS, 2**40))
def test_no_two_slots_share_a_nonce(now: int) -> None:
    """At any time the current nonce is among the accepted, and the next one is not."""
    assert NONCES.accepted(now)[0] == NONCES.current(now)
    assert NONCES.current(now + SLOT_SECONDS) not in NONCES.accepted(now)
