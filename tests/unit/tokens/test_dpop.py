import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.attacks.prover import Prover, base64url
from app.tokens.dpop import (
    MAX_CACHED_KEYS,
    MAX_PROOF_LENGTH,
    ExpectedRequest,
    Proof,
    ProofRefused,
    read_proof,
    token_hash,
)
from app.tokens.nonces import NONCE_SECONDS, Nonces
from tests.support.clock import NOW, SettableClock
from tests.support.factories import alone
from tests.vectors.proofs.cases import CASES, GOOD, at_door
from tests.vectors.proofs.form import longest
from tests.vectors.proofs.maker import PROTECTED, REFRESH, Case, Maker

TOKEN = base64url(b'{"alg":"HS256","typ":"at+jwt","kid":"1"}') + ".e30.AAAA"
PROVER = Prover()
NONCES = Nonces(b"a key for nonces", 5)


@pytest.fixture(params=[REFRESH, PROTECTED])
def maker(request: pytest.FixtureRequest) -> Maker:
    """The holder of a key at each door in turn."""
    return at(request.param)


def at(door: str) -> Maker:
    """Return the holder of a key at one door."""
    maker = Maker(PROVER, NONCES, NOW)
    if door == REFRESH:
        return maker
    return replace(maker, method="GET", url="https://localhost/api/me", access_token=TOKEN)


def asked(maker: Maker, now: int = NOW) -> ExpectedRequest:
    """Return what the server asks of a proof at that door."""
    return ExpectedRequest(maker.method, maker.url, now, NONCES, maker.ath)


def reason(text: str, question: ExpectedRequest) -> str:
    """Return the reason for which a proof is refused."""
    with pytest.raises(ProofRefused) as refused:
        read_proof(text, question)
    return refused.value.reason


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    assert len(CASES) >= 450
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("build", GOOD.values(), ids=GOOD.keys())
def test_a_good_proof_is_read(build: Callable[[Maker], str], maker: Maker) -> None:
    """Every hostile proof is a variant of it."""
    proof = read_proof(build(maker), asked(maker))
    assert proof.jkt == PROVER.thumbprint
    assert proof.jti in {maker.jti, maker.jti[-8:], (maker.jti * 128)[:128], f"{maker.jti}_.~-"}


@pytest.mark.parametrize(
    ("case", "door"),
    [(case, door) for door in (REFRESH, PROTECTED) for case in at_door(door)],
    ids=lambda value: value.name if isinstance(value, Case) else value,
)
def test_a_hostile_proof_is_refused_for_its_reason(case: Case, door: str) -> None:
    maker = at(door)
    # No server there: what was used is remembered in this process.
    replay_cache = alone(SettableClock(NOW - 60))
    if case.first:
        replay_cache.consume(read_proof(case.first(maker), asked(maker)))
    with pytest.raises(ProofRefused) as refused:
        replay_cache.consume(read_proof(case.build(maker), asked(maker)))
    assert refused.value.reason == str(refused.value) == case.reason


def test_every_reason_has_a_case() -> None:
    assert {case.reason for case in CASES} == {
        *("too_long", "not_compact", "not_canonical", "not_json", "header", "algorithm", "key"),
        *("signature", "claims", "request", "token", "jti", "iat", "nonce", "replayed"),
    }


def test_a_proof_of_just_the_longest_size_is_looked_at(maker: Maker) -> None:
    text = longest(maker)
    assert MAX_PROOF_LENGTH - 4 < len(text) <= MAX_PROOF_LENGTH == 2048
    assert reason(text, asked(maker)) == "claims"


def test_a_nonce_lives_for_four_minutes(maker: Maker) -> None:
    """On a machine whose clock is behind, it is accepted earlier."""
    text = maker.forge()
    for now in (NOW - 16, NOW, NOW + NONCE_SECONDS - 1):
        assert read_proof(text, asked(maker, now)) == Proof(PROVER.thumbprint, maker.jti, NOW)
    for now in (NOW - 17, NOW + NONCE_SECONDS):
        assert reason(text, asked(maker, now)) == "nonce"


def test_a_clock_may_be_wrong_by_a_day(maker: Maker) -> None:
    """The nonce and not `iat` limits the age of a proof."""
    for wrong in (-86400, 86400):
        text = maker.forge(claims=maker.claims() | {"iat": NOW + wrong})
        assert read_proof(text, asked(maker)).jti == maker.jti
    for wrong in (-86401, 86401):
        text = maker.forge(claims=maker.claims() | {"iat": NOW + wrong})
        assert reason(text, asked(maker)) == "iat"


