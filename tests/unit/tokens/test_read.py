from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.families.issuer import TokenIssuer
from app.infra.clock import Clock
from app.services import build
from app.tokens import codec
from app.tokens.claims import AccessTokenClaims, RefreshTokenClaims
from app.tokens.jws import MAX_TOKEN_LENGTH, TokenRefused
from config import Settings, decode_secret, new_secret
from tests.support.clock import NOW
from tests.support.forger import ACCESS, REFRESH, Forger, encode
from tests.unit.tokens.conftest import refusal
from tests.vectors.tokens.case import Case
from tests.vectors.tokens.cases import CASES, for_purpose

LEEWAY = 5


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    assert len(CASES) >= 240
    assert len({case.name for case in CASES}) == len(CASES)


def test_a_good_access_token_is_read(issuer: TokenIssuer, access_forger: Forger) -> None:
    """What every hostile access token is a variant of is accepted, with all its claims."""
    claims = issuer.access.verify(access_forger.forge(), NOW)
    assert asdict(claims) == access_forger.claims() | {"cnf": None, "amr": ("pwd",)}


def test_a_bound_access_token_is_read(issuer: TokenIssuer, access_forger: Forger) -> None:
    said = access_forger.claims() | {"cnf": {"jkt": "k" * 43}}
    claims = issuer.access.verify(access_forger.forge(claims=said), NOW)
    assert asdict(claims) == said | {"amr": ("pwd",)}


def test_a_good_refresh_token_is_read(issuer: TokenIssuer, refresh_forger: Forger) -> None:
    """What every hostile refresh token is a variant of is accepted, with all its claims."""
    claims = issuer.refresh.verify(refresh_forger.forge(), NOW)
    assert asdict(claims) == refresh_forger.claims()


@pytest.mark.parametrize("case", for_purpose(ACCESS), ids=lambda case: str(case.name))
def test_a_hostile_access_token_is_refused_for_its_reason(
    case: Case, issuer: TokenIssuer, access_forger: Forger
) -> None:
    assert refusal(issuer.access, case.build(access_forger)) == case.reason


@pytest.mark.parametrize("case", for_purpose(REFRESH), ids=lambda case: str(case.name))
def test_a_hostile_refresh_token_is_refused_for_its_reason(
    case: Case, issuer: TokenIssuer, refresh_forger: Forger
) -> None:
    assert refusal(issuer.refresh, case.build(refresh_forger)) == case.reason


@pytest.mark.parametrize(
    "cnf",
    [
        None,
        "k" * 43,
        ["k" * 43],
        {},
        {"jkt": None},
        {"jkt": 7},
        {"jkt": ["k" * 43]},
        {"jkt": ""},
        {"jkt": "k" * 42},
        {"jkt": "k" * 44},
        {"jkt": "k" * 42 + "="},
        {"jkt": "k" * 43, "x5t#S256": "k" * 43},
        {"jwk": {}},
    ],
)
def test_a_confirmation_of_another_form_is_refused(
    issuer: TokenIssuer, access_forger: Forger, cnf: object
) -> None:
    """Bound to nothing that could be compared, a token is not read as unbound."""
    token = access_forger.forge(claims=access_forger.claims() | {"cnf": cnf})
    assert refusal(issuer.access, token) == "claim_type"


def test_a_refresh_token_has_no_confirmation(issuer: TokenIssuer, refresh_forger: Forger) -> None:
    """What it is bound to is in its family's row, where it cannot be left out."""
    token = refresh_forger.forge(claims=refresh_forger.claims() | {"cnf": {"jkt": "k" * 43}})
    assert refusal(issuer.refresh, token) == "claims"


def test_a_token_of_just_the_longest_size_is_looked_at(
    issuer: TokenIssuer, access_forger: Forger
) -> None:
    """It passes the limit of size; the padding claim is what is refused."""
    tokens = (
        access_forger.forge(claims=access_forger.claims() | {"pad": "x" * length})
        for length in range(2500, 3072)
    )
    token = next(token for token in tokens if len(token) == MAX_TOKEN_LENGTH == 4096)
    assert refusal(issuer.access, token) == "claims"


def test_a_token_works_until_a_second_before_its_end_and_the_leeway(
    issuer: TokenIssuer, access_forger: Forger
) -> None:
    token, end = access_forger.forge(), NOW + access_forger.life + LEEWAY
    assert issuer.access.verify(token, end - 1).exp == end - LEEWAY
    assert refusal(issuer.access, token, end) == "expired"


def test_a_token_of_a_clock_ahead_works_within_the_leeway(
    issuer: TokenIssuer, access_forger: Forger
) -> None:
    token = access_forger.forge()
    assert issuer.access.verify(token, NOW - LEEWAY).iat == NOW
    assert refusal(issuer.access, token, NOW - LEEWAY - 1) == "issued_in_future"


