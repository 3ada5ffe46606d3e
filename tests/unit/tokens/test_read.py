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
from tests.support.forger import ACCESS, REFRESH, Forger, encode
from tests.vectors.tokens.case import Case
from tests.vectors.tokens.cases import CASES, for_purpose


def name_of(case: Case) -> str:
    """Name a case in the test's report."""
    return case.name


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    """There are hundreds of hostile tokens, each with a name of its own."""
    assert len(CASES) >= 240
    assert len({case.name for case in CASES}) == len(CASES)


def test_a_good_access_token_is_read(issuer: TokenIssuer, access_forger: Forger) -> None:
    """What every hostile access token is a variant of is accepted, with all its claims."""
    claims = issuer.access.verify(access_forger.forge(), access_forger.now)
    assert asdict(claims) == access_forger.claims() | {"cnf": None, "amr": ("pwd",)}


def test_a_bound_access_token_is_read(issuer: TokenIssuer, access_forger: Forger) -> None:
    """The thumbprint of its key is a claim that it may have."""
    said = access_forger.claims() | {"cnf": {"jkt": "k" * 43}}
    assert asdict(
        issuer.access.verify(access_forger.forge(claims=said), access_forger.now)
    ) == said | {"amr": ("pwd",)}


def test_so_many_tokens_are_remembered_and_no_more(
    token_settings: Settings, access_forger: Forger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded however many sessions come by, and the newest are in it."""
    monkeypatch.setattr(codec, "MAX_CACHED_TOKENS", 3)
    read = build(token_settings, Clock()).auth.issuer.access
    tokens = [
        access_forger.forge(claims=access_forger.claims() | {"jti": letter * 22})
        for letter in "abcdeed"
    ]
    for token in tokens:
        read.verify(token, access_forger.now)
    info = read._verified.cache_info()  # type: ignore[attr-defined]  # noqa: SLF001 - it shows nowhere else
    assert (info.currsize, info.maxsize, info.hits) == (3, 3, 2)


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
    with pytest.raises(TokenRefused) as refused:
        issuer.access.verify(token, access_forger.now)
    assert refused.value.reason == "claim_type"


def test_a_refresh_token_has_no_confirmation(issuer: TokenIssuer, refresh_forger: Forger) -> None:
    """What it is bound to is in its family's row, where it cannot be left out."""
    token = refresh_forger.forge(claims=refresh_forger.claims() | {"cnf": {"jkt": "k" * 43}})
    with pytest.raises(TokenRefused) as refused:
        issuer.refresh.verify(token, refresh_forger.now)
    assert refused.value.reason == "claims"


def test_a_good_refresh_token_is_read(issuer: TokenIssuer, refresh_forger: Forger) -> None:
    """What every hostile refresh token is a variant of is accepted, with all its claims."""
    claims = issuer.refresh.verify(refresh_forger.forge(), refresh_forger.now)
    assert asdict(claims) == refresh_forger.claims()


@pytest.mark.parametrize("case", for_purpose(ACCESS), ids=name_of)
def test_a_hostile_access_token_is_refused_for_its_reason(
    case: Case, issuer: TokenIssuer, access_forger: Forger
) -> None:
    """Each is refused, and for the one thing that is wrong with it."""
    token = case.build(access_forger)
    with pytest.raises(TokenRefused) as refused:
        issuer.access.verify(token, access_forger.now)
    assert refused.value.reason == case.reason


@pytest.mark.parametrize("case", for_purpose(REFRESH), ids=name_of)
def test_a_hostile_refresh_token_is_refused_for_its_reason(
    case: Case, issuer: TokenIssuer, refresh_forger: Forger
) -> None:
    """Each is refused, and for the one thing that is wrong with it."""
    token = case.build(refresh_forger)
    with pytest.raises(TokenRefused) as refused:
        issuer.refresh.verify(token, refresh_forger.now)
    assert refused.value.reason == case.reason


def test_a_token_of_just_the_longest_size_is_looked_at(
    issuer: TokenIssuer, access_forger: Forger
) -> None:
    """4096 characters pass the limit of size; here the padding claim is what is refused."""
    tokens = (
        access_forger.forge(claims=access_forger.claims() | {"pad": "x" * length})
        for length in range(2500, 3072)
    )
    token = next(token for token in tokens if len(token) == MAX_TOKEN_LENGTH == 4096)
    with pytest.raises(TokenRefused, match=r"^claims$"):
        issuer.access.verify(token, access_forger.now)


def test_expiry_counts_the_leeway(issuer: TokenIssuer, access_forger: Forger) -> None:
    """A token works until a second before exp + leeway, and no longer."""
    token, leeway = access_forger.forge(), access_forger.settings.clock_leeway
    end = access_forger.now + access_forger.life + leeway
    assert issuer.access.verify(token, end - 1).exp == end - leeway
    with pytest.raises(TokenRefused, match=r"^expired$"):
        issuer.access.verify(token, end)


def test_a_clock_behind_counts_the_leeway(issuer: TokenIssuer, access_forger: Forger) -> None:
    """A token from a clock that is ahead by the leeway works, by a second more it does not."""
    token, leeway = access_forger.forge(), access_forger.settings.clock_leeway
    assert issuer.access.verify(token, access_forger.now - leeway).iat == access_forger.now
    with pytest.raises(TokenRefused, match=r"^issued_in_future$"):
        issuer.access.verify(token, access_forger.now - leeway - 1)


def test_a_remembered_token_still_expires(issuer: TokenIssuer, access_forger: Forger) -> None:
    """A token whose signature was verified before is held against the time again."""
    token = replace(access_forger, jti="remembered" * 3).forge()
    assert issuer.access.verify(token, access_forger.now) == issuer.access.verify(
        token, access_forger.now
    )
    with pytest.raises(TokenRefused, match=r"^expired$"):
        issuer.access.verify(token, access_forger.now + 86400)
    with pytest.raises(TokenRefused, match=r"^issued_in_future$"):
        issuer.access.verify(token, access_forger.now - 86400)


def test_a_refusal_is_not_remembered_as_an_acceptance(
    issuer: TokenIssuer, access_forger: Forger
) -> None:
    """A forged token is refused the second time as the first, also after the good one passed."""
    good, forged = access_forger.forge(), access_forger.forge(key=b"x" * 32)
    for token_is_good in (False, True, False):
        if token_is_good:
            issuer.access.verify(good, access_forger.now)
            continue
        with pytest.raises(TokenRefused, match=r"^signature$"):
            issuer.access.verify(forged, access_forger.now)


def test_an_expired_token_can_still_name_its_family(
    issuer: TokenIssuer, refresh_forger: Forger
) -> None:
    """Logging out reads a token that is out of date; beside it, `read` refuses it."""
    token = replace(refresh_forger, now=refresh_forger.now - 10**7).forge()
    assert issuer.refresh.verify_ignoring_times(token).family_id == refresh_forger.family
    with pytest.raises(TokenRefused, match=r"^expired$"):
        issuer.refresh.verify(token, refresh_forger.now)


def test_an_expired_token_must_be_genuine_all_the_same(
    issuer: TokenIssuer, refresh_forger: Forger
) -> None:
    """To log out with somebody else's family takes their signed token."""
    token = replace(refresh_forger, now=refresh_forger.now - 10**7).forge(key=b"x" * 32)
    with pytest.raises(TokenRefused, match=r"^signature$"):
        issuer.refresh.verify_ignoring_times(token)


def test_a_listed_former_secret_still_verifies(token_settings: Settings) -> None:
    """After a change of secrets the old tokens work while the former secret is listed."""
    former, current = token_settings.jwt_secret, decode_secret(new_secret()) or b""
    token = Forger(token_settings, ACCESS, 1_800_000_000).forge()
    changed = replace(token_settings, jwt_secret=current, jwt_secret_previous=(former,))
    assert build(changed, Clock()).auth.issuer.access.verify(token, 1_800_000_000).sub == "u" * 22
    unlisted = replace(changed, jwt_secret_previous=())
    with pytest.raises(TokenRefused, match=r"^unknown_key$"):
        build(unlisted, Clock()).auth.issuer.access.verify(token, 1_800_000_000)


def test_no_depth_of_nesting_is_more_than_refused(
    issuer: TokenIssuer, access_forger: Forger
) -> None:
    """However deep a signed claim nests, also just below what a parser bears, it is refused."""
    for depth in (*range(1, 1400, 9), *range(940, 1000)):
        sid = b"[" * depth + b"]" * depth
        claims = b'{"x":' + sid + b"}"
        with pytest.raises(TokenRefused):
            issuer.access.verify(access_forger.forge(claims=claims), access_forger.now)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(max_size=80))
