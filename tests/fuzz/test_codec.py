import hmac
from dataclasses import asdict, replace
from string import ascii_lowercase
from typing import Any, Final

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from app.infra.clock import Clock
from app.services import build
from app.tokens.claims import AccessTokenClaims, RefreshTokenClaims
from app.tokens.codec import Codec
from app.tokens.jws import TokenRefused
from tests.fuzz.contract import CONTRACTS, FORMER, SETTINGS, keys_of
from tests.fuzz.effort import SECONDS, effort
from tests.fuzz.forms import ALPHABET, respelled, texts, written
from tests.fuzz.model import LEEWAY
from tests.support.clock import NOW
from tests.support.forger import ACCESS, REFRESH

pytestmark = pytest.mark.timeout(SECONDS)

PROCESSES: Final = {"today": SETTINGS, "former": FORMER}
REASONS: Final = {
    *("too_long", "not_compact", "not_canonical", "not_json", "header", "algorithm", "type"),
    *("kid", "unknown_key", "signature", "audience", "issuer", "claims", "claim_type"),
    *("claim_value", "times", "lifetime", "expired", "issued_in_future"),
}
MINT: Final = build(SETTINGS, Clock()).auth.issuer
CODECS: Final[dict[str, Codec[Any]]] = {ACCESS: MINT.access, REFRESH: MINT.refresh}
KEYS: Final = {
    purpose: [*keys_of(purpose).values(), *keys_of(other).values(), b""]
    for purpose, other in ((ACCESS, REFRESH), (REFRESH, ACCESS))
}

REFRESH_TIMES: Final = {"iat": NOW, "exp": NOW + 600}
TIMES: Final = {ACCESS: REFRESH_TIMES | {"auth_time": NOW}, REFRESH: REFRESH_TIMES}

purposes: Final = st.sampled_from([ACCESS, REFRESH])
ids: Final = st.text(st.sampled_from(ALPHABET), min_size=16, max_size=64)
methods: Final = st.text(st.sampled_from(ascii_lowercase), min_size=2, max_size=8)
thumbprints: Final = st.text(st.sampled_from(ALPHABET), min_size=43, max_size=43)
# Around every limit that a time may have.
moments: Final = st.one_of(
    st.integers(-10, 10).map(lambda off: NOW + off),
    st.integers(-10, 10).map(lambda off: NOW + 600 + off),
    st.sampled_from([0, -1, NOW - 10**6, NOW + 31 * 86400, 2**40, 2**70]),
)


@st.composite
def claims_of(draw: DrawFn, purpose: str) -> dict[str, Any]:
    """Return good claims, mostly, with times around each of their limits."""
    contract = CONTRACTS[purpose]
    longest = contract.max_lifetime
    iat = draw(st.sampled_from([NOW] * 9 + [1, 2**40 - 600, 0]))
    life = draw(st.sampled_from([600] * 9 + [1, 0, longest, longest + 1]))
    said: dict[str, Any] = {"iss": "https://localhost", "aud": contract.audience}
    said |= {name: draw(ids) for name in contract.names if name not in said}
    said |= {"iat": iat, "exp": iat + life}
    if contract.binds:
        said["auth_time"] = iat - draw(st.sampled_from([0] * 9 + [1000, -1]))
        if draw(st.booleans()):
            said["cnf"] = {"jkt": draw(thumbprints)}
        if draw(st.booleans()):
            said["amr"] = draw(st.lists(methods, min_size=1, max_size=8, unique=True))
    return said


@st.composite
def tokens(draw: DrawFn, purpose: str) -> str:
    """Return a token that is right, or wrong in a few ways, signed with a real key or another."""
    kids = [*CONTRACTS[purpose].keys]
    kid = draw(st.sampled_from([kids[0]] * 9 + [kids[1], "k" * 12]))

    def sign(signed: str, number: int) -> bytes:
        at = number if number or kid == "k" * 12 else kids.index(kid)
        return hmac.digest(KEYS[purpose][at], signed.encode("utf-8", "surrogatepass"), "sha256")

    header = {"alg": "HS256", "typ": CONTRACTS[purpose].typ, "kid": kid}
    return draw(written(header, draw(claims_of(purpose)), sign))


def mint(purpose: str, said: dict[str, Any]) -> str:
    kind = AccessTokenClaims if purpose == ACCESS else RefreshTokenClaims
    return CODECS[purpose].sign(kind(**said))


def read(purpose: str, token: str, now: int, codec: Codec[Any] | None = None) -> tuple[str, Any]:
    """Read a token; return the reason, if any, and the claims, if any.

    Nothing but a refusal may come out of it, whatever the text.
    """
    try:
        claims = asdict((codec or CODECS[purpose]).verify(token, now))
    except TokenRefused as refused:
        return refused.reason, None
    return "", as_json(claims)