def test_so_many_tokens_are_remembered_and_no_more(
    token_settings: Settings, access_forger: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codec, "MAX_CACHED_TOKENS", 3)
    access = build(token_settings, Clock()).auth.issuer.access
    for letter in "abcdeed":
        access.verify(replace(access_forger, jti=letter * 22).forge(), NOW)
    info = access._verified.cache_info()  # type: ignore[attr-defined]  # noqa: SLF001 - it shows nowhere else
    assert (info.currsize, info.maxsize, info.hits) == (3, 3, 2)


def test_a_remembered_token_still_expires(issuer: TokenIssuer, access_forger: Forger) -> None:
    token = replace(access_forger, jti="remembered" * 3).forge()
    assert issuer.access.verify(token, NOW) == issuer.access.verify(token, NOW)
    assert refusal(issuer.access, token, NOW + 86400) == "expired"
    assert refusal(issuer.access, token, NOW - 86400) == "issued_in_future"


def test_a_forged_token_is_refused_also_after_the_good_one_passed(
    issuer: TokenIssuer, access_forger: Forger
) -> None:
    forged = access_forger.forge(key=b"x" * 32)
    assert refusal(issuer.access, forged) == "signature"
    issuer.access.verify(access_forger.forge(), NOW)
    assert refusal(issuer.access, forged) == "signature"


def test_an_expired_token_can_still_name_its_family(
    issuer: TokenIssuer, refresh_forger: Forger
) -> None:
    """Logging out reads a token that is out of date."""
    token = replace(refresh_forger, now=NOW - 10**7).forge()
    assert issuer.refresh.verify_ignoring_times(token).family_id == refresh_forger.family
    assert refusal(issuer.refresh, token) == "expired"


def test_an_expired_token_must_be_genuine_all_the_same(
    issuer: TokenIssuer, refresh_forger: Forger
) -> None:
    """To log out with somebody else's family takes their signed token."""
    token = replace(refresh_forger, now=NOW - 10**7).forge(key=b"x" * 32)
    with pytest.raises(TokenRefused, match=r"^signature$"):
        issuer.refresh.verify_ignoring_times(token)


def test_a_former_secret_verifies_while_it_is_listed(
    token_settings: Settings, access_forger: Forger
) -> None:
    former, current = token_settings.jwt_secret, decode_secret(new_secret()) or b""
    token = access_forger.forge()
    changed = replace(token_settings, jwt_secret=current, jwt_secret_previous=(former,))
    assert build(changed, Clock()).auth.issuer.access.verify(token, NOW).sub == "u" * 22
    unlisted = build(replace(changed, jwt_secret_previous=()), Clock()).auth.issuer
    assert refusal(unlisted.access, token) == "unknown_key"


def test_no_depth_of_nesting_is_more_than_refused(
    issuer: TokenIssuer, access_forger: Forger
) -> None:
    """Also just below what a parser bears."""
    for depth in (*range(1, 1400, 9), *range(940, 1000)):
        claims = b'{"x":' + b"[" * depth + b"]" * depth + b"}"
        assert refusal(issuer.access, access_forger.forge(claims=claims))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(max_size=80))
def test_any_text_is_refused_and_nothing_else(issuer: TokenIssuer, text: str) -> None:
    assert refusal(issuer.access, text, 0)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.binary(max_size=60), min_size=3, max_size=3))
def test_any_bytes_in_three_segments_are_refused(issuer: TokenIssuer, parts: list[bytes]) -> None:
    assert refusal(issuer.access, ".".join(encode(part) for part in parts), 0)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(["iss", "aud", "sub", "sid", "jti", "iat", "exp", "auth_time", "nbf"]),
    value=json_values,
)
def test_any_signed_claim_is_read_or_refused(
    issuer: TokenIssuer, access_forger: Forger, name: str, value: object
) -> None:
    token = access_forger.forge(claims=access_forger.claims() | {name: value})
    try:
        claims = issuer.access.verify(token, NOW)
    except TokenRefused:
        return
    good = {"cnf": None} | access_forger.claims() | {"amr": ("pwd",)}
    assert asdict(claims) == good | {name: value}


ids = st.from_regex(r"[A-Za-z0-9_-]{16,64}", fullmatch=True)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.tuples(ids, ids, ids), st.integers(1, 2**40 - 1000), st.integers(1, 600))
def test_what_is_minted_is_read(
    issuer: TokenIssuer, names: tuple[str, str, str], iat: int, life: int
) -> None:
    rules, times = issuer.access.rules, (iat, iat + life)
    access = AccessTokenClaims(rules.issuer, rules.audience, *names, *times, iat)
    assert issuer.access.verify(issuer.access.sign(access), iat) == access
    rules = issuer.refresh.rules
    refresh = RefreshTokenClaims(rules.issuer, rules.audience, *names, *times)
    assert issuer.refresh.verify(issuer.refresh.sign(refresh), iat) == refresh
