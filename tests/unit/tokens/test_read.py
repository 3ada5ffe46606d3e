from dataclasses import asdict, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.infra.clock import Clock
from app.services import build
from app.tokens import codec
from app.tokens.jws import MAX_TOKEN_LENGTH, TokenRefused
from config import Settings, decode_secret, new_secret
from tests.support.clock import NOW
from tests.support.forger import ACCESS, REFRESH, encode
from tests.unit.tokens.conftest import Tokens
from tests.vectors.tokens.case import Case
from tests.vectors.tokens.cases import CASES, for_purpose

LEEWAY = 5


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    assert len(CASES) >= 240
    assert len({case.name for case in CASES}) == len(CASES)


def test_a_good_access_token_is_read(access: Tokens) -> None:
    """Every hostile access token is a variant of it."""
    claims = access.verify(access.forger.forge())
    assert asdict(claims) == access.forger.claims() | {"cnf": None, "amr": ("pwd",)}


def test_a_bound_access_token_is_read(access: Tokens) -> None:
    cnf = {"jkt": "k" * 43}
    claims = access.verify(access.saying(cnf=cnf))
    assert asdict(claims) == access.forger.claims() | {"cnf": cnf, "amr": ("pwd",)}


def test_a_good_refresh_token_is_read(refresh: Tokens) -> None:
    """Every hostile refresh token is a variant of it."""
    assert asdict(refresh.verify(refresh.forger.forge())) == refresh.forger.claims()


@pytest.mark.parametrize("case", for_purpose(ACCESS), ids=lambda case: str(case.name))
def test_a_hostile_access_token_is_refused_for_its_reason(case: Case, access: Tokens) -> None:
    assert access.refusal(case.build(access.forger)) == case.reason


@pytest.mark.parametrize("case", for_purpose(REFRESH), ids=lambda case: str(case.name))
def test_a_hostile_refresh_token_is_refused_for_its_reason(case: Case, refresh: Tokens) -> None:
    assert refresh.refusal(case.build(refresh.forger)) == case.reason


@pytest.mark.parametrize(
    "cnf",
    [
        *(None, "k" * 43, ["k" * 43], {}, {"jwk": {}}),
        *({"jkt": None}, {"jkt": 7}, {"jkt": ["k" * 43]}, {"jkt": ""}),
        *({"jkt": "k" * 42}, {"jkt": "k" * 44}, {"jkt": "k" * 42 + "="}),
        {"jkt": "k" * 43, "x5t#S256": "k" * 43},
    ],
)
def test_a_confirmation_of_another_form_is_refused(access: Tokens, cnf: object) -> None:
    """A token that is bound to an unknown kind of key must not pass for an unbound one."""
    assert access.refusal(access.saying(cnf=cnf)) == "claim_type"


def test_a_refresh_token_has_no_confirmation(refresh: Tokens) -> None:
    """The row of the family names the key."""
    assert refresh.refusal(refresh.saying(cnf={"jkt": "k" * 43})) == "claims"


def test_a_token_of_just_the_longest_size_is_looked_at(access: Tokens) -> None:
    """It is refused for its claim and not for its size."""
    tokens = (access.saying(pad="x" * length) for length in range(2500, 3072))
    token = next(token for token in tokens if len(token) == MAX_TOKEN_LENGTH == 4096)
    assert access.refusal(token) == "claims"


def test_a_token_works_until_a_second_before_its_end_and_the_leeway(access: Tokens) -> None:
    token, end = access.forger.forge(), NOW + access.forger.life + LEEWAY
    assert access.verify(token, end - 1).exp == end - LEEWAY
    assert access.refusal(token, end) == "expired"


def test_a_token_of_a_clock_ahead_works_within_the_leeway(access: Tokens) -> None:
    token = access.forger.forge()
    assert access.verify(token, NOW - LEEWAY).iat == NOW
    assert access.refusal(token, NOW - LEEWAY - 1) == "issued_in_future"


def test_so_many_tokens_are_remembered_and_no_more(
    token_settings: Settings, access: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codec, "MAX_CACHED_TOKENS", 3)
    small = build(token_settings, Clock()).auth.issuer.access
    for letter in "abcdeed":
        small.verify(access.saying(jti=letter * 22), NOW)
    info = small._verified.cache_info()  # type: ignore[attr-defined]  # noqa: SLF001 - it shows nowhere else
    assert (info.currsize, info.maxsize, info.hits) == (3, 3, 2)


def test_a_remembered_token_still_expires(access: Tokens) -> None:
    token = access.saying(jti="remembered" * 3)
    assert access.verify(token) == access.verify(token)
    assert access.refusal(token, NOW + 86400) == "expired"
    assert access.refusal(token, NOW - 86400) == "issued_in_future"


def test_a_forged_token_is_refused_also_after_the_good_one_passed(access: Tokens) -> None:
    forged = access.forger.forge(key=b"x" * 32)
    assert access.refusal(forged) == "signature"
    access.verify(access.forger.forge())
    assert access.refusal(forged) == "signature"


def test_an_expired_token_can_still_name_its_family(refresh: Tokens) -> None:
    """A log-out accepts it."""
    token = replace(refresh.forger, now=NOW - 10**7).forge()
    assert refresh.codec.verify_ignoring_times(token).family_id == refresh.forger.family
    assert refresh.refusal(token) == "expired"


def test_an_expired_token_must_be_genuine_all_the_same(refresh: Tokens) -> None:
    """Otherwise anybody could log out other people's sessions."""
    token = replace(refresh.forger, now=NOW - 10**7).forge(key=b"x" * 32)
    with pytest.raises(TokenRefused, match=r"^signature$"):
        refresh.codec.verify_ignoring_times(token)


def test_a_former_secret_verifies_while_it_is_listed(
    token_settings: Settings, access: Tokens
) -> None:
    former, current = token_settings.jwt_secret, decode_secret(new_secret()) or b""
    token = access.forger.forge()
    changed = replace(token_settings, jwt_secret=current, jwt_secret_previous=(former,))
    assert build(changed, Clock()).auth.issuer.access.verify(token, NOW).sub == "u" * 22
    unlisted = build(replace(changed, jwt_secret_previous=()), Clock()).auth.issuer.access
    assert replace(access, codec=unlisted).refusal(token) == "unknown_key"


def test_no_depth_of_nesting_is_more_than_refused(access: Tokens) -> None:
    """Also the depths just below the parser's limit."""
    for depth in (*range(1, 1400, 9), *range(940, 1000)):
        claims = b'{"x":' + b"[" * depth + b"]" * depth + b"}"
        assert access.refusal(access.forger.forge(claims=claims))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.binary(max_size=60), min_size=3, max_size=3))
def test_any_bytes_in_three_segments_are_refused(access: Tokens, parts: list[bytes]) -> None:
    assert access.refusal(".".join(encode(part) for part in parts), 0)