def as_json(claims: dict[str, Any]) -> dict[str, Any]:
    """Return claims as they are in a token: without absent ones, tuples as lists."""
    present = {name: value for name, value in claims.items() if value is not None}
    return {n: list(value) if type(value) is tuple else value for n, value in present.items()}


def test_a_signed_token_is_read_if_it_is_exactly_right() -> None:
    """The examples meet every reason for a refusal."""
    reached = set()

    @effort(1100)
    @given(data=st.data(), purpose=purposes, now=moments)
    def run(data: st.DataObject, purpose: str, now: int) -> None:
        token = data.draw(tokens(purpose))
        reason, claims = read(purpose, token, now)
        assert claims == CONTRACTS[purpose].says_at(token, now)
        assert bool(reason) == (claims is None)
        assert read(purpose, token, now) == (reason, claims)
        event(reason or "read")
        reached.add(reason)

    run()
    assert reached == REASONS | {""}


@effort(150)
@given(
    data=st.data(), purpose=purposes, iat=st.integers(1000, 2**40 - 1000), life=st.integers(1, 600)
)
def test_a_token_is_read_in_its_time(
    data: st.DataObject, purpose: str, iat: int, life: int
) -> None:
    """From the leeway before `iat` to the leeway after `exp`, to the second."""
    times = {"iat": iat, "exp": iat + life} | ({"auth_time": iat} if purpose == ACCESS else {})
    minted = mint(purpose, data.draw(claims_of(purpose)) | times)
    first, end = iat - LEEWAY, iat + life + LEEWAY
    asked = data.draw(st.permutations([first - 1, first, end - 1, end]))
    assert {now for now in asked if not read(purpose, minted, now)[0]} == {first, end - 1}
    for now in data.draw(st.lists(st.integers(iat - 1000, iat + 2000))):
        assert (read(purpose, minted, now)[1] is not None) == (first <= now < end)


@effort(400)
@given(data=st.data(), purpose=purposes)
def test_a_token_has_one_spelling(data: st.DataObject, purpose: str) -> None:
    """Another spelling is refused, whether or not the token was read before."""
    said = data.draw(claims_of(purpose)) | TIMES[purpose]
    minted = mint(purpose, said)
    if data.draw(st.booleans(), label="read before"):
        assert read(purpose, minted, NOW) == ("", said)
    other = data.draw(respelled(minted))
    if other != minted:
        reason, claims = read(purpose, other, NOW)
        assert reason
        assert claims is None
    assert read(purpose, minted, NOW) == ("", said)


@effort(300)
@given(data=st.data(), order=st.permutations(range(6)))
def test_segments_of_two_tokens_make_no_third(data: st.DataObject, order: list[int]) -> None:
    good = [
        mint(purpose, data.draw(claims_of(purpose)) | TIMES[purpose])
        for purpose in (ACCESS, REFRESH)
    ]
    segments = ".".join(good).split(".")
    mixed = ".".join(segments[at] for at in order[:3])
    for purpose, token in zip((ACCESS, REFRESH), good, strict=True):
        assert (read(purpose, mixed, NOW)[1] is not None) == (mixed == token)


@effort(300)
@given(text=texts, purpose=purposes, now=moments)
def test_any_text_is_refused(text: str, purpose: str, now: int) -> None:
    assert read(purpose, text, now)[0]
    assert read(purpose, f"{text}.{text}.{text}", now)[0]


@effort(80)
@given(data=st.data())
def test_no_token_that_was_read_before_changes_an_answer(data: st.DataObject) -> None:
    """In any order, at any time, in processes with different keys."""
    minters = {name: build(settings, Clock()).auth.issuer for name, settings in PROCESSES.items()}
    known = [data.draw(tokens(purpose)) for purpose in (ACCESS, REFRESH, ACCESS)]
    for _ in range(data.draw(st.integers(2, 12))):
        token, now = data.draw(st.sampled_from(known)), data.draw(moments)
        name, purpose = data.draw(st.sampled_from(sorted(PROCESSES))), data.draw(purposes)
        codec: Codec[Any] = getattr(minters[name], purpose.split()[0])
        contract = CONTRACTS[purpose]
        if name == "former":  # it has not heard of the newer secret
            contract = replace(contract, keys=dict([*contract.keys.items()][1:]))
        assert read(purpose, token, now, codec)[1] == contract.says_at(token, now)
        assert family_of(codec, token) == contract.says(token)


def family_of(codec: Codec[Any], token: str) -> dict[str, Any] | None:
    """Read a token as logging out does, which may be out of date."""
    try:
        claims = asdict(codec.verify_ignoring_times(token))
    except TokenRefused:
        return None
    return as_json(claims)