def test_a_stale_nonce_is_named_last(maker: Maker) -> None:
    """A client repeats its request only when nothing else is wrong."""
    stale = maker.claims() | {"nonce": "stale"}
    assert reason(maker.forge(claims=stale), asked(maker)) == "nonce"
    for name, wrong in {"htm": "PUT", "jti": "", "iat": 1}.items():
        assert reason(maker.forge(claims=stale | {name: wrong}), asked(maker)) != "nonce"


def test_each_key_has_its_own_thumbprint() -> None:
    """The cache of keys does not confuse them (RFC 7638)."""
    for prover in (Prover(), PROVER, Prover(), PROVER):
        maker = replace(at(REFRESH), prover=prover)
        assert read_proof(maker.forge(), asked(maker)) == Proof(prover.thumbprint, maker.jti, NOW)


def test_a_remembered_key_verifies_each_signature() -> None:
    maker = at(REFRESH)
    forged = maker.forge(sign=Prover().signature)
    assert reason(forged, asked(maker)) == "signature"
    assert read_proof(maker.forge(), asked(maker)).jkt == PROVER.thumbprint
    assert reason(forged, asked(maker)) == "signature"


def test_a_key_that_others_pushed_out_of_memory_is_read_anew() -> None:
    maker = at(REFRESH)
    assert read_proof(maker.forge(), asked(maker)).jkt == PROVER.thumbprint
    for number in range(MAX_CACHED_KEYS + 1):
        spaces = b" " * (number % 64) + json.dumps(maker.header()).encode()
        text = f"{base64url(spaces + b' ' * (number // 64))}.e30.AA"
        assert reason(text, asked(maker)) == "signature"
    assert read_proof(maker.forge(), asked(maker)).jkt == PROVER.thumbprint


@pytest.mark.parametrize("bare", "!$&'()*+,;=:@")
def test_what_a_path_may_hold_bare_may_be_escaped(bare: str) -> None:
    """`encodeURIComponent` escapes these characters."""
    maker = replace(at(PROTECTED), url=f"https://localhost/{bare}a{bare}")
    for htu in (maker.url, maker.url.replace(bare, f"%{ord(bare):02X}")):
        said = maker.claims() | {"htu": htu}
        assert read_proof(maker.forge(claims=said), asked(maker)).jti == maker.jti


@pytest.mark.parametrize("letter", "#%-./09?A_az~")
def test_nothing_else_may_be_escaped(letter: str) -> None:
    """An escaped slash or letter names another resource."""
    maker = replace(at(PROTECTED), url=f"https://localhost/a{letter}a")
    said = maker.claims() | {"htu": f"https://localhost/a%{ord(letter):02X}a"}
    assert reason(maker.forge(claims=said), asked(maker)) == "request"


def test_the_hash_of_a_token_is_that_of_the_rfc() -> None:
    """RFC 9449 section 7.1."""
    token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"  # the RFC's own
    assert token_hash(token) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


def test_the_example_key_of_the_rfc() -> None:
    """The proof of RFC 9449 section 4.1: key and signature are right, the nonce is missing."""
    text = (
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMz"
        "R0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFq"
        "SG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwia"
        "HRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjY"
        "yNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37"
        "xRZT3Lg"
    )
    question = ExpectedRequest("POST", "https://server.example.com/token", 1562262616, NONCES)
    assert reason(text, question) == "nonce"
    assert reason(f"{text[:-1]}h", question) == "not_canonical"


def test_no_depth_of_nesting_is_more_than_refused(maker: Maker) -> None:
    """Also the depths just below the parser's limit."""
    for depth in (*range(1, 1200, 7), *range(900, 1000)):
        claims = b'{"x":' + b"[" * depth + b"]" * depth + b"}"
        refused = reason(maker.forge(claims=claims), asked(maker))
        assert refused in {"claims", "not_json", "too_long"}


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.binary(max_size=60), min_size=3, max_size=3))
def test_any_bytes_in_three_segments_are_refused(parts: list[bytes]) -> None:
    assert reason(".".join(base64url(part) for part in parts), asked(at(REFRESH)))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(min_size=64, max_size=64))
def test_any_other_signature_is_refused(raw: bytes) -> None:
    maker = at(REFRESH)
    assert reason(maker.forge(sign=lambda _: raw), asked(maker)) == "signature"