def test_any_text_is_refused_and_nothing_else(issuer: TokenIssuer, text: str) -> None:
    """No text makes the codec raise anything but a refusal."""
    with pytest.raises(TokenRefused):
        issuer.access.verify(text, 0)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.binary(max_size=60), min_size=3, max_size=3))
def test_any_bytes_in_three_segments_are_refused(issuer: TokenIssuer, parts: list[bytes]) -> None:
    """Nor do well-encoded segments of any content."""
    with pytest.raises(TokenRefused):
        issuer.access.verify(".".join(encode(part) for part in parts), 0)


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
    """Whatever one claim says, the answer is the claims or a refusal."""
    token = access_forger.forge(claims=access_forger.claims() | {name: value})
    try:
        claims = issuer.access.verify(token, access_forger.now)
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
    """Minting and reading are each other's inverse, for both types."""
    rules, times = issuer.access.rules, (iat, iat + life)
    access = AccessTokenClaims(rules.issuer, rules.audience, *names, *times, iat)
    assert issuer.access.verify(issuer.access.sign(access), iat) == access
    rules = issuer.refresh.rules
    refresh = RefreshTokenClaims(rules.issuer, rules.audience, *names, *times)
    assert issuer.refresh.verify(issuer.refresh.sign(refresh), iat) == refresh
